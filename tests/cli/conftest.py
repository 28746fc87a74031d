"""Our commands, run as a person or a machine runs them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AGENTS = '''
import os
from nbagents.agents import AgentBase

class Parrot(AgentBase):
    def reply(self, x=None):
        return f"{self.name} says {x}"

class Window(AgentBase):
    """Tells what it sees of the process that it lives in."""
    def reply(self, x=None):
        import sys
        grpc = sys.modules["grpc"].__file__
        return {"cwd": os.getcwd(), "environ": dict(os.environ), "path": sys.path, "grpc": grpc}
'''
SAID = re.compile(r"agent server (\S+) listens at (\S+) \(process (\d+)\)\ntoken: in (.+)\n")


@dataclasses.dataclass
class Served:
    """A command that serves."""

    process: subprocess.Popen[str]
    server_id: str
    address: str
    pid: int
    token_file: Path

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate(timeout=20)
        return self.process.returncode, out, errors


@pytest.fixture
def script() -> Callable[[str], str]:
    return lambda name: str(Path(sys.executable).with_name(name))


@pytest.fixture
def serving(runtime: Path, script: Callable[[str], str]) -> Iterator[Callable[..., Served]]:
    """Start a command that serves, and wait until it says so."""
    with contextlib.ExitStack() as stack:

        def start(*command: object, **options: Any) -> Served:
            name, *arguments = map(str, command)
            environment = {**os.environ, "PYTHONUNBUFFERED": "", **options.pop("env", {})}
            process = subprocess.Popen(
                [script(name), *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
                **options,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            said = process.stdout.readline() + process.stdout.readline()
            match = SAID.fullmatch(said)
            assert match, said + process.communicate(timeout=20)[1]
            return Served(process, match[1], match[2], int(match[3]), Path(match[4]))

        yield start


@pytest.fixture
def run(runtime: Path, script: Callable[[str], str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(name: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [script(name), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)

    return run


@pytest.fixture
def agent_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "agents"
    folder.mkdir()
    (folder / "zoo.py").write_text(AGENTS)
    return folder


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A folder with files that Python would import from the working folder, each of which leaves `sprung`."""
    folder = tmp_path / "trapped"
    folder.mkdir()
    for name in ("grpc.py", "nbagents.py", "sitecustomize.py", "usercustomize.py", "json.py"):
        (folder / name).write_text(f"open({str(folder / 'sprung')!r}, 'a').write({name!r})\n")
    (folder / ".env").write_text("OPENAI_API_KEY=sk-trapped0123456789\nPYTHONPATH=.\n")
    return folder


@pytest.fixture
def gone() -> Callable[[int], None]:
    """Wait until a process has ended."""

    def wait(pid: int) -> None:
        limit = time.monotonic() + 10
        while True:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                return
            if state in ("Z", "X"):
                return
            assert time.monotonic() < limit, f"process {pid} runs on"
            time.sleep(0.02)

    return wait
