"""`answer_waits`: what another process asks when its call waits for long: what does that wait for?"""

from __future__ import annotations

import json
from typing import Any

from ..agents import scheduler
from ..exceptions import ProtocolError
from ._many import meant
from ._results import Results

__all__ = ["answer_waits"]

MOST_HOPS, MOST_STEPS, LONGEST = 64, 64, 300
MOST_OF_MANY = 32
STEP = {"id": str, "label": str, "queued": bool, "place": list}


async def answer_waits(results: Results, question: str) -> dict[str, Any] | None:
    """Return the ring of waiting calls that the asked call closes, if one; see `agents.Rings`.

    Raises:
        ProtocolError: the question is malformed.
    """
    try:
        asked = json.loads(question)
        call_id, trail, round_ = asked["call"], asked["trail"], asked["round"]
        fits = all(map(_is_short, (call_id, round_))) and 0 < len(trail) <= MOST_HOPS
        fits = fits and all(_is_hop(hop) for hop in trail)
    except (ValueError, TypeError, LookupError, RecursionError):
        fits = False
    if not fits:
        raise ProtocolError("a question for what a call waits for is malformed")
    for call in meant(call_id, results)[:MOST_OF_MANY]:
        ring = None if call.done else await scheduler().rings.chase(call, trail, round_)
        if ring is not None:
            return ring
    return None


def _is_short(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST


def _is_hop(hop: Any) -> bool:
    return (
        _is_short(hop["call"])
        and len(hop["steps"]) <= MOST_STEPS
        and all(
            all(isinstance(step[key], kind) for key, kind in STEP.items())
            and all(isinstance(part, int) for part in step["place"][1:])
            and all(map(_is_short, (step["id"], step["label"], step["place"][0])))
            for step in hop["steps"]
        )
    )
