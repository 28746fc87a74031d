"""`Spawned`: a server process that this process has started."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO

from .. import exceptions
from .._process import child_command, child_environment
from ..exceptions import AgentServerError
from ._options import ServerOptions
from ._places import Connection, connection_folder

__all__ = ["Spawned"]

START_SECONDS = 30.0


class Spawned:
    """A running server process. Closing the lifeline of one that is ours ends it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection, owner: str, log: Path) -> None:
        self.process, self.connection, self.owner, self.log = process, connection, owner, log

    @classmethod
    def start(cls, options: ServerOptions) -> Spawned:
        """Start a server process and wait until it listens. Blocking; about half a second.

        Raises:
            UsageError, AgentServerError: it could not start; the message says why.
        """
        options.check()
        log = connection_folder() / f"server-{os.getpid()}-{threading.get_ident() % 10000}.log"
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as errors:
            process = subprocess.Popen(
                child_command("nbagents.rpc"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=tempfile.gettempdir(),
                env=child_environment(),
                start_new_session=True,  # an interrupt of the notebook is not one of the server
            )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(asdict(options)).encode() + b"\n")
            process.stdin.flush()
            answer = _read_line(process.stdout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
        if "error" in answer:
            process.wait()
            log.unlink(missing_ok=True)
            kind = getattr(exceptions, answer["error"], AgentServerError)
            raise kind(answer["message"])
        if not answer:
            code = process.wait()
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            log.unlink(missing_ok=True)
            raise AgentServerError(f"the agent server ended at its start with status {code}: {last[0][:500]}")
        connection = Connection(**answer)
        final = log.with_name(f"{connection.server_id}.log")
        with contextlib.suppress(OSError):
            log.replace(final)
        if options.owner == "user":
            process.stdin.close()  # it does not look at it any more
        return cls(process, connection, options.owner, final)

    def is_alive(self) -> bool:
        """Does the process run?"""
        return self.process.poll() is None

    def stop(self, timeout: float = 10.0) -> None:
        """End the process: by its lifeline, then by force. Twice is fine."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        if self.owner == "user" and self.is_alive():
            self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.connection.remove()
        self.log.unlink(missing_ok=True)


def _read_line(pipe: IO[bytes]) -> dict[str, str]:
    """Read the server's one answer, an empty one if it ends without.

    Raises:
        AgentServerError: it says nothing for half a minute.
    """
    box: list[bytes] = []
    reader = threading.Thread(target=lambda: box.append(pipe.readline()), daemon=True)
    reader.start()
    reader.join(START_SECONDS)
    if not box:
        raise AgentServerError(f"the agent server did not start within {START_SECONDS:.0f} s")
    found: dict[str, str] = json.loads(box[0]) if box[0].strip() else {}
    return found
