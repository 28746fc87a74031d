"""`GrpcWorkerAgentRuntimeHost`: an agent server, started as AutoGen's programs start their host."""

from __future__ import annotations

import asyncio
import os
import signal
import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any

from ...exceptions import RuntimeStateError, UsageError
from .._launcher import RpcAgentServerLauncher
from .._tls import TLS
from ._signals import ENDING, signalled

__all__ = ["GrpcWorkerAgentRuntimeHost"]

HINT = "host.start()"

_running: dict[tuple[str, int], tuple[weakref.ref[GrpcWorkerAgentRuntimeHost], RpcAgentServerLauncher]] = {}
"""What runs in this process, by the address that it was given."""


class GrpcWorkerAgentRuntimeHost:
    """Runs the agent server at ``address``, through which workers reach each other; ends with this process.

    Every agent server is a host: this one is started by `RpcAgentServerLauncher`, in a process of its own, so
    that messages pass whatever this process does. It listens on this machine only, unless the host in
    ``address`` says otherwise, for which ``tls`` is needed, or ``insecure=True``. Workers of the same user
    find its token by the address; others need ``token_file``. ``extra_grpc_config`` is taken and not used:
    messages may have 128 MiB here without it. ``autogen_compat``, True or a port, lets AutoGen's own workers
    take part as they are, at ``autogen_address``, without a token: every program here can then do the same.
    """

    def __init__(
        self,
        address: str,
        extra_grpc_config: Sequence[tuple[str, Any]] | None = None,
        *,
        tls: TLS | str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        insecure: bool = False,
        token_file: str | os.PathLike[str] | None = None,
        autogen_compat: bool | int = False,
    ) -> None:
        host, colon, port = address.removeprefix("dns:///").rpartition(":")
        if not colon or not port.isdecimal() or not host:
            raise UsageError(f"{address!r:.80} is no address: write host:port, for example localhost:50051")
        options: dict[str, Any] = {"tls": tls, "insecure": insecure, "token_file": token_file}
        options["autogen_compat"] = autogen_compat
        self._given = host.strip("[]"), int(port)
        self._make = partial(RpcAgentServerLauncher, *self._given, **options)
        self._launcher = self._make()
        self._running = False

    def __repr__(self) -> str:
        if self._running:
            return f"<GrpcWorkerAgentRuntimeHost listens at {self.address}>"
        return f"<GrpcWorkerAgentRuntimeHost for {':'.join(map(str, self._given))}, not running>"

    @property
    def address(self) -> str:
        """Where it listens; with port 0, only `start` knows."""
        return self._launcher.address

    @property
    def autogen_address(self) -> str:
        """Where AutoGen's own workers are let in, without a token; "" without ``autogen_compat``."""
        return self._launcher.autogen_address

    @property
    def token(self) -> str:
        """The token that its workers need."""
        return self._launcher.token

    def start(self) -> None:
        """Start it and wait until it listens, about half a second. Needs no event loop.

        A host of this process that ran at that address and that no variable has any more, since its cell
        was run again, ends: nobody else could stop it.

        Raises:
            RuntimeStateError: it runs already.
            AgentServerError: it cannot listen, for example since the port is taken.
        """
        if self._running:
            raise RuntimeStateError("Host runtime is already started.", hint="await host.stop()")
        if self._launcher.connection is not None:  # it has run, and was stopped
            self._launcher = self._make()
        earlier, launcher = _running.get(self._given, (None, None))
        if earlier is not None and launcher is not None and earlier() is None:
            del _running[self._given]
            launcher.shutdown()
        self._launcher.launch()
        self._running = True
        if self._given[1]:
            _running[self._given] = weakref.ref(self), self._launcher

    async def stop(self, grace: float = 5) -> None:
        """End it. Workers are told at once; messages that have no outcome end in errors there.

        ``grace`` is taken and not used: workers need no time to be told.

        Raises:
            RuntimeStateError: it was not started, or has stopped.
        """
        if not self._running:
            raise RuntimeStateError("Host runtime is not started.", hint=HINT)
        self._running = False
        if _running.get(self._given, (None, None))[1] is self._launcher:
            del _running[self._given]
        await asyncio.to_thread(self._launcher.shutdown)

    async def stop_when_signal(self, grace: float = 5, signals: Sequence[signal.Signals] = ENDING) -> None:
        """Wait for one of the signals, then `stop`; raises as that does, or `UsageError` off main thread."""
        if not self._running:
            raise RuntimeStateError("Host runtime is not started.", hint=HINT)
        await signalled(signals)
        await self.stop(grace)
