"""What the tests of workers that are not ours share: the program on Node, compiled, and one that runs."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES, BUILT = ROOT / "tests" / "topics_node", ROOT / "build" / "node"
PROTO = ROOT / "nbagents" / "rpc" / "_proto" / "agent.proto"
SECONDS = 20.0


@contextlib.contextmanager
def compiled() -> Iterator[Path]:
    """Compile the worker, types and all, where Node finds what it needs; return its JavaScript."""
    folder = Path(tempfile.mkdtemp(dir=BUILT))
    try:
        for name in ("worker.ts", "tsconfig.json", "package.json"):
            shutil.copy(SOURCES / name, folder)
        compiler = BUILT / "node_modules" / "typescript" / "bin" / "tsc"
        command = ["node", compiler, "--typeRoots", BUILT / "node_modules" / "@types", "-p", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout
        yield folder / "worker.js"
    finally:
        shutil.rmtree(folder)


class Foreigner:
    """A worker that is not ours and serves one type; what it says is JSON, a line for each thing."""

    def __init__(self, *command: str | Path) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"no_proxy": "127.0.0.1"},
        )
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._said.put(json.loads(line))
        self._said.put({"over": self.process.wait(), "why": self.process.stderr.read()})

    def said(self) -> dict[str, Any]:
        """Return what it has said next."""
        return self._said.get(timeout=SECONDS)

    def tell(self, **order: Any) -> None:
        """Let it do something."""
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def ask(self, **order: Any) -> dict[str, Any]:
        """Let it do something, and return what it says then."""
        self.tell(**order)
        return self.said()


@contextlib.contextmanager
def foreigner(*command: str | Path) -> Iterator[Foreigner]:
    """Run a worker of another's."""
    running = Foreigner(*command)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(10)
        running._reader.join(10)
        for stream in (running.process.stdin, running.process.stdout, running.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def node_worker(program: Path, address: str, kind: str) -> contextlib.AbstractContextManager[Foreigner]:
    """Run a worker on Node."""
    return foreigner("node", program, PROTO, address, kind)
