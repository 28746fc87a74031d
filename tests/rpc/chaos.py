"""A proxy between a client and a server on TCP, which breaks connections when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from typing import Any


class Chaos:
    """Forwards ``port`` to ``target``; `cut` resets all connections. Runs on a thread of its own."""

    def __init__(self, target: int) -> None:
        self.target, self.port, self.cuts = target, 0, 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def _run(self, started: threading.Event) -> None:
        async def main() -> None:
            server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            self._over = asyncio.Event()
            async with server:
                await self._over.wait()
                self._cut()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)

        self._loop.run_until_complete(main())
        self._loop.close()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, thither = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, thither}
        await asyncio.gather(self._pass(reader, thither), self._pass(there, writer))
        self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(random.randint(1, 65536)):
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _cut(self) -> None:
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def cut(self) -> None:
        """Reset every connection, in the middle of whatever it carries."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


@contextlib.contextmanager
def chaos(target: int) -> Iterator[Chaos]:
    """Put a proxy before a port of this machine."""
    proxy = Chaos(target)
    try:
        yield proxy
    finally:
        proxy.close()


@contextlib.contextmanager
def cutting(proxy: Chaos, seconds: float) -> Iterator[None]:
    """Cut the connections again and again, at moments about ``seconds`` apart."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(random.uniform(0.2, 1.8) * seconds):
            proxy.cut()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
