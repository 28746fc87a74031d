"""Fetching a file from a server: in parts, into a copy that is whole or not there at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import grpc

from ..exceptions import (
    AgentServerError,
    AgentServerNotAliveError,
    AuthenticationError,
    FileNotExportedError,
    MessageTooLargeError,
    UsageError,
)
from ._channel import channel, unproved
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._tls import Trust

__all__ = ["download", "target_of"]

METHOD = "/nbagents.v1.RpcAgent/download_file"
CONNECT_SECONDS = 10.0
_ERRORS: dict[grpc.StatusCode, type[AgentServerError] | type[UsageError]] = {
    grpc.StatusCode.NOT_FOUND: FileNotExportedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: MessageTooLargeError,
    grpc.StatusCode.UNAUTHENTICATED: AuthenticationError,
    grpc.StatusCode.UNAVAILABLE: AgentServerNotAliveError,
}


def target_of(path: str, to: str | os.PathLike[str] | None) -> Path:
    """Return where the copy of the server's ``path`` goes. Its name is the caller's, never the server's."""
    name = PurePosixPath(path.replace("\\", "/")).name
    if to is not None and not os.path.isdir(to):
        return Path(to)
    if name in ("", ".", "..") or "\0" in name:
        raise UsageError(f"{path[:100]!r} is not the path of a file")
    return Path(tempfile.mkdtemp(prefix="nbagents-") if to is None else to) / name


async def download(address: str, token: str, trust: Trust | None, path: str, target: Path) -> None:
    """Fetch ``path`` from the server into ``target``. On the background loop.

    Raises:
        FileNotExportedError, MessageTooLargeError: the server does not give it.
        AgentServerError: it cannot be reached, or does not let us in.
        OSError: the copy cannot be written.
    """
    who = f"the agent server at {address}"
    fd, name = await asyncio.to_thread(tempfile.mkstemp, prefix=".download-", dir=target.parent)
    opened = channel(address, trust)
    try:
        with os.fdopen(fd, "wb") as file:
            ask: Any = opened.unary_stream(METHOD)
            call = ask(
                pb.StringMsg(value=path).SerializeToString(),
                metadata=(("authorization", f"Bearer {token}"),),
            )
            await asyncio.wait_for(call.wait_for_connection(), CONNECT_SECONDS)
            async for part in call:
                await asyncio.to_thread(file.write, pb.ByteMsg.FromString(part).data)
        await asyncio.to_thread(os.replace, name, target)
    except TimeoutError:
        raise AgentServerNotAliveError(f"{who} does not answer") from None
    except grpc.aio.AioRpcError as error:
        details = error.details() or ""
        kind = _ERRORS.get(error.code(), AgentServerError)
        unknown = unproved(address, details, trust) if kind is AgentServerNotAliveError else None
        raise unknown or kind(f"{path[:200]!r} from {who}: {details}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)
        await opened.close()
