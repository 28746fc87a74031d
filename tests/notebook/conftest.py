"""A real kernel, told what to run as a front-end tells it, and listened to message by message."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

PATIENCE = 40.0


@dataclass
class Output:
    """One output of a cell as it stands in the end, with the number of times it was replaced."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    updates: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Cell:
    """What came of one cell."""

    outputs: list[Output] = field(default_factory=list)
    seconds: float = 0.0
    foreign: list[Output] = field(default_factory=list)
    """What arrived meanwhile for other cells."""
    payload: str = ""
    prompts: list[str] = field(default_factory=list)
    live: str = ""
    """The words that its widgets were sent while it ran."""

    @property
    def card(self) -> str:
        """The text of the last output that is shown."""
        shown = [output for output in self.outputs if "text/plain" in output.data]
        return str(shown[-1].data["text/plain"]) if shown else ""

    @property
    def html(self) -> str:
        shown = [output for output in self.outputs if "text/plain" in output.data]
        return str(shown[-1].data["text/html"]) if shown else ""

    @property
    def error(self) -> str:
        return next((f"{o.data['ename']}: {o.data['evalue']}" for o in self.outputs if o.kind == "error"), "")

    @property
    def traceback(self) -> list[str]:
        return next((o.data["traceback"] for o in self.outputs if o.kind == "error"), [])

    def stream(self, name: str) -> str:
        return "".join(output.text for output in self.outputs if output.kind == name)

    @property
    def stdout(self) -> str:
        return self.stream("stdout")

    @property
    def stderr(self) -> str:
        return self.stream("stderr")


class Kernel:
    """A kernel in a folder of its own."""

    def __init__(
        self, folder: Path, *, somebody: bool = True, environment: dict[str, str] | None = None
    ) -> None:
        self.somebody = somebody
        env = {**os.environ, **(environment or {})}
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=env)
        self.shown: dict[str, Output] = {}

    def run(
        self,
        code: str,
        *,
        interrupt_when: str = "",
        interrupt_after: float | None = None,
        answers: tuple[str, ...] = (),
    ) -> Cell:
        """Run a cell to its end.

        It is interrupted as soon as an output holds ``interrupt_when``, or after so many seconds;
        its own ``seconds`` are then those since the interrupt.
        """
        began, cell, left = time.monotonic(), Cell(), list(answers)
        sent = self.client.execute(code, allow_stdin=self.somebody)
        armed = bool(interrupt_when) or interrupt_after is not None
        while True:
            assert time.monotonic() - began < PATIENCE, f"no end of {code!r}: {cell}"
            if left and self.client.stdin_channel.msg_ready():
                cell.prompts.append(self.client.get_stdin_msg(timeout=1)["content"]["prompt"])
                self.client.input(left.pop(0))
            if armed and interrupt_after is not None and time.monotonic() - began > interrupt_after:
                armed, began = False, time.monotonic()
                self.manager.interrupt_kernel()
            try:
                message = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            mine = message["parent_header"].get("msg_id") == sent
            kind, content = message["msg_type"], message["content"]
            if kind == "status":
                if mine and content["execution_state"] == "idle":
                    break
                continue
            self._take(kind, content, cell.outputs if mine else cell.foreign)
            if kind in ("comm_open", "comm_msg"):
                cell.live += _said(content.get("data") or {})
            texts = [cell.live, *(str(o.data.get("text/plain", "")) + o.text for o in cell.outputs)]
            if armed and interrupt_when and any(interrupt_when in text for text in texts):
                armed, began = False, time.monotonic()
                self.manager.interrupt_kernel()
        cell.seconds = time.monotonic() - began
        reply = self.client.get_shell_msg(timeout=5)
        while reply["parent_header"].get("msg_id") != sent:
            reply = self.client.get_shell_msg(timeout=5)
        for payload in reply["content"].get("payload", []):
            cell.payload += payload["data"]["text/plain"]
        return cell

    def _take(self, kind: str, content: dict[str, Any], into: list[Output]) -> None:
        name = (content.get("transient") or {}).get("display_id")
        if kind == "update_display_data":
            output = self.shown.get(name)
            if output is None:
                return
            if output not in into:
                into = []
            output.data, output.updates = content["data"], output.updates + 1
            output.history.append(content["data"])
        elif kind in ("display_data", "execute_result"):
            output = Output(kind, content["data"], history=[content["data"]])
            into.append(output)
            if name:
                self.shown[name] = output
        elif kind == "stream":
            into.append(Output(content["name"], text=content["text"]))
        elif kind == "error":
            into.append(Output("error", data=dict(content)))

    def complete(self, code: str) -> list[str]:
        sent = self.client.complete(code, len(code))
        while True:
            reply = self.client.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == sent:
                return list(reply["content"]["matches"])

    def restart(self) -> None:
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=30)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def _said(data: dict[str, Any]) -> str:
    """Return the words that a live card is sent: texts of rows, what is added to them, their states."""
    view = (data.get("state") or {}).get("view") or data.get("content") or {}
    rows = view.get("rows") or [] if isinstance(view, dict) else []
    parts = [f"{row.get('add', '')}{row.get('text', '')}" for row in rows if isinstance(row, dict)]
    running = any(row.get("state") == "running" for row in rows if isinstance(row, dict))
    return "".join(parts) + ("▶ running" if running else "")


def _stop_servers() -> None:
    """End the agent servers that outlive their kernels."""
    import json

    folder = Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "nbagents"
    for path in folder.glob("*.json"):
        about = json.loads(path.read_text())
        try:
            os.kill(about["pid"], signal.SIGTERM)
        except ProcessLookupError:
            continue
        limit = time.monotonic() + 30  # calls that still run have ten seconds to end
        while Path(f"/proc/{about['pid']}").exists() and path.exists() and time.monotonic() < limit:
            threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with a person at it, the extension loaded, and two agents that answer at once."""
    kernel = Kernel(tmp_path_factory.mktemp("notebook"))
    try:
        kernel.run("%load_ext nbagents")
        kernel.run("%%agent poet -m demo-fast\nYou are a poet. You write four short lines. No title.")
        kernel.run(
            "%%agent critic -m demo-fast\nYou are a strict editor. If there are at most 20 words "
            "reply APPROVED, else say what to cut."
        )
        yield kernel
    finally:
        kernel.close()
        _stop_servers()


@pytest.fixture(scope="module")
def kernel_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Make kernels in an environment of their own; they end with the module."""
    made: list[Kernel] = []

    def make(environment: dict[str, str]) -> Kernel:
        made.append(Kernel(tmp_path_factory.mktemp("kernel"), environment=environment))
        return made[-1]

    yield make
    for each in made:
        each.close()
    _stop_servers()


@pytest.fixture
def new_kernel(tmp_path: Path) -> Iterator[Any]:
    """Make kernels; they end with the test."""
    made: list[Kernel] = []

    def make(**options: Any) -> Kernel:
        made.append(Kernel(options.pop("folder", tmp_path), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()
    _stop_servers()
