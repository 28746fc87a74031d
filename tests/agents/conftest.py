"""What the tests of agents share: scripts in a process of their own, and no calls left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbagents.agents import scheduler
from nbagents.exceptions import CallCancelledError

ROOT = Path(__file__).parents[2]
sys.path.append(str(Path(__file__).parent))  # for plain_agents
PREAMBLE = '''\
import asyncio, sys, threading, time
from nbagents.agents import AgentBase, UserAgent, scheduler
from nbagents.message import Msg

class Slow(AgentBase):
    seconds = 0.3
    async def reply(self, x=None):
        await asyncio.sleep(self.seconds)
        return "slow"

class Blocking(Slow):
    def reply(self, x=None):
        time.sleep(self.seconds)
        return "blocking"

def ready():
    """Print "ready" once the main thread waits for something."""
    main = threading.main_thread().ident

    def look():
        while sys._current_frames()[main].f_code.co_name not in ("_wait_in_ticks", "select"):
            time.sleep(0.005)
        print("ready", flush=True)

    threading.Thread(target=look, daemon=True).start()
'''


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    clock = scheduler()

    def end_all() -> None:
        for call in [*clock.live.values(), *clock.observing]:
            clock.end(call, CallCancelledError("the test is over"))

    clock.post(end_all)
    gc.collect()
    clock.report()


class Script:
    """A program in a process of its own; what it prints, how it ends, and how to interrupt it."""

    def __init__(self, source: str, folder: Path, stdin: object = subprocess.PIPE) -> None:
        path = folder / "script.py"
        path.write_text(PREAMBLE + textwrap.dedent(source), "utf-8")
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(path)],
            stdin=stdin,  # type: ignore[arg-type]
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, said: str | None = None, timeout: float = 30) -> tuple[str, str]:
        """Wait for its end; return what it printed to stdout and to stderr."""
        return self.process.communicate(said, timeout=timeout)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    """Starts a script, which finds agents to use in it; see `PREAMBLE`."""
    started: list[Script] = []

    def start(source: str, **options: object) -> Script:
        started.append(Script(source, tmp_path, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until something is true; fails if that takes too long."""

    def wait(fact: Callable[[], object], seconds: float = 10) -> None:
        limit = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < limit, "it never came true"
            time.sleep(0.005)

    return wait
