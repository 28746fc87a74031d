"""The servers that this process knows: one attachment for each address, shared by all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..exceptions import AuthenticationError, UsageError
from ._attachment import Attachment
from ._places import connections

__all__ = ["attachment", "find_token"]

_attachments: dict[str, Attachment] = {}
_lock = threading.Lock()


def attachment(address: str, token: str | None = None) -> Attachment:
    """Return the attachment for an address, a new one if there is none that still works. Any thread."""
    with _lock:
        known = _attachments.get(address)
        if known is None or not known.is_open():
            known = Attachment(address, token or find_token(address), on_end=_forget)
            _attachments[address] = known
        return known


def _forget(ended: Attachment) -> None:
    with _lock:
        if _attachments.get(ended.server_address) is ended:
            del _attachments[ended.server_address]


def find_token(address: str) -> str:
    """Return the token for an address: from this user's connection files, else from NBAGENTS_TOKEN_FILE.

    Raises:
        AuthenticationError: there is none.
    """
    for connection in connections():
        if not connection.is_foreign() and _same_address(connection.address, address):
            return connection.token
    file = os.environ.get("NBAGENTS_TOKEN_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"NBAGENTS_TOKEN_FILE cannot be read: {error.strerror}") from None
    raise AuthenticationError(
        f"no token for the agent server at {address}: no server of yours listens there",
        hint="pass token=..., or name its file in NBAGENTS_TOKEN_FILE",
    )


def _same_address(one: str, other: str) -> bool:
    return _normal(one) == _normal(other)


def _normal(address: str) -> str:
    host, colon, port = address.rpartition(":")
    return f"localhost{colon}{port}" if host in ("127.0.0.1", "[::1]", "::1") else address
