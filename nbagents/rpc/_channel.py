"""Connections to agent servers: plain on this machine, by TLS to others; and why one could not be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from ..exceptions import AuthenticationError, NbAgentsError
from ._limits import CHANNEL_OPTIONS

if TYPE_CHECKING:
    from ._tls import Trust

__all__ = ["channel", "unproved"]


def channel(address: str, trust: Trust | None = None) -> grpc.aio.Channel:
    """Return a channel to an address, which connects when it is used; by TLS if ``trust`` says how.

    Raises:
        UsageError: the certificates that ``trust`` names cannot be read.
    """
    if trust is None:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    options: list[tuple[str, Any]] = list(CHANNEL_OPTIONS)
    if trust.name:
        options.append(("grpc.ssl_target_name_override", trust.name))
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(trust.read()), options=options)


def unproved(address: str, details: str, trust: Trust | None) -> NbAgentsError | None:
    """Return the error of a connection that its certificates failed; None if something else did."""
    if trust is None:
        return None
    if "WRONG_VERSION_NUMBER" in details or "wrong version" in details.lower():
        why = "what listens there does not speak TLS"
    elif "Hostname" in details:
        why = "its certificate is for another name"
    elif "CERTIFICATE" in details or "certificate" in details:
        why = "its certificate was not made by anybody named there, or has expired"
    elif "SSL" in details or "andshake" in details:
        why = "the TLS handshake failed"
    else:
        return None
    return AuthenticationError(
        f"the agent server at {address} could not prove who it is by"
        f" {trust.ca or 'the certificates that this system trusts'}: {why}; the token was not sent",
        hint=None if trust.ca else "ca='/path/to/ca.pem', or export NBAGENTS_CA_FILE=/path/to/ca.pem",
    )
