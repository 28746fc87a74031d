"""`Service`: something that is started, asked and stopped. Knows nothing of what it keeps."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from ..exceptions import NbAgentsError, ServiceNotStartedError

__all__ = ["Service"]


class Service:
    """What all services share: a life. From any event loop; one loop may start it and another ask it.

    >>> import asyncio
    >>> async def main():
    ...     service = Service()
    ...     async with service:
    ...         return await service.health()
    >>> asyncio.run(main())
    True
    """

    _started = False

    async def start(self) -> None:
        """Make it ready. Twice is fine.

        Raises:
            StorageError: what it keeps cannot be reached, or not be read by this version.
            UsageError: the address is wrong, or leads to another machine without TLS.
        """
        if not self._started:
            await self._open()
            self._started = True

    async def stop(self) -> None:
        """Let go of all that it holds. Twice is fine; it may be started again."""
        if self._started:
            self._started = False
            await self._close()

    async def health(self) -> bool:
        """Is it started, and can what it keeps be reached? Never raises what the storage does."""
        if not self._started:
            return False
        try:
            await self._ask()
        except NbAgentsError:
            return False
        return True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def _check_started(self) -> None:
        if not self._started:
            raise ServiceNotStartedError(f"Service not started: {self!r}")

    # ---- what a kind of service writes

    async def _open(self) -> None:
        """Open what it keeps things in."""

    async def _close(self) -> None:
        """Close that."""

    async def _ask(self) -> None:
        """Ask it for anything; raise what goes wrong."""

    def _where(self) -> str:
        """Name the place where things are kept, without any password."""
        return "this process"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self._where()}>"
