"""A reply of a few hundred words, so that there is time to stop it."""

from __future__ import annotations

__all__ = ["lecture"]

SENTENCES = 24

_SAYINGS = (
    "it is here so that you have something to stop",
    "what came so far is kept when you stop me",
    "the other agents go on when only I am stopped",
    "I am the offline demo model and say nothing that is news",
    "no tokens are paid for, whichever moment you choose",
    "the same messages bring the same sentences again",
)


def lecture() -> str:
    """Return the long reply: numbered sentences, three to a paragraph."""
    told = [
        f"Sentence {index} of {SENTENCES}: {_SAYINGS[(index - 1) % len(_SAYINGS)]}."
        for index in range(1, SENTENCES + 1)
    ]
    return "\n\n".join(" ".join(told[start : start + 3]) for start in range(0, SENTENCES, 3))
