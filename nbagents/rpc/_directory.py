"""The servers that this process knows: one attachment for each address and token, shared by all."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import AgentServerNotAliveError, AuthenticationError, UsageError
from ._attachment import Attachment
from ._options import is_loopback
from ._places import Connection, connection_at, normal_address, server_of
from ._typed import typed_token

if TYPE_CHECKING:
    from ._tls import Trust

__all__ = [
    "attachment",
    "attachment_to",
    "check_reach",
    "find_token",
    "known_token",
    "open_attachments",
    "peer",
    "trust_of",
]

_attachments: dict[tuple[str, str, Trust | None], Attachment] = {}
_lock = threading.Lock()
_parents: list[Attachment] = []
"""After a fork, the parent's: to let go of a channel of gRPC would end the child."""


def attachment(address: str, token: str, trust: Trust | None = None, *, insecure: bool = False) -> Attachment:
    """Return the attachment for an address, a new one if there is none that still works. Any thread.

    Raises:
        UsageError: the address is on another machine, where the token would travel unencrypted.
    """
    check_reach(address, trust, insecure=insecure)
    key = (address, token, trust)
    with _lock:
        known = _attachments.get(key)
        if known is None or not known.is_open():
            known = _attachments[key] = Attachment(
                address, token, trust=trust, on_end=_forget, expects=_server_of(address, token)
            )
        return known


def check_reach(address: str, trust: Trust | None, *, insecure: bool = False) -> None:
    """Raise `UsageError` if a token would travel unencrypted to another machine."""
    if trust is None and not insecure and not _is_here(address):
        raise UsageError(
            f"the agent server at {address} is on another machine, where the token would travel unencrypted",
            hint="ca='/path/to/ca.pem', or insecure=True if that is meant",
        )


def _server_of(address: str, token: str) -> str:
    """Return the id of the server to which this token belongs, where a connection file tells it."""
    known = connection_at(address)
    return known.server_id if known is not None and known.token == token else ""


def _is_here(address: str) -> bool:
    return address.startswith("unix:") or is_loopback(address.rpartition(":")[0].strip("[]"))


def open_attachments() -> list[tuple[str, str]]:
    """Return address and token of each server that this process is connected to."""
    with _lock:
        return [key[:2] for key, attachment in _attachments.items() if attachment.is_open()]


def _forget(ended: Attachment) -> None:
    key = (ended.server_address, ended.token, ended.trust)
    with _lock:
        if _attachments.get(key) is ended:
            del _attachments[key]


def known_token(address: str) -> str | None:
    """Return the token for an address as this user's connection files tell it, if they do."""
    known = connection_at(address)
    return None if known is None else known.token


def trust_of(
    address: str, *, ca: str | os.PathLike[str] | None = None, insecure: bool = False
) -> Trust | None:
    """Return how to make sure of the server at an address; None if no TLS is spoken with it.

    By the certificates in the file ``ca``; else, for a server of this user, as its connection file says;
    else by those that NBAGENTS_CA_FILE names; else, on another machine, by those that this system trusts.
    """
    if address.startswith("unix:"):
        return None
    if ca is None and insecure:
        return None
    known = connection_at(address) if ca is None else None
    if known is not None:
        return _trusted(known)
    file = ca if ca is not None else os.environ.get("NBAGENTS_CA_FILE")
    if not file:
        return None if _is_here(address) else _trust("")
    # By its number this name is dialled, by itself it is certified.
    return _trust(os.path.abspath(file), "localhost" if address.startswith("localhost:") else "")


def _trusted(connection: Connection) -> Trust | None:
    return _trust(connection.ca, connection.ca_name) if connection.ca else None


def _trust(ca: str, name: str = "") -> Trust:
    from ._tls import Trust  # few servers speak TLS

    return Trust(ca, name)


def find_token(address: str) -> str:
    """Return the token for an address: from this user's connection files, else from NBAGENTS_TOKEN_FILE.

    For a server of another machine a person who sits at this process is asked, by a hidden prompt.

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
    typed = None if _is_here(address) else typed_token(address)
    if typed:
        return typed
    raise AuthenticationError(
        f"no token for the agent server at {address}: no server of yours listens there",
        hint=("start it first, or, if somebody else did, " if _is_here(address) else "")
        + "pass token=..., or name its file in NBAGENTS_TOKEN_FILE",
    )


def attachment_to(connection: Connection) -> Attachment:
    """Return the attachment to a server of this user, proved by what its connection file says. Any thread."""
    address = normal_address(connection.address)
    return attachment(address, connection.token, _trusted(connection), insecure=True)


def peer(server_id: str) -> Attachment:
    """Return the attachment to another server of this user, known by its id alone. Any thread.

    The address and the token come from this user's connection files, never from whoever named the id.

    Raises:
        AgentServerNotAliveError: no server of this user has that id, nor had one that may be started again.
    """
    connection = server_of(server_id)
    if connection is not None:
        return attachment_to(connection)
    raise AgentServerNotAliveError(f"no agent server of yours has the id {server_id[:60]!r}")


def _forget_after_fork() -> None:
    # Its streams are the parent's.
    global _lock
    _lock = threading.Lock()
    _parents.extend(_attachments.values())
    _attachments.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
