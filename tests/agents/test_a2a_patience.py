"""How long an `A2AAgent` waits, what it does when it waits no longer, and what it sends once only."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from nbagents import A2AAgent, Msg
from nbagents.agents import _a2a_exchange
from nbagents.exceptions import A2ATimeoutError, A2AUnavailableError, UsageError

from .a2a_places import Slow, answered, card, echo, place, serving, task

CARD = "/.well-known/agent-card.json"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_a2a_exchange, "POLL", 0.01)


class Place:
    """An agent that does not stream: what it answers to each look, and what it was asked."""

    def __init__(self, look: Callable[[int], Any]) -> None:
        self.look, self.looks, self.cancelled = look, 0, threading.Event()

    def __call__(self, asked: Any) -> Any:
        if asked["method"] == "CancelTask":
            assert asked["params"]["id"] == "t"
            self.cancelled.set()
            return answered(task("CANCELED"))
        if asked["method"] == "GetTask":
            self.looks += 1
            return self.look(self.looks)
        return answered({"task": task("SUBMITTED")})


def test_one_that_is_always_working_is_looked_after_ever_less_and_then_stopped() -> None:
    answer = Place(lambda number: answered(task("WORKING")))
    answers: dict[str, Any] = {"/a2a": answer}
    with place(answers) as (url, _):
        answers[CARD] = card(f"{url}/a2a", streaming=False)
        agent = A2AAgent("a", url, deadline=1.0)
        with pytest.raises(A2ATimeoutError, match="not finished within 1 s") as raised:
            agent("hi").result(20)
        assert "deadline=" in (raised.value.hint or "")
        assert answer.cancelled.wait(10)
    assert 2 <= answer.looks <= 12  # each half as long again after the one before: 100 else


def test_news_make_it_look_sooner_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_a2a_exchange, "SLOWER", 1e9)  # the second look without news is the last one in time
    texts = ["a", "ab", "abc"]

    def look(number: int) -> Any:
        return answered(task("WORKING", texts[number - 1]) if number < 3 else task("COMPLETED", *texts[2:]))

    answers: dict[str, Any] = {"/a2a": Place(look)}
    with place(answers) as (url, _):
        answers[CARD] = card(f"{url}/a2a", streaming=False)
        assert A2AAgent("a", url, deadline=10)("hi").content == "abc"


def test_a_look_may_fail_and_five_in_a_row_may_not() -> None:
    broken = (503, {}, b"")
    answer = Place(lambda number: broken if number < 5 else answered(task("COMPLETED", "done")))
    answers: dict[str, Any] = {"/a2a": answer}
    with place(answers) as (url, _):
        answers[CARD] = card(f"{url}/a2a", streaming=False)
        assert A2AAgent("a", url)("hi").content == "done"
        answers["/a2a"] = gone = Place(lambda number: broken)
        with pytest.raises(A2AUnavailableError, match="status 503"):
            A2AAgent("a", url)("hi").result(20)
        assert gone.looks == 5
        assert gone.cancelled.wait(10)


def test_one_that_streams_without_end_is_stopped_at_the_deadline() -> None:
    slow = Slow()
    with serving(slow.app) as running:
        # The first request loads the protocol's package, which may take as long.
        card_of = urllib.request.Request(
            running.url + CARD, headers={"Authorization": f"Bearer {running.token}"}
        )
        with urllib.request.urlopen(card_of, timeout=60) as response:
            response.read()
        agent = A2AAgent("slow", running.url, token=running.token, deadline=4.0)
        with pytest.raises(A2ATimeoutError, match="not finished within 4 s"):
            agent("hi").result(30)
        assert slow.began.wait(0)
        assert slow.stopped.wait(5)  # and not only when nobody has come back for a while


def test_one_that_falls_silent_in_the_middle_is_told_to_stop() -> None:
    slow = Slow()
    with serving(slow.app) as running:
        agent = A2AAgent("slow", running.url, token=running.token, timeout=0.5)
        with pytest.raises(A2AUnavailableError, match=r"nothing for 0\.5 s"):
            agent("hi").result(20)
        assert slow.stopped.wait(5)


@pytest.mark.parametrize(
    "times", [{"timeout": 0}, {"timeout": None}, {"deadline": -1.0}, {"deadline": float("nan")}]
)
def test_a_time_that_is_none_is_refused(times: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="is a number of seconds"):
        A2AAgent("a", "http://127.0.0.1:1", **times)


def test_what_was_sent_is_not_sent_again_when_the_memory_was_trimmed() -> None:
    app = echo()
    heard: list[str] = app.heard  # type: ignore[attr-defined]
    with serving(app) as running:
        agent = A2AAgent("echo", running.url, token=running.token)
        for text in ("one", "two", "three"):
            agent(text).result(20)
        assert heard == ["one", "two", "three"]
        agent.memory.delete([4, 5])  # the last question, and the last answer
        agent("four").result(20)
        agent.memory.delete([0, 1, 2])
        agent.observe(Msg("host", "listen", "assistant"))
        agent("five").result(20)
        assert heard[3:] == ["four", "host: listen\nuser: five"]
        back = A2AAgent("echo", running.url, token=running.token)
        back.load_state_dict(agent.state_dict())
        back("six").result(20)
        assert heard[5:] == ["six"]
