"""A run gathers what its agents say, in the order of the conversation, with who waited for whom."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable

import pytest

from nbagents import asking, events
from nbagents.agents import AgentBase, scheduler
from nbagents.exceptions import CallCancelledError
from nbagents.message import Msg
from nbagents.pipelines import ForLoopPipeline
from nbagents.render import RowView, SectionView
from nbagents.runs import Run, recent_runs


class Echo(AgentBase):
    """Streams its answer in pieces, then returns it."""

    async def reply(self, x=None):
        text = f"{self.name} heard {x.content if x is not None else 'nothing'}"
        for word in text.split():
            events.emit("delta", text=f"{word} ")
            await asyncio.sleep(0)
        return Msg(self.name, text)


class Gated(AgentBase):
    """Streams a little, then waits until it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["_gate"] = asyncio.Event()

    async def reply(self, x=None):
        events.emit("delta", text="half a ")
        await self._gate.wait()
        return Msg(self.name, "half a sentence")

    def open(self) -> None:
        scheduler().post(self._gate.set)


class Broken(AgentBase):
    async def reply(self, x=None):
        raise ValueError("nothing works")


class Moderator(AgentBase):
    def __init__(self, name: str, others: list[AgentBase]) -> None:
        super().__init__(name)
        self.__dict__["_others"] = others

    async def reply(self, x=None):
        said = [await reply for reply in [other(x) for other in self._others]]
        return Msg(self.name, " / ".join(each.content for each in said))


def _until(condition: Callable[[], object], seconds: float = 5) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to be"
        threading.Event().wait(0.01)


def _rows(run: Run, live: bool = False) -> list[RowView]:
    return [row for row in run.view(live).rows if isinstance(row, RowView)]


def test_a_run_has_its_messages_in_order_and_is_done():
    before = len(recent_runs())
    with Run("two") as run:
        first = Echo("one")(Msg("user", "hi"))
        Echo("two")(first)
        assert run.state == "running"
    _until(lambda: run.over)
    assert run.state == "done"
    assert [message.content for message in run.messages] == ["one heard hi", "two heard one heard hi"]
    assert recent_runs()[-1] is run
    assert len(recent_runs()) == min(before + 1, 50)


def test_leaving_the_with_sees_all_that_was_read_inside():
    with Run() as run:
        answer = Echo("one")(Msg("user", "hi"))
        assert answer.content == "one heard hi"
    assert run.state == "done"
    assert [row.state for row in _rows(run)] == ["done"]


def test_runs_are_counted_and_do_not_hear_each_other():
    with Run() as first:
        Echo("one")().result()
    with Run() as second:
        Echo("two")().result()
    Echo("three")().result()
    assert second.number == first.number + 1
    assert [row.agent for row in _rows(first)] == ["one"]
    assert [row.agent for row in _rows(second)] == ["two"]


def test_a_call_that_is_open_when_the_with_is_left_still_belongs_to_the_run():
    agent = Gated("slow")
    with Run() as run:
        reply = agent()
    _until(lambda: _rows(run, live=True) and _rows(run, live=True)[0].text == "half a ")
    (row,) = _rows(run, live=True)
    assert (run.state, row.state, row.live) == ("running", "running", True)
    agent.open()
    reply.result()
    _until(lambda: run.over)
    (row,) = _rows(run)
    assert (row.text, row.live) == ("half a sentence", False)


def test_who_is_asked_stands_before_who_asked():
    with Run() as run:
        Moderator("chair", [Echo("left"), Echo("right")])(Msg("user", "x")).result()
    assert [row.agent for row in _rows(run)] == ["left", "right", "chair"]
    chair = next(lane for lane in run.timeline if lane.agent == "chair")
    assert "waits" in {kind for _, _, kind in chair.spans}


def test_a_waiting_row_says_for_whom():
    agent = Gated("slow")
    with Run() as run:
        reply = Echo("next")(agent())
    _until(lambda: len(_rows(run)) == 2)
    assert _rows(run)[1].note == "waiting for slow"
    agent.open()
    reply.result()


def test_sections_stand_between_the_calls_of_two_passes():
    with Run() as run:
        for number in (1, 2):
            run.section(f"pass {number} of 2")
            Echo("one")()
    _until(lambda: run.over)
    kinds = [row.label if isinstance(row, SectionView) else row.agent for row in run.view().rows]
    assert kinds == ["pass 1 of 2", "one", "pass 2 of 2", "one"]


def test_a_pipeline_with_a_condition_is_not_over_between_its_passes():
    passes: list[int] = []
    with Run() as run:
        loop = ForLoopPipeline(Echo("one"), 3, lambda msg: len(passes) == 3, on_pass=passes.append)
        result = loop(Msg("user", "x"))
    result.result()
    _until(lambda: run.over)
    assert len(run.messages) == 3


def test_a_failure_is_told_once_and_those_behind_it_say_whose_it_is():
    with Run() as run:
        last = Echo("last")(Echo("next")(Broken("broken")()))
        with pytest.raises(ValueError, match="nothing works"):
            last.result()
    assert run.state == "failed"
    broken, following, last_row = _rows(run)
    assert broken.error is not None
    assert broken.error.title == "broken failed: ValueError"
    assert following.error is None
    assert last_row.error is None
    assert following.note == "not asked: broken failed"
    assert (following.state, last_row.state) == ("stopped", "stopped")
    assert run.traceback().count("ValueError: nothing works") == 1


