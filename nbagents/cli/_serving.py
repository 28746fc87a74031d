"""Serving in the foreground: one agent server, until a signal or a client stops it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from ..config import ModelConfigs
from ..exceptions import AgentServerError, UsageError
from ..rpc import TLS, UNPROTECTED, Connection, ServerOptions, Spawned

__all__ = ["add_guards", "guards", "port_number", "serve"]

TICK = 0.1


class _Ended(BaseException):
    """A signal asked this program to end."""


def port_number(text: str) -> int:
    """Return the port that a text names; `argparse` makes an error of anything else."""
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: give one from 1 to 65535, or 0 for a free one")


def add_guards(parser: argparse.ArgumentParser) -> None:
    """Add the options that say whom a server lets in, and what it gives away."""
    add = parser.add_argument
    add("--tls-cert", metavar="FILE", help="the server's certificate with its chain, PEM")
    add("--tls-key", metavar="FILE", help="its key, PEM, without a passphrase")
    add("--tls-ca", metavar="FILE", help="the certificate that clients on this machine trust")
    add(
        "--insecure",
        action="store_true",
        help="serve other machines without TLS: everybody on the way can read the token",
    )
    add("--public-health", action="store_true", help="answer gRPC's health service without the token")
    add(
        "--export",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder whose files clients may download; can be given again",
    )
    add("--token-file", metavar="FILE", help="holds the token; only its user may be able to read it")


def guards(given: argparse.Namespace) -> dict[str, Any]:
    """Return these options as `ServerOptions` takes them.

    Raises:
        UsageError: certificate and key do not come together.
    """
    if (given.tls_cert is None) != (given.tls_key is None) or (given.tls_ca and not given.tls_cert):
        raise UsageError("TLS needs --tls-cert and --tls-key, both")
    return {
        "tls": TLS.of((given.tls_cert, given.tls_key, given.tls_ca) if given.tls_cert else None),
        "insecure": given.insecure,
        "public_health": given.public_health,
        "export": [os.path.abspath(folder) for folder in given.export],
        "token_file": given.token_file and os.path.abspath(given.token_file),
    }


def serve(options: ServerOptions, *, models: str | None = None, show_log: bool = True) -> int:
    """Serve until a signal comes or a client stops the server; return the exit status, 0.

    The server is a process of its own, in a neutral folder and without the secrets of this environment; it
    ends with this one. ``models`` is the path of a JSON file of model configurations, keys and all, which
    travel through a pipe.

    Raises:
        NbAgentsError: it could not start.
        AgentServerError: it ended by itself.
    """
    options.owner = "service"
    options.agent_dir = options.agent_dir and os.path.abspath(options.agent_dir)
    server: Spawned | None = None
    before = _catch_signals()
    try:
        server = Spawned.start(options, _read(models), show_log=show_log)
        if options.is_public() and options.tls is None and not show_log:
            print(UNPROTECTED % server.connection.address, file=sys.stderr)
        _announce(server.connection, options.token_file)
        while server.is_alive():
            time.sleep(TICK)
        if server.process.returncode:
            raise AgentServerError(
                f"the agent server {server.connection.server_id} ended by itself,"
                f" with status {server.process.returncode}"
            )
    except (_Ended, KeyboardInterrupt):
        print("stopping", file=sys.stderr, flush=True)
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        if server is not None:
            server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _read(models: str | None) -> list[dict[str, Any]]:
    if models is None:
        return []
    from ..models import model_config_to_wire

    known = ModelConfigs()
    return [model_config_to_wire(known.get(name)) for name in known.load(models)]


def _catch_signals() -> dict[int, Any]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Ended

    if threading.current_thread() is not threading.main_thread():
        return {}  # where no signal comes
    return {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}


def _announce(connection: Connection, token_file: str | None) -> None:
    address, pid = connection.address, connection.pid
    print(f"agent server {connection.server_id} listens at {address} (process {pid})")
    print(f"token: in {token_file or connection.path}", flush=True)
