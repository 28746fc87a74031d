"""The process that serves the demo models until its standard input ends."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import threading
from typing import Any

import uvicorn

from ._app import create_app
from ._catalog import CATALOG, SPEED

__all__ = ["main"]

LONGEST_LINE = 65_536


def main() -> int:
    """Serve on a free port of 127.0.0.1 as one JSON line on standard input says.

    The line may hold ``key`` (else one is made), ``speed`` (simulated tokens per second, 0 for none) and
    ``stand_in`` (the demo model that answers for every model that is not there). One JSON line on standard
    output tells ``base_url`` and ``key`` once requests are answered; nothing is written after it. The end
    of standard input ends the process.

    Returns:
        The exit code: 2 where the line cannot be used.
    """
    try:
        key, speed, stand_in = _settings(_line())
    except ValueError as error:
        sys.stderr.write(f"nbagents.demo: {error}\n")
        return 2
    # Somebody who closes our input has gone: nothing is left to finish, so the exit is at once.
    threading.Thread(target=_end_with_input, name="lifeline", daemon=True).start()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        asyncio.run(_serve(listener, key, speed, stand_in))
    return 0


def _line() -> bytes:
    # Read byte-wise from the descriptor: a buffered reader would hold a lock at exit.
    line = b""
    while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def _settings(line: bytes) -> tuple[str, float, str | None]:
    try:
        data: Any = json.loads(line or b"{}")
    except ValueError:
        raise ValueError("the first line of the input is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("the first line of the input is not a JSON object")
    key, speed = data.get("key") or secrets.token_urlsafe(32), data.get("speed", SPEED)
    if not isinstance(key, str) or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("'key' must be a text of ASCII characters without blanks")
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 <= speed <= 100_000:
        raise ValueError("'speed' must be a number of tokens per second from 0 to 100000")
    stand_in = data.get("stand_in")
    if stand_in is not None and stand_in not in CATALOG:
        raise ValueError(f"'stand_in' must be one of {', '.join(CATALOG)}")
    return key, float(speed), stand_in


def _end_with_input() -> None:
    while os.read(0, LONGEST_LINE):
        continue
    os._exit(0)


async def _serve(listener: socket.socket, key: str, speed: float, stand_in: str | None) -> None:
    config = uvicorn.Config(
        create_app(key, speed=speed, stand_in=stand_in),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    port = listener.getsockname()[1]
    ready = {"base_url": f"http://127.0.0.1:{port}/v1", "key": key}
    await _Server(config, ready).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that tells once when it answers."""

    def __init__(self, config: uvicorn.Config, ready: dict[str, str]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            _announce(self._ready)


def _announce(told: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)
