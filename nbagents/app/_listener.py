"""The socket that an app listens on: a port of its own, or an error that says whose it is."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket

from ..exceptions import AgentServerError, UsageError
from ._deployment import Deployment, deployments

__all__ = ["check_port", "is_public", "listen", "taken"]


def check_port(port: object) -> None:
    """Look whether that is a port.

    Raises:
        UsageError: it is none.
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise UsageError(f"a port is a number from 0 to 65535, not {port!r}")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; nobody else can, while it does.

    Raises:
        UsageError: the port is taken, or there is no such address here.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":  # where it lets a port be used again at once, and not be shared
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise taken(host, port) from None
        raise UsageError(f"{host}:{port} cannot be listened at: {error.strerror or error}") from None
    return listener


def taken(host: str, port: int) -> UsageError:
    """Return the error that says who has a port, and what ends that, where it is known."""
    who, remedy = "another program", ""
    known: list[Deployment] = []
    with contextlib.suppress(OSError, AgentServerError):  # there is no folder to look in
        known = deployments()
    for one in known:
        if one.alive and one.url.rpartition(":")[2] == str(port):
            who = f"your own {one.name or 'app'}, {one.whereabouts}"
            here = "app.serving.stop(), or " if one.is_of_this_process else ""
            remedy = f"; or end it: {here}`nbagents app stop {one.deploy_id}`"
    return UsageError(
        f"the port {port} of {host} is taken by {who}", hint=f"give another port, or 0 for any{remedy}"
    )


def is_public(host: str) -> bool:
    """Can other machines reach that address?"""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() != "localhost"
