"""`key_below`: the idempotency key of a call that is made by the body of a call that has one.

A repeated attempt at the outer call makes its own calls again, in new objects. What tells that it is the same
piece of work is what it asks whom, and for the how-manieth time: not the order in which concurrent branches
happen to get there, and never the id or the time of a message that was made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..message import Msg, PlaceholderMessage

if TYPE_CHECKING:
    from ._call import Call

__all__ = ["key_below"]

MOST_PARTS = 10_000
"""How much of a value is looked at: it may hold itself."""


def key_below(parent: Call, kind: str, whom: str, given: Any) -> str:
    """Return the key of a call that ``parent``, which has one, makes; each call gets another one.

    The attempts at ``parent`` get the same one for the same arguments ``given`` to the same agent.
    """
    digest = blake2b(f"{parent.key} {kind} {whom}".encode(errors="replace"), digest_size=16)
    for part in islice(_parts(given), MOST_PARTS):
        digest.update(f"{len(part)}:{part}".encode(errors="replace"))
    what = digest.digest()
    asked = parent.asked
    if asked is None:
        asked = parent.asked = {}
    asked[what] = times = asked.get(what, 0) + 1
    digest.update(b"%d" % times)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[str]:
    """Yield what a value says; of what is no plain data its type alone."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, PlaceholderMessage):  # arrived or not: the same call stands behind it each time
            yield f"reply {getattr(one._promise, 'key', '')}"
        elif isinstance(one, Msg):
            yield "message"
            left += [one.metadata, one.url, one.role, one.content, one.name]
        elif isinstance(one, (list, tuple)):
            yield f"items {len(one)}"
            left.extend(reversed(one))
        elif isinstance(one, dict):
            yield f"fields {len(one)}"
            for pair in one.items():
                left += pair[::-1]
        elif one is None or isinstance(one, (str, int, float, bytes)):
            yield f"{type(one).__name__} {one!r}"
        else:
            yield type(one).__name__