def test_a_failure_that_the_caller_caught_does_not_fail_the_run():
    class Careful(AgentBase):
        async def reply(self, x=None):
            with pytest.raises(ValueError, match="nothing works"):
                await Broken("broken")()
            return Msg(self.name, "so be it")

    with Run() as run:
        Careful("careful")().result()
    assert run.state == "done"
    assert [row.state for row in _rows(run)] == ["failed", "done"]


def test_an_error_inside_the_with_ends_the_run_with_it():
    run = Run()
    with pytest.raises(KeyError), run:
        raise KeyError("topic")
    assert run.state == "failed"
    assert run.view().error is not None
    assert "KeyError" in run.traceback()


def test_what_is_asked_in_a_run_that_a_person_has_stopped_ends_at_once():
    with Run() as run:
        run.halted = True
        assert run.stop() == 0  # while its calls were still being made
        late = Gated("late")(Msg("user", "hi"))
        with pytest.raises(CallCancelledError, match="stopped by you"):
            late.result(10)


def test_stopping_keeps_what_has_come_and_says_who_stopped_it():
    agent = Gated("slow")
    with Run() as run:
        reply = agent()
        behind = Echo("next")(reply)
        _until(lambda: _rows(run) and _rows(run)[0].text)
        assert run.stop() == 2
    assert run.state == "stopped"
    slow, following = _rows(run)
    assert slow.text == "half a "
    assert slow.note.startswith("stopped by you after")
    assert slow.note.endswith("partial text kept")
    assert following.note == "stopped by you before its turn"
    for message in (reply, behind):
        with pytest.raises(CallCancelledError):
            message.result()
    agent.open()


def test_what_was_claimed_is_not_reported(capfd: pytest.CaptureFixture[str]):
    scheduler().report()  # what tests before have left
    capfd.readouterr()
    with Run() as run:
        Broken("broken")()
    errors = run.claim()
    assert [str(error) for error in errors] == ["nothing works"]
    assert run.claim() == []
    scheduler().report()
    assert capfd.readouterr().err == ""


def test_what_was_read_is_not_claimed():
    with Run() as run:
        message = Broken("broken")()
        with pytest.raises(ValueError, match="nothing works"):
            message.result()
    assert run.claim() == []


def test_what_an_agent_shows_besides_its_reply_has_a_row_of_its_own():
    class Talker(AgentBase):
        async def reply(self, x=None):
            self.speak("first this")
            answer = Msg(self.name, "then that")
            self.speak(answer)
            return answer

    with Run() as run:
        Talker("talker")().result()
    assert [row.text for row in _rows(run)] == ["first this", "then that"]
    assert len(run.messages) == 1


def test_usage_and_model_and_prints_come_to_the_row():
    class Counted(AgentBase):
        async def reply(self, x=None):
            events.emit("model", model="demo")
            events.emit("usage", model="demo", prompt_tokens=10, completion_tokens=2)
            events.emit("printed", text="counting\n")
            return Msg(self.name, "done")

    with Run() as run:
        Counted("c")().result()
    (row,) = _rows(run)
    assert (row.tokens, row.model, row.is_demo, row.printed) == (12, "demo", True, "counting\n")
    assert run.tokens == 12


def test_a_flood_of_prints_is_not_kept():
    class Chatty(AgentBase):
        async def reply(self, x=None):
            for _ in range(100):
                events.emit("printed", text="x" * 1000)
            return Msg(self.name, "done")

    with Run() as run:
        Chatty("c")().result()
    assert len(_rows(run)[0].printed) < 21_000


def test_the_deltas_of_a_finished_call_are_dropped():
    with Run() as run:
        Echo("one")(Msg("user", "hi")).result()
    assert all(not record.pieces for record in run._records.values())


def test_colours_and_listeners_are_asked_for():
    colors = {"one": 3}
    run = Run(color_of=colors.get, audience=lambda name: ("two", "three"))
    with run:
        Echo("one")().result()
    (row,) = _rows(run)
    assert (row.color, row.note) == (3, "heard by two, three")


def test_a_row_waits_for_a_person_while_one_is_asked():
    states: list[str] = []
    run = Run()

    class Asker(AgentBase):
        async def reply(self, x=None):
            opened = asking.open_question(asking.Question(self.name, "well?"))
            states.append(_rows(run)[0].state)
            opened.give("yes")
            states.append(_rows(run)[0].state)
            return Msg(self.name, "yes")

    with run:
        Asker("me")().result()
    assert states == ["human", "running"]
    assert "human" in {kind for lane in run.timeline for _, _, kind in lane.spans}


def test_watchers_are_told_of_every_change():
    told: list[str] = []
    run = Run()
    run.watch(lambda: told.append(run.state))
    with run:
        Echo("one")().result()
    assert told.count("running") >= 3
    assert told[-1] == "done"


def test_as_markdown():
    run = Run("greeting", prompt="Say hi.")
    with run:
        Echo("one")(Msg("user", "hi")).result()
    text = run.to_markdown()
    assert text.startswith(f"## run {run.number} · greeting\n\n> Say hi.\n\n**one** · ")
    assert text.endswith("one heard hi\n")


def test_a_view_can_be_taken_from_any_thread_while_it_runs():
    agents = [Echo(f"a{number}") for number in range(20)]
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                run.view(live=True)
                done.wait(0.001)
            except BaseException as error:  # noqa: BLE001  # told below
                failures.append(error)
                return

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with Run() as run:
            watcher = threading.Thread(target=look)
            watcher.start()
            replies = [agent(Msg("user", "x")) for agent in agents for _ in range(20)]
            for reply in replies:
                reply.result()
            done.set()
            watcher.join()
    finally:
        sys.setswitchinterval(before)
    assert failures == []
    assert len(run.messages) == 400
