"""The rules of the demo model: from the messages alone to the reply, without network or chance.

Nothing here knows of HTTP, of time, or of who asks.
"""

from ._rules import reply, speak
from ._scene import Scene
from ._tools import ToolCall, pick
from ._wanted import lift_schema

__all__ = ["Scene", "ToolCall", "lift_schema", "pick", "reply", "speak"]
