"""How far a handler that streams may be ahead of whoever reads it, in bytes."""

from __future__ import annotations

from .._proto import agent_pb2 as pb

__all__ = ["AHEAD", "cost"]

AHEAD = 2**20
"""Bytes of its stream that a handler may be ahead of whoever reads them, and one chunk more."""
EACH = 4096
"""What each chunk counts besides its data: so few may wait, however short they are."""


def cost(chunk: pb.Value) -> int:
    """Return what a chunk counts, of the bytes that may come ahead."""
    return len(chunk.data) + EACH
