"""The servers that this process knows: one attachment for each address and token, shared by all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..exceptions import AgentServerNotAliveError, AuthenticationError, UsageError
from ._attachment import Attachment
from ._options import is_loopback
from ._places import connections

__all__ = ["attachment", "find_token", "known_token", "normal_address", "peer"]

_attachments: dict[tuple[str, str], Attachment] = {}
_lock = threading.Lock()


def attachment(address: str, token: str) -> Attachment:
    """Return the attachment for an address, a new one if there is none that still works. Any thread.

    Raises:
        UsageError: the address is on another machine, where the token would travel unencrypted.
    """
    host = address.rpartition(":")[0].strip("[]")
    if not address.startswith("unix:") and not is_loopback(host):
        raise UsageError(
            f"the agent server at {address} is on another machine, which needs TLS; "
            "this version reaches the servers of its own machine only"
        )
    with _lock:
        known = _attachments.get((address, token))
        if known is None or not known.is_open():
            known = _attachments[address, token] = Attachment(address, token, on_end=_forget)
        return known


def _forget(ended: Attachment) -> None:
    key = (ended.server_address, ended.token)
    with _lock:
        if _attachments.get(key) is ended:
            del _attachments[key]


def known_token(address: str) -> str | None:
    """Return the token for an address as this user's connection files tell it, if they do."""
    for connection in connections():
        if not connection.is_foreign() and normal_address(connection.address) == address:
            return connection.token
    return None


def find_token(address: str) -> str:
    """Return the token for an address: from this user's connection files, else from NBAGENTS_TOKEN_FILE.

    Raises:
        AuthenticationError: there is none.
        UsageError: the file that NBAGENTS_TOKEN_FILE names cannot be read.
    """
    known = known_token(address)
    if known is not None:
        return known
    file = os.environ.get("NBAGENTS_TOKEN_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"NBAGENTS_TOKEN_FILE, {file}, cannot be read: {error}") from None
    raise AuthenticationError(
        f"no token for the agent server at {address}: no server of yours listens there",
        hint="pass token=..., or name its file in NBAGENTS_TOKEN_FILE",
    )


def peer(server_id: str) -> Attachment:
    """Return the attachment to another server of this user, known by its id alone. Any thread.

    The address and the token come from this user's connection files, never from whoever named the id.

    Raises:
        AgentServerNotAliveError: no server of this user has that id.
    """
    for connection in connections():
        if connection.server_id == server_id and not connection.is_foreign():
            return attachment(normal_address(connection.address), connection.token)
    raise AgentServerNotAliveError(f"no agent server of yours has the id {server_id[:60]!r}")


def normal_address(address: str) -> str:
    """Return one spelling for an address; "localhost" never means whoever listens on IPv6."""
    host, colon, port = address.rpartition(":")
    return f"127.0.0.1{colon}{port}" if host == "localhost" else address


def _forget_after_fork() -> None:
    # Its streams are the parent's.
    global _lock
    _lock = threading.Lock()
    _attachments.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
