"""Agents that are called back by whom they ask, wait for each other, or are more than there are threads."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest
from plain_agents import AsyncDoes, BlockingEcho, Does, Gate

from nbagents.agents import AgentBase, _scheduler, scheduler
from nbagents.exceptions import DeadlockError
from nbagents.message import Msg

# ----------------------------------------------------------------------- calling back the caller


class Countdown(AgentBase):
    target: AgentBase

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.log: list[int] = []

    async def reply(self, x):
        if x.content > 0:
            await self.target(Msg(self.name, x.content - 1))
        self.log.append(x.content)
        return x.content


class BlockingCountdown(Countdown):
    def reply(self, x):
        if x.content > 0:
            _ = self.target(Msg(self.name, x.content - 1)).content
        self.log.append(x.content)
        return x.content


kinds = pytest.mark.parametrize("kind", [Countdown, BlockingCountdown])
pairs = pytest.mark.parametrize("other", [Countdown, BlockingCountdown])


@kinds
@pairs
def test_agents_may_call_back_who_calls_them(kind, other):
    a, b = kind("a"), other("b")
    a.target, b.target = b, a
    assert a(Msg("user", 7)).result(20).content == 7
    assert (a.log, b.log) == ([1, 3, 5, 7], [0, 2, 4, 6])


@kinds
def test_an_agent_may_call_itself(kind):
    a = kind("a")
    a.target = a
    assert a(Msg("user", 5)).result(20).content == 5
    assert a.log == [0, 1, 2, 3, 4, 5]


@kinds
@pairs
def test_two_agents_may_consult_each_other(kind, other):
    for _ in range(10):
        a, b = kind("a"), other("b")
        a.target, b.target = b, a
        replies = a(Msg("user", 1)), b(Msg("user", 1))
        assert [reply.result(20).content for reply in replies] == [1, 1]


def test_a_call_back_runs_only_while_its_agent_waits():
    order, made = [], threading.Event()

    def first(x):
        if x.content == "back":
            order.append("back")
            return "called back"
        reply = second(Msg("a", "go"))
        assert made.wait(10)
        scheduler().background.run(asyncio.sleep(0))  # by now the loop has queued it
        assert a.memory.size() == 0, "its own data is no reason to wait"
        order.append("before waiting")
        _ = reply.content
        order.append("after waiting")
        return "over"

    async def calls_back(x):
        reply = a(Msg("b", "back"))
        made.set()
        await reply
        return "told"

    a, second = Does("a", first), AsyncDoes("b", calls_back)
    assert a(Msg("user", "start")).result(20).content == "over"
    assert order == ["before waiting", "back", "after waiting"]


def test_a_call_back_that_nobody_waits_for_runs_after_the_turn():
    order, kept = [], []

    async def first(x):
        if x.content == "back":
            order.append("back")
            return "called back"
        kept.append(b(Msg("a", "go")))
        await asyncio.sleep(0.05)
        order.append("end of turn")
        return "over"

    async def calls_back(x):
        return await a(Msg("b", "back"))

    a, b = AsyncDoes("a", first), AsyncDoes("b", calls_back)
    assert a(Msg("user", "start")).content == "over"
    assert kept[0].result(20).content == "called back"
    assert order == ["end of turn", "back"]


def test_what_the_chain_has_asked_is_served_before_the_wait_returns():
    order = []

    async def first(x):
        if x.content == "back":
            await asyncio.sleep(0.02)
            order.append("back")
            return "called back"
        await b(Msg("a", "go"))
        order.append("after waiting")
        return "over"

    async def forgets(x):
        a(Msg("b", "back"))
        return "told"

    a, b = AsyncDoes("a", first), AsyncDoes("b", forgets)
    assert a(Msg("user", "start")).result(20).content == "over"
    assert order == ["back", "after waiting"]


def test_call_backs_run_one_at_a_time():
    order = []

    async def first(x):
        if x.content != "go":
            order.append(f"+{x.content}")
            await asyncio.sleep(0.01)
            order.append(f"-{x.content}")
            return "called back"
        await asyncio.gather(b(Msg("a", 1)), c(Msg("a", 2)))
        return "over"

    async def calls_back(x):
        return await a(Msg("other", x.content))

    a, b, c = AsyncDoes("a", first), AsyncDoes("b", calls_back), AsyncDoes("c", calls_back)
    assert a(Msg("user", "go")).result(20).content == "over"
    assert order in (["+1", "-1", "+2", "-2"], ["+2", "-2", "+1", "-1"])


# ------------------------------------------------------------------------------ rings of waiting


def test_an_agent_may_wait_for_a_call_whose_chain_needs_it():
    started = threading.Event()
    box = []

    def wait_or_answer(x):
        if x == "wait":
            started.set()
            return f"waited for {box[0].content}"
        return "answer"

    def ask():
        assert started.wait(10)
        return b("ask").content

    b = Does("b", wait_or_answer)
    box.append(Does("a", ask)())
    assert b("wait").result(20).content == "waited for answer"


def test_a_call_that_is_let_in_may_still_wait_for_its_argument():
    gate, box, go = Gate(), [], threading.Event()

    def answer(x):
        return f"{x} and {box[0].content}" if x == "nested" else f"late {x.content}"

    def ask():
        assert go.wait(10)
        return a("nested")

    a = Does("a", answer)
    outer = Does("outer", ask)()
    box.append(a(gate(Msg("user", "message"))))
    scheduler().background.run(asyncio.sleep(0))  # it stands in the queue
    go.set()
    assert not outer.done()
    threading.Timer(0.1, gate.open).start()
    assert outer.result(20).content == "nested and late message"


def test_a_ring_that_closes_when_a_call_comes_to_the_head_is_untied():
    gate, heard, box = Gate(), [], []
    deep_is_queued, ready, late_is_queued = threading.Event(), threading.Event(), threading.Event()

    def answer(x):
        if x == "first":
            return gate("first").content
        heard.append(x if isinstance(x, str) else f"late {x.content}")
        return "answer"

    def ask(x, queued):
        reply = a(x)
        queued.set()
        return reply.content

    a = Does("a", answer)
    early = Does("early", lambda: ready.wait(10) and ask(box[0], late_is_queued))()
    a("first")
    box.append(Does("asks", lambda: ask("deep", deep_is_queued))())
    assert deep_is_queued.wait(10)
    ready.set()
    assert late_is_queued.wait(10)
    scheduler().background.run(asyncio.sleep(0))
    gate.open()  # the late one, which blocking code would have run first, takes what the deep one will say
    assert early.result(20).content == "answer"
    assert heard == ["deep", "late answer"]


@pytest.mark.parametrize("kind", [AsyncDoes, Does])
def test_forty_agents_may_all_ask_each_other(kind):
    def answer(me, x):
        if x.content == 0:
            return 1
        asked = [agent(Msg("a", x.content - 1)) for agent in agents if agent is not agents[me]]
        return sum(reply.content for reply in asked)

    async def answer_async(me, x):
        if x.content == 0:
            return 1
        asked = [agent(Msg("a", x.content - 1)) for agent in agents if agent is not agents[me]]
        return sum([(await reply).content for reply in asked])

    body = answer if kind is Does else answer_async
    agents = [kind(f"m{number}", functools.partial(body, number)) for number in range(40)]
    replies = [agent(Msg("user", 1)) for agent in agents]
    assert [reply.result(50).content for reply in replies] == [39] * 40


def test_calls_that_wait_for_each_others_replies_are_named():
    box = []
    full = threading.Event()

    def wait_for(other):
        assert full.wait(10)
        return box[other].content

    a, b = Does("alice", wait_for), Does("bob", wait_for)
    box += [a(1), b(0)]
    full.set()
    for reply in box:
        with pytest.raises(DeadlockError, match=r"(alice -> bob -> alice)|(bob -> alice -> bob)"):
            reply.result(20)


def test_a_call_that_waits_for_itself_is_told():
    box, full = [], threading.Event()

    def wait_for_me():
        assert full.wait(10)
        return box[0].content

    box.append(Does("ouroboros", wait_for_me)())
    full.set()
    with pytest.raises(DeadlockError, match="ouroboros -> ouroboros"):
        box[0].result(20)


@pytest.mark.parametrize("kind", [Countdown, BlockingCountdown])
def test_an_endless_recursion_ends(kind, monkeypatch):
    monkeypatch.setattr(_scheduler, "MAX_DEPTH", 100)
    a, b = kind("a"), kind("b")
    a.target, b.target = b, a
    with pytest.raises(RecursionError, match="too deep"):
        a(Msg("user", 1000)).result(50)
    assert a(Msg("user", 10)).result(20).content == 10


# ------------------------------------------------------------------------------------- threads


def chain(kind, length: int) -> AgentBase:
    agent = None
    for number in range(length):
        inner, agent = agent, kind(f"d{number}")
        agent.target = inner
    assert agent is not None
    return agent


@pytest.mark.parametrize("kind", [Countdown, BlockingCountdown])
def test_a_chain_may_be_longer_than_there_are_threads(kind, monkeypatch):
    monkeypatch.setattr(scheduler().threads, "limit", 4)
    assert chain(kind, 300)(Msg("user", 299)).result(50).content == 299


def test_more_blocking_agents_than_threads_take_turns(monkeypatch):
    monkeypatch.setattr(scheduler().threads, "limit", 4)
    echo = [BlockingEcho(f"e{number}") for number in range(30)]
    asks = [Does("ask", lambda number=number: echo[number](number).content) for number in range(30)]
    replies = [ask() for ask in asks]
    assert [reply.result(20).content for reply in replies] == [f"e{n}<{n}>" for n in range(30)]


def test_a_call_that_gets_no_thread_fails_and_the_next_one_works(script):
    run = script(
        """
        import resource
        scheduler()
        pages = int(open("/proc/self/statm").read().split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (64 << 20), hard))
        threading.stack_size(512 << 20)
        agent = Blocking("agent")
        try:
            agent().result(20)
        except RuntimeError as error:
            print(error)
        threading.stack_size(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        print(agent().result(20).content)
        """
    )
    out, err = run.end()
    assert out.splitlines() == ["can't start new thread", "blocking"]
    assert err == ""
