"""The kernels that people have, and front-ends that send comms to a subshell or not: nothing waits for ever.

The other versions lie beside the environment, where `.ci/kernels` puts them. A kernel is talked to as a page
that shows widgets does: it says that it has drawn one, and presses its buttons.
"""

from __future__ import annotations

import importlib.metadata
import os
import queue
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.long, pytest.mark.timeout(180)]

KERNELS = Path(__file__).parents[2] / "build" / "kernels"
VERSIONS = ("6.31.0", "7.2.0", "7.4.0")
PATIENCE = 40.0
ALONE = {"NBAGENTS_MODEL": "demo-fast"}


class Front:
    """A front-end with widgets: what it hears of a cell, and its comms."""

    def __init__(self, kernel: Any, *, subshells: bool) -> None:
        self.kernel, self.client = kernel, kernel.client
        self.subshell = self._subshell() if subshells else None

    def _subshell(self) -> str | None:
        control = self.client.control_channel
        message = self.client.session.msg("create_subshell_request")
        control.send(message)
        reply = control.get_msg(timeout=10)
        while reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            reply = control.get_msg(timeout=10)
        return reply["content"].get("subshell_id")

    def _tell(self, comm: str, content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def run(self, code: str, act: dict[str, Any], typed: str = "") -> str:
        """Run a cell; draw what widget it shows, act on it, type into its box; return what it says."""
        sent, said = self.client.execute(code, allow_stdin=True), ""
        limit, ways = time.monotonic() + PATIENCE, []
        while True:
            assert time.monotonic() < limit, f"{code!r} has no end: {ways} {said}"
            if self.client.stdin_channel.msg_ready():
                self.client.get_stdin_msg(timeout=1)
                self.client.input(typed)
                ways.append("box")
            try:
                message = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "comm_open" and "view" in content["data"].get("state", {}):
                view = content["data"]["state"]["view"]
                self._tell(content["comm_id"], {"kind": "ready"})
                wanted = {name: view[name] for name in ("run", "id") if name in view}
                self._tell(content["comm_id"], {"kind": "act", "id": "1", "path": "", "body": act | wanted})
            mine = message["parent_header"].get("msg_id") == sent
            if mine and kind == "stream":
                said += content["text"]
            elif mine and kind == "error":
                said += content["ename"]
            elif mine and kind == "status" and content["execution_state"] == "idle":
                return said


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Path | None:
    """Where that version of ipykernel lies; None if it is the one of this environment."""
    if importlib.metadata.version("ipykernel") == request.param:
        return None
    folder = KERNELS / request.param
    if not folder.is_dir():
        missing = f"ipykernel {request.param} is not there: .ci/kernels .venv build/kernels"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return folder


@pytest.fixture(scope="module")
def kernel(place: Path | None, kernel_of: Any) -> Any:
    made = kernel_of(ALONE | ({} if place is None else {"PYTHONPATH": str(place)}))
    made.run("%load_ext nbagents")
    made.run("from nbagents.agents import UserAgent")
    made.run("%%agent talker -m demo-long\nYou are a lecturer.")
    made.run("%%agent poet\nYou are a poet.")
    made.version = made.run("import ipykernel; ipykernel.__version__").card.strip("'")
    return made


@pytest.mark.parametrize(
    ("place", "subshells"),
    # The oldest has no subshells.
    [(version, way) for version in VERSIONS for way in (False, True) if not (way and version[0] == "6")],
    indirect=["place"],
)
def test_nothing_waits_for_ever(kernel: Any, place: Path | None, subshells: bool) -> None:
    assert kernel.version in VERSIONS
    assert place is None or kernel.run("ipykernel.__file__").card.startswith(f"'{place}")
    page = Front(kernel, subshells=subshells)

    # A question: the form's answer, or the box, whichever gets through to a cell that blocks, or that awaits.
    answer = {"text": "yes"}
    for code in ("print(UserAgent('me')('?').content)", "print((await UserAgent('me')('?')).content)"):
        assert page.run(code, answer, typed="yes").strip() == "yes"
    # A card's stop button gets through to a cell that awaits where comms do; an interrupt always does.
    if subshells or kernel.version.startswith("7.4"):
        assert page.run("%%agents talker\nLecture.", {}) == "KeyboardInterrupt"
    cell = kernel.run("%%agents talker\nLecture.", interrupt_after=1.5)
    assert "KeyboardInterrupt" in cell.error
    assert cell.seconds < 2
    assert "poet" in kernel.run("%%agents poet\nHello.").card
