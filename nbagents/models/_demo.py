"""The offline demo model's server: started when first needed, shared by this process, gone with it.

It is a process of its own, reached over HTTP like any other endpoint. Nothing of it is imported here.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import subprocess
import tempfile
import threading

from .._process import child_command, child_environment
from ..exceptions import ModelUnavailableError

__all__ = ["demo_endpoint", "prewarm_demo"]

START_SECONDS = 20.0


class _DemoServer:
    """The child process and how to reach it. Its standard input is its lifeline."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoint = ("", "")

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ensure(self) -> tuple[str, str]:
        """Return its address and key, after starting it if it does not run. Blocking."""
        with self.lock:
            if not self.running():
                self.stop()
                self._start()
            return self.endpoint

    def _start(self) -> None:
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    child_command("nbagents.demo"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=tempfile.gettempdir(),
                    env=child_environment(proxies=False),
                    start_new_session=True,
                )
            except OSError as error:
                raise _unavailable(f"{error.strerror or error}") from error
            assert process.stdin is not None
            assert process.stdout is not None
            timer = threading.Timer(START_SECONDS, process.kill)
            timer.daemon = True
            timer.start()
            try:
                with contextlib.suppress(OSError):  # it has ended already: reading tells
                    process.stdin.write(b"{}\n")
                    process.stdin.flush()
                line = process.stdout.readline()
            finally:
                timer.cancel()
                process.stdout.close()
            if not line.strip():
                process.kill()
                process.wait()
                with contextlib.suppress(OSError):
                    process.stdin.close()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines()[-1:]
                why = said[0][:300] if said else f"it said nothing within {START_SECONDS:.0f} s"
                raise _unavailable(why)
        answer = json.loads(line)
        self.process, self.endpoint = process, (answer["base_url"], answer["key"])

    def stop(self) -> None:
        """End it. Twice is fine."""
        process, self.process = self.process, None
        if process is not None:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _unavailable(why: str) -> ModelUnavailableError:
    return ModelUnavailableError(f"the offline demo model did not start: {why}", hint="%agents doctor")


_server = _DemoServer()
atexit.register(_server.stop)


async def demo_endpoint() -> tuple[str, str]:
    """Return the base URL and the key of the demo model's server, which is started if it does not run.

    Raises:
        ModelUnavailableError: it cannot be started; the message says why.
    """
    if _server.running():
        return _server.endpoint
    return await asyncio.to_thread(_server.ensure)


def prewarm_demo() -> None:
    """Start the demo model's server in the background; return at once. A failure shows at its first use."""

    def start() -> None:
        with contextlib.suppress(ModelUnavailableError):
            _server.ensure()

    threading.Thread(target=start, name="nbagents-demo", daemon=True).start()
