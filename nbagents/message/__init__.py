"""Messages: `Msg`, and `PlaceholderMessage`, one that may not have arrived yet.

Knows nothing of agents, models or the wire: a placeholder holds a promise, not an address.
"""

from ._msg import ROLES, Msg, last_edit
from ._placeholder import PlaceholderMessage, Promise

__all__ = ["ROLES", "Msg", "PlaceholderMessage", "Promise", "last_edit"]
