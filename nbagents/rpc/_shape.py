"""`parse`: protobuf messages from outside, looked at before they are parsed.

A field of two bytes may become an object of a hundred. So in a message that is long enough for that to hurt
the fields are counted first, down to those of a payload, without making anything of them.
"""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ..exceptions import ProtocolError
from ._proto import agent_pb2 as pb

__all__ = ["MAX_FIELDS", "MAX_FRAMES", "parse", "unknown_kind"]

M = TypeVar("M", bound=Message)
SHORT = 256 * 1024
"""Bytes of a message that need no counting."""
MAX_FRAMES = 20_000
"""Messages directly inside a long one: the frames of a batch, of which each is handled in the same turn."""
MAX_FIELDS = 1_000_000
"""Fields in a long message, at all levels."""
_LEVELS = {"Batch": 4, "Message": 4}
"""A batch holds frames, a frame a call or an update, that a payload; AutoGen's message an event, that
attributes, these values. All other messages are flat."""


def parse(kind: type[M], data: bytes, what: str) -> M:
    """Return the message of a class of `agent.proto` that these bytes are.

    Raises:
        ProtocolError: they are none, or a message that would take far more memory than its size.
    """
    if len(data) > SHORT:
        _Counter(what, _LEVELS.get(kind.DESCRIPTOR.name, 1)).count(data, 0, len(data), 1)
    try:
        return kind.FromString(data)
    except Exception:  # noqa: BLE001  # protobuf's own class, and RuntimeError from some of its backends
        raise ProtocolError(f"{what} is not a {kind.DESCRIPTOR.name}") from None


def unknown_kind(frame: pb.Frame) -> bool:
    """Is a frame that seems to hold nothing one of a kind that this version does not know?"""
    return len(UnknownFieldSet(frame)) > 0


class _Counter:
    """Counts fields; none in what is no message, which the parser refuses or takes as a text."""

    def __init__(self, what: str, levels: int) -> None:
        self._what, self._levels, self._fields = what, levels, 0

    def count(self, data: bytes, at: int, end: int, level: int) -> bool:
        """Count the fields between two places; return whether they are fields at all."""
        here = 0
        while at < end:
            tag = data[at]
            if tag < 128:
                at += 1
            else:
                tag, at = _varint(data, at, end)
            if at < 0 or tag < 8:
                return False
            here += 1
            self._fields += 1
            if self._fields > MAX_FIELDS or (level == 1 < self._levels and here > MAX_FRAMES):
                most = f"{MAX_FIELDS:,} fields" if self._fields > MAX_FIELDS else f"{MAX_FRAMES:,} frames"
                raise ProtocolError(f"{self._what} holds more than {most}")
            wire = tag & 7
            if wire == 2:
                if at < end and data[at] < 128:
                    length, at = data[at], at + 1
                else:
                    length, at = _varint(data, at, end)
                if at < 0 or at + length > end:
                    return False
                if length > SHORT and level < self._levels:
                    self._inside(data, at, at + length, level + 1)
                at += length
            elif wire == 0:
                _, at = _varint(data, at, end)
                if at < 0:
                    return False
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            else:
                return False
        return at == end

    def _inside(self, data: bytes, at: int, end: int, level: int) -> None:
        before = self._fields
        if not self.count(data, at, end, level):
            self._fields = before  # a text, or the bytes of a blob


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number and where it ends; -1 there if it does not."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return 0, -1
