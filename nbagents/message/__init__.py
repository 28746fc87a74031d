"""Messages: `Msg`, and `PlaceholderMessage`, one that may not have arrived yet.

Knows nothing of agents, models or the wire: a placeholder holds a promise, not an address.
"""

from ._blocks import (
    AudioBlock,
    Base64Source,
    ContentBlock,
    FileBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    URLSource,
    VideoBlock,
    is_block,
)
from ._msg import MUTED, ROLES, Msg, is_muted, last_edit
from ._placeholder import PlaceholderMessage, Promise

__all__ = [
    "MUTED",
    "ROLES",
    "AudioBlock",
    "Base64Source",
    "ContentBlock",
    "FileBlock",
    "ImageBlock",
    "Msg",
    "PlaceholderMessage",
    "Promise",
    "TextBlock",
    "ThinkingBlock",
    "ToolResultBlock",
    "ToolUseBlock",
    "URLSource",
    "VideoBlock",
    "is_block",
    "is_muted",
    "last_edit",
]
