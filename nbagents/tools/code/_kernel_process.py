"""`KernelProcess`: one IPython kernel in a sandbox, reached over sockets in its folder.

On the background loop only.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from ..._threads import on_thread
from ...exceptions import SandboxError, UsageError
from ...sandbox import Running, Sandbox

__all__ = ["KernelProcess"]

READY = 60.0
"""Seconds that a kernel has to start; most take two."""
GRACE = 3.0
"""Seconds in which a cell that was interrupted must end."""
LAST_WORD = 20.0
"""Seconds in which a kernel that has answered must say that it is idle again."""
TICK = 0.5
LONGEST_PATH = 85
"""Bytes that the folder's path may have: that of a socket in it has at most a hundred."""
LARGEST = 20_000_000
"""Bytes of one message of the kernel: what is larger ends the connection."""
ENVIRONMENT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONWARNINGS": "ignore::UserWarning:ipykernel.iostream",
    # As many threads as there are processors, of each library, would be more than a sandbox allows.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "4"),
}


class KernelProcess:
    """A kernel that runs; made by `start`."""

    def __init__(self, running: Running, client: Any, folder: Path) -> None:
        self.running, self._client, self._folder = running, client, folder

    @classmethod
    async def start(cls, sandbox: Sandbox) -> KernelProcess:
        """Start a kernel and wait until it answers.

        Raises:
            SandboxError: there is no sandbox that is good enough, or the kernel does not start.
            UsageError: the path of the folder is too long.
        """
        if len(str(sandbox.folder).encode()) > LONGEST_PATH:
            raise UsageError(
                f"the path of the folder {sandbox.folder.name} is too long for the sockets of a kernel",
                hint=f"take one of at most {LONGEST_PATH} bytes, or leave folder= out",
            )
        folder = await on_thread(_own_place, sandbox.folder)
        file = await on_thread(_connection_file, folder)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", file, "--HistoryManager.enabled=False"]
        running = await sandbox.start(argv, environment=ENVIRONMENT)
        client: Any = None
        try:
            client = await on_thread(_client, file)
            client.start_channels(hb=False)  # its heart is the process itself
            kernel = cls(running, client, folder)
            await kernel._ready()
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(_end(running, client, folder)))
            raise
        return kernel

    async def _ready(self) -> None:
        end = time.monotonic() + READY
        while time.monotonic() < end and not self.running.done():
            self._client.kernel_info()
            with contextlib.suppress(TimeoutError):
                await self._heard(self._client.shell_channel, TICK)
                # Who asks before it is subscribed misses what the first cell shows.
                await self._heard(self._client.iopub_channel, TICK)
                return
        said = self.running.output[1].decode("utf-8", "replace").strip().splitlines()[-1:]
        raise SandboxError(f"the kernel did not start: {(said or ['it does not answer'])[0][:300]}")

    async def cell(self, code: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Run a cell; yield the messages of what it shows, an empty one every half second without any.

        It ends when the cell has ended. Raises EOFError when the kernel has ended instead.
        """
        asked = self._client.execute(code, allow_stdin=False, stop_on_error=False)
        ends, given_up = {asked}, 0.0
        while True:
            try:
                message = await self._heard(self._client.iopub_channel, TICK)
            except TimeoutError:
                if self.running.done():
                    raise EOFError from None
                # It has answered, and yet not said its last word: that may be on its way, if the machine is
                # busy, or lost, if it has shown too much at once. What is asked now comes after it.
                if len(ends) > 1 or await self._answered(asked, 0):
                    given_up = given_up or time.monotonic() + LAST_WORD
                    if time.monotonic() > given_up:
                        return
                    ends.add(self._client.kernel_info())
                yield {}
                continue
            parent = (message.get("parent_header") or {}).get("msg_id")
            if message["msg_type"] == "status":
                if parent in ends and message["content"].get("execution_state") == "idle":
                    await self._answered(asked, TICK if parent == asked else 0)
                    return
            elif parent == asked:
                yield message

    async def _answered(self, asked: str, seconds: float) -> bool:
        """Take the reply to a cell; return whether it has come."""
        with contextlib.suppress(TimeoutError):
            for _ in range(100):
                message = await self._heard(self._client.shell_channel, seconds)
                if (message.get("parent_header") or {}).get("msg_id") == asked:
                    return True
        return False

    async def _heard(self, channel: Any, seconds: float) -> dict[str, Any]:
        import queue

        try:
            message: dict[str, Any] = await channel.get_msg(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        return message

    async def settled(self, seconds: float) -> bool:
        """Interrupt what runs; return whether the kernel is idle before so many seconds have passed."""
        self.interrupt()
        asked, end = self._client.kernel_info(), time.monotonic() + seconds
        while time.monotonic() < end and not self.running.done():
            with contextlib.suppress(TimeoutError):
                message = await self._heard(self._client.shell_channel, TICK)
                if (message.get("parent_header") or {}).get("msg_id") == asked:
                    return True
        return False

    def interrupt(self) -> None:
        """Interrupt the cell that runs."""
        self.running.interrupt()

    async def end(self) -> None:
        """End the kernel and all that it has started."""
        await _end(self.running, self._client, self._folder)


async def _end(running: Running, client: Any, folder: Path) -> None:
    await running.kill()
    if client is not None:
        client.stop_channels()
        client.context.destroy(linger=0)
    await on_thread(shutil.rmtree, folder, True)


def _own_place(folder: Path) -> Path:
    """Return a new folder in the work folder for the sockets; its name is short, as sockets want."""
    return Path(tempfile.mkdtemp(prefix=".k-", dir=folder))


def _connection_file(folder: Path) -> str:
    from jupyter_client.connect import write_connection_file

    file, _ = write_connection_file(str(folder / "kernel.json"), transport="ipc", ip=str(folder / "s"))
    return str(file)


def _client(file: str) -> Any:
    import zmq.asyncio
    from jupyter_client.asynchronous.client import AsyncKernelClient

    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, LARGEST)
    context.setsockopt(zmq.LINGER, 0)
    client: Any = AsyncKernelClient(context=context)
    client.load_connection_file(file)
    return client
