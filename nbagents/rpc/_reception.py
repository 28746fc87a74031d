"""`Reception`: where a process that keeps servers for others is asked for them; see `_custody`."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import _loop
from .._process import boot_id, host_name, process_started
from .._version import __version__
from ..exceptions import InternalError, NbAgentsError, ProtocolError, ServerFailedError
from ._custody import MAX_LINE, Custodian
from ._places import connection_folder, has_unix_sockets, socket_folder
from ._token import new_token

__all__ = ["Reception", "told_error"]

log = logging.getLogger(__name__)
TALK_SECONDS = 5.0
"""How long a caller may take to say who it is and what it wants."""
MOST_CALLERS = 256


class Reception:
    """Listens on a private socket, and lets ``serve`` answer what is wanted, in a thread each time.

    ``serve`` gets the JSON object of the second line and returns the one of the answer, or raises; it is only
    called for who has said the token. All methods block, and are safe from any thread but the background
    loop's.
    """

    def __init__(self, serve: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.path: Path | None = None
        """The file that tells how to come here, while it is open."""
        self._serve, self._token = serve, new_token()
        self._server: asyncio.Server | None = None
        self._socket: Path | None = None
        self._callers = 0

    def open(self) -> Path:
        """Listen, and write the file that tells where; return its path.

        Raises:
            OSError, AgentServerError: it cannot.
        """
        _clear_away()
        self.path = _loop.background().run(self._open(), timeout=10)
        return self.path

    def close(self) -> None:
        """Listen no more and remove the files. Twice is fine."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
        server, self._server = self._server, None
        if server is not None:
            _loop.background().post(server.close)

    async def _open(self) -> Path:
        if has_unix_sockets():
            self._socket = socket_folder() / f"at-{secrets.token_hex(4)}.s"
            self._server = await asyncio.start_unix_server(self._meet, self._socket, limit=MAX_LINE)
            self._socket.chmod(0o600)
            address = f"unix:{self._socket}"
        else:
            self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, limit=MAX_LINE)
            address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        pid = os.getpid()
        about = Custodian(
            address=address,
            token=self._token,
            pid=pid,
            pid_started=process_started(pid),
            host=host_name(),
            boot=boot_id(),
            version=__version__,
        )
        path = connection_folder() / f"at-{pid}-{secrets.token_hex(4)}.json"
        about.write(path)
        return path

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers <= MOST_CALLERS:
                writer.write(json.dumps(await self._answer(reader)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.info("somebody asked for an agent server and was not understood, or left: %s", error)
        finally:
            self._callers -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            async with asyncio.timeout(TALK_SECONDS):
                said = _read(await reader.readline()).get("token")
                if not (isinstance(said, str) and hmac.compare_digest(said.encode(), self._token.encode())):
                    raise ProtocolError("the token is not the one of this Jupyter server")
                wish = _read(await reader.readline())
        except NbAgentsError as error:
            return {"error": told_error(error)}
        try:
            return await asyncio.to_thread(self._serve, wish)
        except NbAgentsError as error:
            return {"error": told_error(error)}
        except Exception:
            log.exception("an agent server could not be given")
            return {"error": told_error(InternalError("Jupyter could not give an agent server; see its log"))}


def told_error(error: NbAgentsError) -> dict[str, Any]:
    """Return an error as others are told of it."""
    told: dict[str, Any] = {"type": type(error).__name__, "message": str(error), "hint": error.hint}
    if isinstance(error, ServerFailedError):
        told["log_lines"] = list(error.log_lines)
    return told


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProtocolError("a line is one JSON object")
    return found


def _clear_away() -> None:
    """Remove what those have left who were killed."""
    for path in connection_folder().glob("at-*.json"):
        known = Custodian.read(path)
        if known is not None and known.host == host_name() and not known.is_alive():
            path.unlink(missing_ok=True)
            left = Path(known.address.removeprefix("unix:"))
            if left.parent == socket_folder() and left.match("at-*.s"):
                left.unlink(missing_ok=True)
