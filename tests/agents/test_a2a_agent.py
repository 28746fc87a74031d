"""`A2AAgent`: an agent behind a real app, in conversations, pipelines and hubs, and what goes wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from nbagents import (
    A2AAgent,
    AgentBase,
    Msg,
    fanout_pipeline,
    msghub,
    sequential_pipeline,
    stream_printing_messages,
)
from nbagents.app import AgentApp
from nbagents.exceptions import (
    A2ARefusedError,
    A2ATaskError,
    A2AUnavailableError,
    AgentCreationError,
    CallCancelledError,
    UsageError,
)

from .a2a_places import Slow, answered, card, echo, events, place, serving, status, task

CARD = "/.well-known/agent-card.json"


@pytest.fixture
def app() -> Iterator[AgentApp]:
    made = echo()
    with serving(made):
        yield made


def ask(app: AgentApp, **options: Any) -> A2AAgent:
    assert app.serving is not None
    return A2AAgent("echo", app.serving.url, **{"token": app.token, **options})


class Parrot(AgentBase):
    async def reply(self, x: Any = None) -> Any:
        return f"{x.content}!"


def test_it_says_what_the_other_one_says_and_goes_on_with_its_conversation(app: AgentApp) -> None:
    agent = ask(app)
    first = agent(Msg("user", "hello", "user"))
    assert (first.content, first.name, first.role) == ("<hello>", "echo", "assistant")
    context = agent.context_id
    assert context
    assert first.metadata["context_id"] == context
    assert agent("more").content == "<more>"
    assert agent.context_id == context
    assert [message.content for message in agent.memory.get_memory()] == [
        "hello",
        "<hello>",
        "more",
        "<more>",
    ]
    agent.context_id = None
    agent("anew").result(20)
    assert agent.context_id not in (None, context)


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_pieces_come_as_they_are_said(app: AgentApp, version: str) -> None:
    assert app.serving is not None
    way = {"url": f"{app.serving.url}/a2a", "protocolBinding": "JSONRPC", "protocolVersion": version}
    agent = A2AAgent("echo", card("", supportedInterfaces=[way]), token=app.token)

    async def listen() -> list[tuple[str, bool]]:
        said = stream_printing_messages([agent], agent("a long story"))
        return [(str(message.content), last) async for message, last in said]

    told = asyncio.run(listen())
    assert told[-1] == ("<a long story>", True)
    growing = [text for text, last in told if not last]
    assert len(growing) > 2
    assert all("<a long story>".startswith(text) for text in growing)


def test_it_stands_in_pipelines_and_hubs(app: AgentApp) -> None:
    agent, parrot = ask(app), Parrot("parrot")
    assert sequential_pipeline([parrot, agent, parrot], Msg("user", "hi", "user")).content == "<hi!>!"
    assert [reply.content for reply in fanout_pipeline([agent, parrot], Msg("user", "x", "user"))] == [
        "<x>",
        "x!",
    ]
    with msghub([agent, parrot], announcement=Msg("host", "welcome", "assistant")):
        parrot(Msg("user", "hey", "user")).result(20)
        reply = agent()
        assert reply.content == "<host: welcome\nparrot: hey!>"
    heard: list[str] = app.heard  # type: ignore[attr-defined]
    assert heard[:2] == ["hi!", "x"]


def test_it_lives_in_a_server_too(app: AgentApp) -> None:
    agent = ask(app)
    agent("one").result(20)
    context = agent.context_id
    proxy = agent.to_dist()
    reply = proxy("two")
    assert reply.content == "<two>"
    assert reply.metadata["context_id"] == context


def test_cancelling_the_call_cancels_the_task_there() -> None:
    slow = Slow()
    with serving(slow.app):
        agent = ask(slow.app)
        call = agent("?")
        assert slow.began.wait(20)
        call.cancel()
        assert slow.stopped.wait(5)  # and not only when nobody has come back for a while
        with pytest.raises(CallCancelledError):
            call.result(10)


def test_an_interrupted_agent_answers_and_stops_the_other_one() -> None:
    slow = Slow()
    with serving(slow.app):
        agent = ask(slow.app)
        call = agent("?")
        assert slow.began.wait(20)
        agent.interrupt()
        assert "interrupted" in str(call.content)
        assert slow.stopped.wait(5)


def test_a_failed_task_is_an_error_and_what_was_sent_is_sent_again(app: AgentApp) -> None:
    agent = ask(app)
    with pytest.raises(A2ATaskError, match=r"failed: .*RuntimeError: no such luck"):
        agent("fail").result(20)
    agent.memory.clear()
    assert agent("fine").content == "<fine>"


@pytest.mark.parametrize("token", [None, "wrong-token"])
def test_without_the_right_token_it_says_so(app: AgentApp, token: str | None) -> None:
    with pytest.raises(A2ARefusedError, match="does not take") as raised:
        ask(app, token=token)("hi").result(20)
    assert "token=" in (raised.value.hint or "")
    assert "wrong-token" not in str(raised.value)


def test_nobody_there_is_an_error_that_says_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(A2AUnavailableError, match="cannot be reached"):
        A2AAgent("gone", f"http://127.0.0.1:{port}")("hi").result(20)


def test_one_that_falls_silent_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        agent = A2AAgent("silent", f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(A2AUnavailableError, match=r"nothing for 0\.2 s"):
            agent("hi").result(20)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:1/a2a",
        "http://169.254.169.254/latest",
        "https://127.0.0.1:{port}/a2a",
        "http://localhost:{port}/a2a",
        "http://somebody@127.0.0.1:{port}/a2a",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/a2a",
    ],
)
def test_a_card_that_leads_elsewhere_is_not_followed(elsewhere: str) -> None:
    answers: dict[str, Any] = {}
    with place(answers) as (url, asked):
        answers[CARD] = card(elsewhere.format(port=url.rpartition(":")[2]))
        with pytest.raises(A2ARefusedError, match="which is not where the card is") as raised:
            A2AAgent("a", url, token="the-token-itself")("hi").result(20)
        assert [path for path, _ in asked] == [CARD]
        assert "somebody" not in str(raised.value)


def test_redirects_are_not_followed() -> None:
    with place({}) as (far, far_asked), place({}) as (url, _):
        pass
    answers: dict[str, Any] = {}
    with place({CARD: card(far)}) as (far, far_asked), place(answers) as (url, _):
        answers[CARD] = (307, {"Location": f"{far}{CARD}"}, b"")
        with pytest.raises(A2ARefusedError, match="redirect"):
            A2AAgent("a", url, token="the-token-itself")("hi").result(20)
        answers[CARD] = card(f"{url}/a2a")
        answers["/a2a"] = (307, {"Location": f"{far}/a2a"}, b"")
        with pytest.raises(A2ARefusedError, match="redirect"):
            A2AAgent("a", url, token="the-token-itself")("hi").result(20)
        assert far_asked == []


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (events(), A2AUnavailableError, "broke off"),
        (events(status("FAILED", "out of paint")), A2ATaskError, "failed: out of paint"),
        (events(status("CANCELED")), A2ATaskError, "cancelled there"),
        (events(status("REJECTED", "no")), A2ATaskError, "rejected: no"),
        (events(status("AUTH_REQUIRED")), A2ARefusedError, "log in"),
        ((200, {}, b"[]"), A2AUnavailableError, "not answer as A2A"),
        ((200, {}, b"<html>"), A2AUnavailableError, "cannot be|not answer as A2A"),
        ((200, {"Content-Type": "text/event-stream"}, b"data: 5\n\n"), A2AUnavailableError, "not answer"),
        ((503, {}, b""), A2AUnavailableError, "status 503"),
        ((418, {}, b""), A2ARefusedError, "status 418"),
        (
            (200, {}, b'{"jsonrpc":"2.0","id":"1","error":{"code":-32004,"message":"not today"}}'),
            A2ATaskError,
            "not today",
        ),
        (
            (200, {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}, b""),
            A2ARefusedError,
            "compressed",
        ),
    ],
)
def test_what_cannot_be_used_has_a_name(answer: Any, error: type[Exception], says: str) -> None:
    answers: dict[str, Any] = {}
    with place(answers) as (url, _):
        answers |= {CARD: card(f"{url}/a2a"), "/a2a": answer}
        with pytest.raises(error, match=says):
            A2AAgent("a", url)("hi").result(20)


@pytest.mark.parametrize("body", [b"5", b"{", b"[]", b'{"supportedInterfaces": 5}', b"{}", b"[" * 100_000])
def test_a_card_that_is_none_has_a_name(body: bytes) -> None:
    with place({CARD: (200, {}, body)}) as (url, _), pytest.raises((A2AUnavailableError, A2ARefusedError)):
        A2AAgent("a", url)("hi").result(20)


def test_an_answer_may_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbagents.agents import _a2a_peer

    monkeypatch.setattr(_a2a_peer, "LARGEST", 100_000)
    answers: dict[str, Any] = {}
    with place(answers) as (url, _):
        answers |= {CARD: card(f"{url}/a2a"), "/a2a": events(status("COMPLETED", "x" * 200_000))}
        with pytest.raises(A2ARefusedError, match="more than 100,000 bytes"):
            A2AAgent("a", url)("hi").result(20)


def test_one_that_asks_back_is_answered_in_its_task() -> None:
    answers: dict[str, Any] = {}
    with place(answers) as (url, _):
        answers |= {CARD: card(f"{url}/a2a"), "/a2a": events(status("INPUT_REQUIRED", "which one?"))}
        agent = A2AAgent("a", url)
        assert agent("paint it").content == "which one?"
        assert (agent.task_id, agent.context_id) == ("t", "c")
        answers["/a2a"] = events(status("COMPLETED", "red"))
        assert agent("the left one").content == "red"
        assert agent.task_id is None


def test_a_task_that_a_call_has_failed_at_is_not_answered_again() -> None:
    answers: dict[str, Any] = {}
    with place(answers) as (url, _):
        answers |= {CARD: card(f"{url}/a2a"), "/a2a": events(status("INPUT_REQUIRED", "which one?"))}
        agent = A2AAgent("a", url)
        agent("paint it").result(20)
        answers["/a2a"] = (500, {}, b"")
        with pytest.raises(A2AUnavailableError):
            agent("the left one").result(20)
        assert agent.task_id is None


def test_one_that_neither_streams_nor_waits_is_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbagents.agents import _a2a_exchange

    monkeypatch.setattr(_a2a_exchange, "POLL", 0.01)
    looks = [task("WORKING"), task("WORKING", "two "), task("COMPLETED", "two ", "parts")]
    told: list[Any] = []
    answers: dict[str, Any] = {"/a2a": lambda asked: told.pop(0)}
    for streaming, first in (
        (False, answered({"task": task("SUBMITTED")})),
        (True, events(status("WORKING"))),
    ):
        told[:] = [first, *map(answered, looks)]
        with place(answers) as (url, _):
            answers[CARD] = card(f"{url}/a2a", streaming=streaming)
            assert A2AAgent("a", url)("hi").content == "two parts"


def test_pictures_go_both_ways() -> None:
    app, got = AgentApp(), []
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        got.extend(msgs[0].get_content_blocks())
        yield Msg("a", [{"type": "text", "text": "see"}, picture])

    with serving(app):
        reply = ask(app)(Msg("user", [{"type": "text", "text": "look"}, picture], "user"))
        assert reply.content == [{"type": "text", "text": "see"}, picture]
    assert got == [{"type": "text", "text": "look"}, picture]


def test_what_is_no_address_and_nothing_to_send_is_refused_at_once(app: AgentApp) -> None:
    for wrong in ("localhost:8080", "file:///card.json", "", 5):
        with pytest.raises(UsageError):
            A2AAgent("a", wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to send"):
        ask(app)().result(20)
    url = {"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}}
    with pytest.raises(UsageError, match="web address"):
        ask(app)(Msg("user", [url], "user")).result(20)


def test_its_token_is_shown_to_nobody(app: AgentApp) -> None:
    agent = ask(app)
    assert app.token
    assert app.token not in f"{agent!r}{agent}{agent.state_dict()}{vars(agent)['_token']}"


def test_a_server_that_brings_it_back_has_no_token_for_it(app: AgentApp) -> None:
    from nbagents.rpc._keys import without_keys

    agent = ask(app)
    kept = without_keys(agent._init_settings)
    assert str(app.token) not in str(kept)
    with pytest.raises(A2ARefusedError, match="has no token now"):
        A2AAgent(*kept["args"], **kept["kwargs"])("hi").result(20)


def test_a_server_for_others_calls_no_addresses() -> None:
    from nbagents.rpc._loader import AgentClasses

    assert AgentClasses(private=True).find("A2AAgent") is A2AAgent
    for name in ("A2AAgent", "nbagents.agents:A2AAgent"):
        with pytest.raises(AgentCreationError, match="not registered"):
            AgentClasses(private=False).find(name)
