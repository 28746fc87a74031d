"""`Spawned`: a server process that this process has started."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import exceptions
from .._ids import new_id
from .._process import child_command, child_environment, is_stopped
from ..exceptions import AgentServerError
from ..tracing import settings
from ._lost import children
from ._options import ServerOptions
from ._places import Connection, clear_away, connection_folder

__all__ = ["START_SECONDS", "Spawned"]

START_SECONDS = 30.0
TICK = 0.5
_left: list[subprocess.Popen[bytes]] = []
"""Processes that end without us; kept until they have, since each must be waited for once."""


class _ServerProcess(subprocess.Popen[bytes]):
    """A process that may be let go of: then it may outlive this one, without a warning that it does."""

    is_let_go = False

    def __del__(self) -> None:
        if not self.is_let_go:
            super().__del__()


class Spawned:
    """A running server process. Closing the lifeline of one that is ours ends it."""

    def __init__(self, process: _ServerProcess, connection: Connection, owner: str, log: Path) -> None:
        self.process, self.connection, self.owner, self.log = process, connection, owner, log

    @classmethod
    def start(
        cls, options: ServerOptions, models: Sequence[dict[str, Any]] = (), *, show_log: bool = False
    ) -> Spawned:
        """Start a server process and wait until it listens. Blocking; about half a second.

        ``models`` are model configurations as `model_config_to_wire` gives them; they go through a pipe, keys
        and all. With ``show_log`` the server's log is this process's standard error, else a file.

        Raises:
            UsageError, AgentServerError: it could not start; the message says why.
        """
        options.check()
        clear_away()
        _left[:] = [process for process in _left if process.poll() is None]
        log = connection_folder() / f"start-{new_id()[:12]}.log"
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as errors:
            process = _ServerProcess(
                child_command("nbagents.rpc", options.python),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if show_log else errors,
                cwd=tempfile.gettempdir(),
                env=child_environment(options.python),
                start_new_session=True,  # an interrupt of the notebook is not one of the server
            )
        children[process.pid] = process
        try:
            connection = cls._greeted(process, options, models, log)
        except BaseException:
            process.kill()
            _close(process)
            process.wait()
            log.unlink(missing_ok=True)
            raise
        final = connection.log
        with contextlib.suppress(OSError):
            log.replace(final)
        spawned = cls(process, connection, options.owner, final)
        if options.owner == "user":
            spawned.let_go()  # it does not look at its lifeline any more
        return spawned

    @classmethod
    def _greeted(
        cls,
        process: subprocess.Popen[bytes],
        options: ServerOptions,
        models: Sequence[dict[str, Any]],
        log: Path,
    ) -> Connection:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(OSError):  # it has ended already: what it says tells
                settled = asdict(options) | {"telemetry": options.telemetry or settings()}
                for told in (settled, list(models)):
                    process.stdin.write(json.dumps(told).encode() + b"\n")
                process.stdin.flush()
            from . import _directory  # noqa: F401  # loads gRPC, while the server does the same

            line = process.stdout.readline()
        finally:
            in_time = timer.is_alive()
            timer.cancel()
            process.stdout.close()
        if not line.strip():
            if not in_time:
                raise AgentServerError(f"the agent server did not start within {START_SECONDS:.0f} s")
            said = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            status = process.wait()
            raise AgentServerError(
                f"the agent server ended at its start with status {status}: {said[0][:500]}"
            )
        answer = json.loads(line)
        if "error" in answer:
            kind = getattr(exceptions, answer["error"], AgentServerError)
            raise kind(answer["message"])
        return Connection(**answer)

    def is_alive(self) -> bool:
        """Does the process run?"""
        return self.process.poll() is None

    def wait(self, timeout: float | None) -> bool:
        """Wait until the process has ended, ``timeout`` seconds at most if that is given; has it?"""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ended(self, timeout: float | None = 1.0) -> int | None:
        """Return the status of a process that has ended, or does just now; None if it has not."""
        if not self.wait(timeout):
            return None
        _close(self.process)
        return self.process.returncode

    def kill(self) -> None:
        """End the process by force; what it has written stays."""
        self.process.kill()
        _close(self.process)
        self.process.wait()

    def let_go(self) -> None:
        """Let the process end by itself, which it does at once unless a user owns it. Never waits."""
        _close(self.process)
        self.process.is_let_go = True
        if self.process not in _left:
            _left.append(self.process)

    def leave(self) -> None:
        """Hold the lifeline of one that somebody has stopped until it has ended its calls. Never waits."""
        threading.Thread(target=self.ended, args=(None,), name="nbagents-leave", daemon=True).start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the process: by its lifeline, then by force. Twice is fine."""
        _close(self.process)
        if self.owner == "user" and self.is_alive():
            self.process.terminate()
        limit = time.monotonic() + timeout
        while not self.wait(TICK):
            if time.monotonic() > limit or is_stopped(self.process.pid):  # frozen, it does not hear of it
                self.process.kill()
                self.process.wait()
        self.connection.remove()
        self.connection.remove_journal()


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
