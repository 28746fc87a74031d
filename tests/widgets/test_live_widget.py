"""The run card as a widget: what it sends and how often, what the page may ask, how it ends."""

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
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg
from nbagents.runs import Run
from nbagents.widgets import ChatWidget, MemoryWidget, RunCard, Surface, _card, _live, widgets_seen
from nbagents.widgets._esm import css, esm
from nbagents.widgets._live import VIEW_MIME, LiveWidget


class Talker(AgentBase):
    """Says a word every few milliseconds until it is told to end."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["_end"] = threading.Event()

    async def reply(self, x=None):
        said = ""
        while not self.__dict__["_end"].is_set():
            said += "word "
            events.emit("delta", text="word ")
            await asyncio.sleep(0.005)
        return Msg(self.name, said)

    def end(self) -> None:
        self.__dict__["_end"].set()


class Quick(AgentBase):
    """Answers after a moment."""

    async def reply(self, x=None):
        await asyncio.sleep(0.02)
        return Msg(self.name, "said")


class Page:
    """Takes what a widget sends, as a front-end would."""

    def __init__(self, card: RunCard) -> None:
        assert card._widget is not None
        self.widget = card._widget
        self.sent: list[tuple[float, dict[str, Any]]] = []
        send = self.widget._send

        def record(message: dict[str, Any], buffers: Any = None) -> None:
            self.sent.append((time.monotonic(), message))
            send(message, buffers)

        self.widget._send = record
        self.says({"kind": "ready"})

    def says(self, content: Any) -> None:
        self.widget._handle_custom_msg(content, [])

    def custom(self, kind: str) -> list[dict[str, Any]]:
        found = [m["content"] for _, m in self.sent if m["method"] == "custom"]
        return [content for content in found if content["kind"] == kind]

    def views(self) -> list[dict[str, Any]]:
        return [m["state"]["view"] for _, m in self.sent if m["method"] == "update" and "view" in m["state"]]


@pytest.fixture(autouse=True)
def _no_page_yet() -> None:
    widgets_seen.clear()


def _shell() -> Any:
    kernel = SimpleNamespace(_allow_stdin=True, comm_manager=None)
    return SimpleNamespace(display_pub=CapturingDisplayPublisher(), kernel=kernel)


def _outputs(shell: Any) -> list[dict[str, Any]]:
    return list(shell.display_pub.outputs)


def _until(condition: Callable[[], object], seconds: float = 5) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.01)


def test_the_first_output_has_all_forms_and_the_last_no_widget():
    shell, agent, run = _shell(), Talker("poet"), Run("verse")
    with RunCard(run, shell) as card, run:
        page = Page(card)
        reply = agent()
        _until(lambda: page.custom("delta"))
        agent.end()
        reply.result()
    first, last = _outputs(shell)
    assert set(first["data"]) == {VIEW_MIME, "text/html", "text/plain"}
    assert first["data"][VIEW_MIME]["model_id"] == page.widget.model_id
    assert set(last["data"]) == {"text/html", "text/plain"}
    assert last["update"] is True
    assert page.widget.view["frozen"] == last["data"]["text/html"]


def test_nothing_is_lost_and_little_is_sent():
    shell, run = _shell(), Run()
    agents = [Talker(f"a{n}") for n in range(10)]
    with RunCard(run, shell) as card, run:
        page, began = Page(card), time.monotonic()
        replies = [agent() for agent in agents]
        _until(lambda: time.monotonic() - began > 2)
        took = time.monotonic() - began
        for agent in agents:
            agent.end()
        texts = {agent.name: reply.result().content for agent, reply in zip(agents, replies, strict=True)}
    assert len(page.sent) <= 11 * took + 5
    assert len(page.views()) <= 2 * took + 3
    assert len(page.custom("delta")) >= 3 * took
    numbers = sorted(
        [view["seq"] for view in page.views()] + [delta["seq"] for delta in page.custom("delta")]
    )
    assert numbers == list(range(1, len(numbers) + 1))
    assert {message.name: message.content for message in run.messages} == texts


def test_one_agent_is_stopped_and_the_others_go_on():
    shell, one, other, run = _shell(), Talker("one"), Talker("other"), Run()
    with RunCard(run, shell) as card, run:
        page = Page(card)
        first, second = one(), other()
        _until(lambda: len(run.view(live=True).rows) == 2 and run.view(live=True).rows[0].state == "running")
        call = next(iter(scheduler().live.values()))
        page.says(
            {"kind": "act", "id": "1", "path": f"servers/s/calls/{call.id}/stop", "body": {"call": call.id}}
        )
        with pytest.raises(CallCancelledError):
            first.result()
        page.says({"kind": "act", "id": "2", "path": "", "body": {"call": call.id}})
        other.end()
        assert "word" in second.result().content
    assert [row.state for row in run.view().rows] == ["stopped", "done"]
    assert run.view().rows[0].note.startswith("stopped by you after")
    done, refused = page.custom("acted")
    assert (done["id"], done["value"]) == ("1", {"stopped": 1})
    assert (refused["id"], "over already" in refused["error"]) == ("2", True)


def test_the_run_is_stopped():
    shell, run = _shell(), Run()
    with RunCard(run, shell) as card, run:
        page = Page(card)
        replies = [Talker("one")(), Talker("other")()]
        _until(lambda: len(run.view().rows) == 2)
        page.says(
            {"kind": "act", "id": "1", "path": f"servers/s/runs/{run.id}/stop", "body": {"run": run.id}}
        )
        for reply in replies:
            with pytest.raises(CallCancelledError):
                reply.result()
    assert page.custom("acted")[0]["value"] == {"stopped": 2}


@pytest.mark.parametrize(
    "message",
    [
        None,
        "x",
        {},
        {"kind": 3},
        {"kind": "act"},
        {"kind": "act", "path": "servers", "body": 5},
        {"kind": "other"},
    ],
)
def test_a_strange_message_harms_nobody(message: Any, caplog: pytest.LogCaptureFixture):
    run = Run()
    with RunCard(run, _shell()) as card, run:
        page = Page(card)
        page.says(message)
    assert caplog.text == ""
    assert all("error" in told for told in page.custom("acted"))


def test_without_a_page_that_draws_widgets_its_html_is_drawn_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_card, "PATIENCE", 0.1)
    shell, agent, run = _shell(), Talker("poet"), Run()
    with RunCard(run, shell), run:
        reply = agent()
        _until(lambda: len(_outputs(shell)) >= 4)
        agent.end()
        reply.result()
    assert VIEW_MIME in _outputs(shell)[0]["data"]
    assert all(VIEW_MIME not in output["data"] for output in _outputs(shell)[1:])
    assert "word" in _outputs(shell)[2]["data"]["text/html"]


def test_until_a_page_has_drawn_it_its_html_is_kept_up_to_date(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_card, "MEANWHILE", (0.1, 0.2))
    shell, agent, run = _shell(), Talker("poet"), Run()
    with RunCard(run, shell) as card, run:
        reply = agent()
        _until(lambda: len(_outputs(shell)) >= 3)
        assert all(VIEW_MIME in output["data"] for output in _outputs(shell))
        assert "word" in _outputs(shell)[2]["data"]["text/html"]
        Page(card)
        _until(widgets_seen.is_set)
        count = len(_outputs(shell))
        threading.Event().wait(0.5)
        assert len(_outputs(shell)) == count
        agent.end()
        reply.result()


def test_a_page_that_comes_later_has_all_of_it():
    shell, agent, run = _shell(), Talker("poet"), Run()
    with RunCard(run, shell) as card, run:
        page = Page(card)
        reply = agent()
        _until(lambda: len(page.views()) >= 2)
        text = page.widget.get_state()["view"]["rows"][0]["text"]
        assert text.startswith("word word")
        agent.end()
        reply.result()


def test_the_module_of_a_widget_is_one_text():
    text = esm("lanes", "rows", "find", "card")
    assert text.count("export default") == 1
    assert "import " not in text
    assert "innerHTML" not in text.replace("template.innerHTML = html", "")
    names = [line.split("(")[0].split()[-1] for line in text.split("\n") if line.startswith("function ")]
    assert len(names) == len(set(names))
    assert ".nba.nba-live" in css("card")
    assert "http" not in css("card")


def test_old_frozen_widgets_are_closed():
    from nbagents.widgets import _live

    class Small(LiveWidget):
        _esm = "export default {}"

    shell = _shell()
    from nbagents.widgets import Surface

    made = [Small({}) for _ in range(_live.KEPT + 3)]
    for widget in made:
        widget.freeze(Surface(shell), "<p>x</p>", "x")
    assert made[0].comm is None
    assert made[-1].comm is not None


def test_only_the_panels_used_last_stay_live_and_one_that_answers_does():
    talker, quick = Talker("poet"), Talker("critic")
    quick.end()
    shells = [_shell() for _ in range(2 * _live.PANELS)]
    first = ChatWidget([talker])
    first.put(Surface(shells[0]))
    first._handle_custom_msg({"kind": "say", "text": "Go on."}, [])
    _until(lambda: first.busy)
    others = [ChatWidget([quick]) for _ in shells[1:]]
    for shell, chat in zip(shells[1:], others, strict=True):
        chat.put(Surface(shell))

    live = [VIEW_MIME in _outputs(shell)[-1]["data"] for shell in shells]
    assert live == [True] + [False] * _live.PANELS + [True] * (_live.PANELS - 1)
    assert _live.AT_REST in _outputs(shells[1])[-1]["data"]["text/html"]
    assert "frozen" in others[0].view
    talker.end()
    _until(lambda: not first.busy)


def test_a_memory_that_is_frozen_stays_so_whatever_its_agent_hears():
    agent, shell = Talker("poet"), _shell()
    agent.end()
    panel = MemoryWidget(agent)
    panel.put(Surface(shell))
    panel.retire()
    panel.refresh()
    assert "frozen" in panel.view
    last = _outputs(shell)[-1]["data"]
    assert set(last) == {"text/html", "text/plain"}
    assert _live.AT_REST in last["text/html"]
    assert _live.AT_REST in last["text/plain"]


def test_who_spoke_to_whom_is_told_twice_a_second_at_most_and_stays_in_the_frozen_form():
    shell, agent, run = _shell(), Talker("poet"), Run("verse")
    quick = Quick("critic")
    with RunCard(run, shell, view="graph") as card, run:
        page, began = Page(card), time.monotonic()
        reply = agent(Msg("user", "go"))
        while time.monotonic() - began < 2:
            quick(Msg("user", "go")).result()
        took = time.monotonic() - began
        agent.end()
        reply.result()
        count = sum(1 for message in run.messages if message.name == "critic")
    assert page.views()[0]["tab"] == "graph"
    drawn = [state["graph"] for state in page.views() if "graph" in state]
    drawn += [change["run"]["graph"] for change in page.custom("delta") if "graph" in change.get("run", {})]
    assert 2 <= len(set(drawn)) <= 2 * took + 3
    assert all("<svg" in figure for figure in drawn)
    last = _outputs(shell)[-1]["data"]
    assert f"you → critic: {count}" in last["text/html"]
    assert f"you → critic: {count}" in last["text/plain"]
    assert "<svg" in last["text/html"]
