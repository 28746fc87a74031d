"""What the tests of workers share: programs of their own, and a worker for a test."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from nbagents.rpc import GrpcWorkerAgentRuntime
from nbagents.runtime import BaseAgent
from nbagents.topics import try_get_known_serializers_for_type

PROGRAM = Path(__file__).with_name("topic_worker.py")


class Program:
    """A worker in a process of its own."""

    def __init__(self, address: str, *kinds: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, address, *kinds],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready = self.process.stdout.readline()
        assert ready == "ready\n", self.process.stderr.read()

    def kill(self) -> None:
        """End it as the system does when there is no memory left."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> str:
        """Ask it to end; return what it has written."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        return out + err


@contextlib.contextmanager
def program(address: str, *kinds: str) -> Iterator[Program]:
    """Run a worker in a process of its own, which has registered these types."""
    running = Program(address, *kinds)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()
        running.process.communicate(timeout=10)


@contextlib.asynccontextmanager
async def worker(server: Any, **kinds: Any) -> AsyncIterator[GrpcWorkerAgentRuntime]:
    """A worker of this process, started, with a class or factory for each of these types."""
    runtime = GrpcWorkerAgentRuntime(server if isinstance(server, str) else server.address)
    await runtime.start()
    try:
        for name, made in kinds.items():
            if isinstance(made, type) and issubclass(made, BaseAgent):
                await made.register(runtime, name, made)
            else:
                await runtime.register_factory(name, made)
        yield runtime
    finally:
        await runtime.stop()


def knows(runtime: GrpcWorkerAgentRuntime, *kinds: type) -> None:
    """Let a worker read values of these types."""
    for kind in kinds:
        runtime.add_message_serializer(try_get_known_serializers_for_type(kind))
