"""Messages: `Msg`, and `PlaceholderMessage`, one that may not have arrived yet.

Knows nothing of agents, models or the wire: a placeholder holds a promise, not an address.
"""

from ._msg import MUTED, ROLES, Msg, is_muted, last_edit
from ._placeholder import PlaceholderMessage, Promise

__all__ = ["MUTED", "ROLES", "Msg", "PlaceholderMessage", "Promise", "is_muted", "last_edit"]
