"""The rules of the demo model: from the messages alone to the reply, without network or chance.

Nothing here knows of HTTP, of time, or of who asks.
"""

from ._embed import SIZE, embed
from ._picture import paint
from ._rules import reply, speak
from ._scene import Scene
from ._spoken_tools import lift_tools, wish
from ._tools import ToolCall, pick
from ._wanted import lift_schema

__all__ = [
    "SIZE",
    "Scene",
    "ToolCall",
    "embed",
    "lift_schema",
    "lift_tools",
    "paint",
    "pick",
    "reply",
    "speak",
    "wish",
]
