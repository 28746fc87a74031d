"""Which tokens an app may be given."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import Secret
from ..exceptions import UsageError

__all__ = ["SHORTEST", "check_tokens"]

SHORTEST = 8
"""Characters of a token."""


def check_tokens(
    token: str | Secret | None, tokens: Mapping[str, str | Secret] | None, insecure: bool
) -> None:
    """Look at what is to be known of users: one token, a token for each, or nothing and everybody.

    Raises:
        UsageError: they contradict each other, or are too weak, or do not tell users apart.
    """
    if insecure and (token is not None or tokens is not None):
        raise UsageError(
            "insecure=True serves everybody, so that no token counts", hint="leave one of them out"
        )
    if tokens is not None and (token is not None or not tokens or not all(tokens)):
        raise UsageError("tokens= has a token for each user's name, and stands instead of token=")
    given = [
        Secret(text).reveal() for text in [*(tokens or {}).values(), *([] if token is None else [token])]
    ]
    if any(
        len(text) < SHORTEST or not text.isascii() or not text.isprintable() or " " in text for text in given
    ):
        raise UsageError(
            f"a token has at least {SHORTEST} ASCII characters, and no blank", hint="leave it out"
        )
    if len(set(given)) < len(given):
        raise UsageError("two users have the same token, so nobody could tell them apart")
