"""Calls: order, overlap, arguments, replies, and agents that call back who calls them."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import functools
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbagents.agents import AgentBase, _scheduler, scheduler
from nbagents.exceptions import DeadlockError
from nbagents.hub import msghub
from nbagents.message import Msg, PlaceholderMessage


class Gate(AgentBase):
    """Answers once it is opened."""

    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self._opened = threading.Event()

    def reply(self, x=None):
        assert self._opened.wait(20)
        return x if isinstance(x, Msg) else f"{x}"

    def open(self) -> None:
        self._opened.set()


class Echo(AgentBase):
    async def reply(self, x=None):
        await asyncio.sleep(0)
        return f"{self.name}<{x.content if isinstance(x, Msg) else x}>"


class BlockingEcho(AgentBase):
    def reply(self, x=None):
        return f"{self.name}<{x.content if isinstance(x, Msg) else x}>"


class Does(AgentBase):
    """Replies with what a function returns, on a thread."""

    def __init__(self, name: str, body) -> None:
        super().__init__(name)
        self.body = body

    def reply(self, *args, **kwargs):
        return self.body(*args, **kwargs)


class AsyncDoes(Does):
    async def reply(self, *args, **kwargs):
        return await self.body(*args, **kwargs)


# ------------------------------------------------------------------------------------- overlap


def test_a_call_returns_before_its_agent_has_answered():
    gate = Gate()
    reply = gate("hi")
    assert isinstance(reply, PlaceholderMessage)
    assert not reply.done()
    gate.open()
    assert reply.content == "hi"
    assert reply.done()


def test_a_chain_is_called_without_reading_in_between():
    gate, first, second = Gate(), Echo("first"), BlockingEcho("second")
    reply = second(first(gate(Msg("user", "hi"))))
    assert not reply.done()
    gate.open()
    assert reply.content == "second<first<hi>>"


def test_agents_work_at_the_same_time():
    meeting, table = asyncio.Barrier(8), threading.Barrier(8)

    class Meets(AgentBase):
        async def reply(self, x=None):
            await asyncio.wait_for(meeting.wait(), 20)
            return "met"

    class Sits(AgentBase):
        def reply(self, x=None):
            table.wait(20)
            return "met"

    replies = [kind(str(number))() for kind in (Meets, Sits) for number in range(8)]
    assert [reply.content for reply in replies] == ["met"] * 16


def test_one_agent_answers_one_message_at_a_time_in_order():
    class Careful(AgentBase):
        inside = 0

        def reply(self, x=None):
            self.inside += 1
            seen = (x, self.inside)
            self.inside -= 1
            return list(seen)

    careful = Careful("careful")
    replies = [careful(number) for number in range(50)]
    assert [reply.content for reply in replies] == [[number, 1] for number in range(50)]


def test_an_agent_runs_in_its_callers_context():
    language = contextvars.ContextVar("language", default="en")
    agents = Does("a", lambda: language.get()), AsyncDoes("b", lambda: asyncio.sleep(0, language.get()))
    language.set("eo")
    assert [agent().content for agent in agents] == ["eo", "eo"]


def test_a_nested_call_goes_ahead_of_what_blocking_code_would_do_later():
    heard, called, asked = [], threading.Event(), threading.Event()
    gate = Gate()
    inner = Does("inner", lambda x: heard.append(x.content))

    def ask():
        assert called.wait(10)
        reply = inner(Msg("outer", "nested"))
        asked.set()
        return reply.result().content

    inner(gate(Msg("user", "first")))
    Does("outer", ask)()
    later = inner(Msg("user", "later"))
    called.set()
    assert asked.wait(10)
    gate.open()
    assert later.result(10)
    assert heard == ["first", "nested", "later"]


def test_a_nested_call_is_ordered_from_the_moment_it_is_made():
    """Where the order matters beyond that, the message is read first."""
    gate, heard = Gate(), []
    inner = Does("inner", lambda x: heard.append(x.content))
    outer = Does("outer", lambda: (gate("go").content, inner(Msg("outer", "nested")).content))
    reply = outer()
    assert inner(Msg("user", "later")).content is None
    gate.open()
    assert reply.result(10)
    assert heard == ["later", "nested"]


# ----------------------------------------------------------------------------------- arguments


def test_messages_in_arguments_have_arrived_when_the_agent_gets_them():
    Pair = collections.namedtuple("Pair", "left right")
    gate = Gate()
    message = Msg("user", "hi")
    seen = []
    look = Does("look", lambda *args, **kwargs: seen.append((args, kwargs)))
    late = gate(message)
    reply = look(late, [late, 1], (late,), {"deep": [{"er": late}]}, Pair(late, 2), key=late)
    gate.open()
    assert reply.content is None
    assert seen == [
        ((message, [message, 1], (message,), {"deep": [{"er": message}]}, Pair(message, 2)), {"key": message})
    ]
    (single, listed, _, deep, pair), keys = seen[0]
    resolved = [single, listed[0], deep["deep"][0]["er"], pair.left, keys["key"]]
    assert [type(found) for found in resolved] == [Msg] * 5


def test_containers_are_copied_when_the_call_is_made_and_messages_are_shared():
    gate, message = Gate(), Msg("user", "hi")
    given, inner = [message], {"key": [1]}
    seen = []
    reply = Does("look", lambda *args: seen.append(args))(gate("wait"), given, inner)
    given.clear()
    inner["key"].append(2)
    gate.open()
    assert reply.content is None
    assert seen[0][1] == [message]
    assert seen[0][1][0] is message
    assert seen[0][2] == {"key": [1]}


def test_a_message_does_not_keep_the_conversation_before_it():
    echo = Echo("echo")
    reply = echo(Msg("user", "hi"))
    first = weakref.ref(reply._promise)
    for _ in range(3):
        reply = echo(reply)
    assert reply.content == "echo<echo<echo<echo<hi>>>>"
    echo().result()  # the turn before is over, too
    gc.collect()
    assert first() is None


# ------------------------------------------------------------------------------------- replies


def test_the_message_is_the_very_object_that_the_agent_returned():
    said = Msg("a", "x")
    reply = Does("a", lambda: said)()
    assert reply.result() is said
    assert asyncio.run(awaited(reply)) is said


async def awaited(message):
    return await message


@pytest.mark.parametrize("value", ["text", None, 3, {"a": 1}, [1, "b"], []])
def test_what_is_no_message_is_wrapped_in_one(value):
    reply = Does("poet", lambda: value)().result()
    assert type(reply) is Msg
    assert (reply.name, reply.content, reply.role) == ("poet", value, "assistant")


@pytest.mark.parametrize("kind", [Does, AsyncDoes])
def test_a_reply_may_return_messages_that_have_not_arrived(kind):
    gate = Gate()

    def answer(value):
        return value if kind is Does else asyncio.sleep(0, value)

    single = kind("single", lambda: answer(gate(Msg("a", "one"))))()
    several = kind("several", lambda: answer([gate(Msg("a", "two")), Msg("b", "three")]))
    listener = Echo("listener")
    with msghub([several, listener]):
        replies = several()
    gate.open()
    assert single.result().content == "one"
    assert type(single.result()) is Msg
    assert [(type(m), m.content) for m in replies.result()] == [(Msg, "two"), (Msg, "three")]
    assert [m.content for m in listener.memory] == ["two", "three"]


def test_an_async_reply_may_hide_behind_a_decorator():
    def plain(reply):
        @functools.wraps(reply)
        def wrapper(self, *args):
            return reply(self, *args)

        return wrapper

    class Decorated(AgentBase):
        @plain
        async def reply(self, x=None):
            await asyncio.sleep(0)
            return "hidden"

    assert [Decorated("d")().content for _ in range(20)] == ["hidden"] * 20


def test_an_agent_without_reply_says_so():
    with pytest.raises(ValueError, match=r'Agent \[Mute\] is missing the required "reply" function'):
        _ = type("Mute", (AgentBase,), {})("m")().content


# --------------------------------------------------------------------- reading an agent's data


class Counter(AgentBase):
    n = 0

    def __init__(self, gate: Gate | None = None) -> None:
        super().__init__("counter")
        self.gate = gate
        self.log: list[int] = []

    def reply(self, x=None):
        if self.gate is not None:
            _ = self.gate("go").content
        self.n += 1
        self.log.append(self.n)
        self.latest = self.n
        return self.n

    @property
    def double(self) -> int:
        return 2 * self.n


@pytest.mark.parametrize("name", ["n", "log", "latest", "double"])
def test_reading_an_agents_data_waits_for_the_calls_made_before(name):
    counter = Counter()
    counter()
    counter()
    assert getattr(counter, name) == {"n": 2, "log": [1, 2], "latest": 2, "double": 4}[name]


def test_reading_the_memory_waits_for_what_the_hub_has_passed_on():
    gate, listener = Gate(), Echo("listener")
    with msghub([gate, listener]):
        gate(Msg("user", "hi"))
    threading.Timer(0.1, gate.open).start()
    assert [m.content for m in listener.memory] == ["hi"]


def test_names_and_methods_are_read_without_waiting():
    counter = Counter(gate := Gate())
    reply = counter()
    assert counter.name == "counter"
    assert len(counter.agent_id) == 32
    assert counter.reply is not None
    assert repr(counter) == "<Counter counter>"
    assert '"name": "counter"' in str(counter)
    assert not reply.done()
    gate.open()
    assert reply.content == 1


def test_on_the_loop_an_agents_data_is_read_as_it_is():
    counter = Counter(gate := Gate())
    counter()

    async def look():
        return counter.n

    assert AsyncDoes("panel", look)().content == 0
    gate.open()
    assert counter.n == 1


def test_a_thread_of_the_agents_own_turn_reads_its_data_without_waiting():
    class Pools(AgentBase):
        def reply(self, x=None):
            self.factor = 3
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda number: self.factor * number, [1, 2]))

    assert Pools("pools")().result(20).content == [3, 6]


def test_a_thread_waits_for_the_calls_that_it_has_made():
    counter, seen = Counter(), []

    def work() -> None:
        counter()
        seen.append(counter.n)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert seen == [1]


# ----------------------------------------------------------------------------- an own `observe`


class Listens(AgentBase):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard: list[str] = []

    def observe(self, x):
        self.heard.append(x.content)
        super().observe(x)
        return len(self.heard)

    def reply(self, x=None):
        self.observe(Msg(self.name, "own"))
        return list(self.heard)


class ListensAsync(Listens):
    async def observe(self, x):
        await asyncio.sleep(0)
        self.heard.append(x.content)
        self._observe_now(x)

    async def reply(self, x=None):
        await self.observe(Msg(self.name, "own"))
        return list(self.heard)


@pytest.mark.parametrize("kind", [Listens, ListensAsync])
def test_an_own_observe_queues_from_outside_and_runs_inside(kind):
    gate, listens = Gate(), kind("listens")
    listens.observe(gate(Msg("user", "late")))
    seen = listens.observe(Msg("user", "soon"))
    reply = listens()
    assert not seen.done()
    gate.open()
    assert reply.content == ["late", "soon", "own"]
    assert [m.content for m in listens.memory] == ["late", "soon", "own"]


def test_the_end_of_an_observe_can_be_waited_for():
    listens = Listens("listens")
    assert asyncio.run(awaited(listens.observe(Msg("user", "hi")))) == 1
    assert listens.observe(Msg("user", "again")).result(10) == 2


def test_a_hub_uses_the_own_observe_that_a_class_mixes_in():
    heard = []

    class Ear:
        def observe(self, x):
            heard.append((threading.current_thread().name, x.content))

    class Mixed(Ear, AgentBase):
        pass

    agent = Mixed("mixed")
    with msghub([agent], announcement=Msg("host", "hello")):
        pass
    assert agent.memory.size() == 0
    assert heard == [("nbagents-worker", "hello")]


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


def test_an_idle_agent_has_no_mailbox():
    agent = Echo("idle")
    assert "_box" not in vars(agent)
    assert agent(1).content == "idle<1>"
    assert "_box" in vars(agent)


def test_keywords_may_have_any_name():
    seen = []
    look = AsyncDoes("look", lambda *args, **kwargs: asyncio.sleep(0, seen.append(kwargs)))
    assert look(call=1, fn=2, args=3, kwargs=4).result(20).content is None
    assert seen == [{"call": 1, "fn": 2, "args": 3, "kwargs": 4}]
