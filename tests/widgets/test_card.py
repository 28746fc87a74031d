"""The card of a run: live updates of one output, then the frozen one, and nothing after that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

from nbagents import events
from nbagents.agents import AgentBase, scheduler
from nbagents.message import Msg
from nbagents.runs import Run
from nbagents.widgets import RunCard, mode_of


class Gated(AgentBase):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["_gate"] = asyncio.Event()

    async def reply(self, x=None):
        events.emit("delta", text="grey beads")
        await self._gate.wait()
        return Msg(self.name, "grey beads on the glass")

    def open(self) -> None:
        scheduler().post(self._gate.set)


class Broken(AgentBase):
    async def reply(self, x=None):
        raise ValueError("nothing works")


def _shell(mode: str) -> Any:
    """A shell with IPython's own publisher; the kernel says whether a person may be asked."""
    kernel = {"live": SimpleNamespace(_allow_stdin=True), "headless": SimpleNamespace(_allow_stdin=False)}
    return SimpleNamespace(display_pub=CapturingDisplayPublisher(), kernel=kernel.get(mode))


def _outputs(shell: Any) -> list[dict[str, Any]]:
    return list(shell.display_pub.outputs)


def _until(condition: Callable[[], object], seconds: float = 5) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.01)


@pytest.mark.parametrize("mode", ["live", "headless", "terminal"])
def test_who_is_there(mode: str):
    assert mode_of(_shell(mode)) == mode


def test_a_live_card_is_one_output_that_is_replaced_and_then_frozen():
    shell, agent, run = _shell("live"), Gated("poet"), Run("verse", prompt="Write.")
    with RunCard(run, shell), run:
        reply = agent()
        _until(lambda: "grey beads" in _outputs(shell)[-1]["data"]["text/plain"])
        agent.open()
        reply.result()
    outputs = _outputs(shell)
    assert [output["update"] for output in outputs] == [False, *[True] * (len(outputs) - 1)]
    assert len({output["transient"]["display_id"] for output in outputs}) == 1
    assert 'role="log"' in outputs[1]["data"]["text/html"]
    frozen = outputs[-1]["data"]
    assert set(frozen) == {"text/html", "text/plain"}
    assert 'role="log"' not in frozen["text/html"]
    assert "<script" not in frozen["text/html"]
    assert "grey beads on the glass" in frozen["text/html"]
    assert "grey beads on the glass" in frozen["text/plain"]


def test_nothing_is_shown_after_the_frozen_form():
    shell, agent, run = _shell("live"), Gated("poet"), Run()
    card = RunCard(run, shell)
    with card, run:
        reply = agent()
    count = len(_outputs(shell))
    agent.open()
    reply.result()
    card.freeze()
    assert card.refresh() is False
    threading.Event().wait(0.25)
    assert len(_outputs(shell)) == count


def test_where_nobody_watches_there_is_one_output():
    shell, agent, run = _shell("headless"), Gated("poet"), Run()
    with RunCard(run, shell), run:
        reply = agent()
        agent.open()
        reply.result()
        assert _outputs(shell) == []
    (output,) = _outputs(shell)
    assert output["update"] is False
    assert "grey beads on the glass" in output["data"]["text/plain"]


def test_it_is_frozen_whatever_happens():
    shell, run = _shell("live"), Run()
    with pytest.raises(KeyError), RunCard(run, shell), run:
        raise KeyError("topic")
    assert "KeyError" in _outputs(shell)[-1]["data"]["text/plain"]
    assert 'role="log"' not in _outputs(shell)[-1]["data"]["text/html"]


def test_a_background_card_is_frozen_when_the_run_ends():
    shell, agent, run = _shell("live"), Gated("poet"), Run()
    with RunCard(run, shell, background=True), run:
        reply = agent()
    assert 'role="log"' in _outputs(shell)[-1]["data"]["text/html"]
    agent.open()
    reply.result()
    _until(lambda: 'role="log"' not in _outputs(shell)[-1]["data"]["text/html"])
    assert "grey beads on the glass" in _outputs(shell)[-1]["data"]["text/plain"]


def test_a_quiet_card_shows_failures_alone():
    for agent, shown in ((Gated("poet"), 0), (Broken("broken"), 1)):
        shell, run = _shell("live"), Run()
        with RunCard(run, shell, quiet=True), run:
            reply = agent()
            if isinstance(agent, Gated):
                agent.open()
                reply.result()
            else:
                with pytest.raises(ValueError, match="nothing works"):
                    reply.result()
        assert len(_outputs(shell)) == shown


def test_a_terminal_gets_the_messages_as_they_come_and_the_figures_at_the_end(
    capsys: pytest.CaptureFixture[str],
):
    shell, first, second, run = _shell("terminal"), Gated("poet"), Gated("critic"), Run("verse")
    with RunCard(run, shell), run:
        replies = [first(), second()]
        first.open()
        replies[0].result()
        shown = ""

        def poet_has_come() -> bool:
            nonlocal shown
            shown += capsys.readouterr().out
            return "grey beads on the glass" in shown

        _until(poet_has_come)
        assert "critic" not in shown
        second.open()
        replies[1].result()
    rest = capsys.readouterr().out
    assert rest.count("critic") >= 1
    assert f"run {run.number} · verse · ✓ done" in rest
    assert "poet\n" not in rest
    assert _outputs(shell) == []


def test_a_terminal_is_left_alone_by_what_runs_in_the_background(capsys: pytest.CaptureFixture[str]):
    shell, agent, run = _shell("terminal"), Gated("poet"), Run("verse")
    with RunCard(run, shell, background=True), run:
        reply = agent()
    agent.open()
    reply.result()
    _until(lambda: run.over)
    assert capsys.readouterr().out == f"run {run.number} · verse goes on in the background\n"


def test_the_output_belongs_to_the_cell_it_was_made_in():
    """From another thread, a context variable of the cell must be seen: kernels route by it."""
    import contextvars

    cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="none")
    seen: list[str] = []

    class Publisher(CapturingDisplayPublisher):
        def publish(self, *args: Any, **kwargs: Any) -> None:
            seen.append(cell.get())
            super().publish(*args, **kwargs)

    shell, agent, run = _shell("live"), Gated("poet"), Run()
    shell.display_pub = Publisher()
    token = cell.set("first")
    with RunCard(run, shell, background=True), run:
        reply = agent()
    cell.reset(token)
    agent.open()
    reply.result()
    _until(lambda: 'role="log"' not in _outputs(shell)[-1]["data"]["text/html"])
    assert set(seen) == {"first"}
