"""Agents come into being once and in order, and keep their state while away."""

import asyncio
import logging

import pytest
from clerks import ME, Ask, Clerk, Note, clerk, started, until

from nbagents.exceptions import DeadlockError, UndeliverableException, UsageError
from nbagents.runtime import (
    AgentInstantiationContext,
    BaseAgent,
    Residents,
    SingleThreadedAgentRuntime,
)
from nbagents.runtime import _residents as residents_module
from nbagents.topics import (
    AgentId,
    CancellationToken,
    DefaultTopicId,
    MessageContext,
    TopicId,
    TypeSubscription,
)


class Plain(BaseAgent):
    async def on_message_impl(self, message, ctx):
        return (str(self.id), message)


def test_many_first_messages_make_one_agent_and_keep_their_order():
    made, gate = [], asyncio.Event()

    async def factory():
        made.append(AgentInstantiationContext.current_agent_id())
        await gate.wait()
        return Clerk()

    async def main():
        runtime = SingleThreadedAgentRuntime()
        await Clerk.register(runtime, "clerk", factory)
        runtime.start()
        for number in range(20):
            await runtime.publish_message(Note(str(number)), DefaultTopicId())
            if number == 10:
                await until(lambda: made)
        runtime._background.post(gate.set)
        await runtime.stop_when_idle()
        assert [text for text, *_ in (await clerk(runtime)).heard] == [str(number) for number in range(20)]

    asyncio.run(main())
    assert made == [ME]


def test_whoever_comes_while_others_enter_enters_after_them():
    """Also when it comes in the very turn of the loop in which the agent is ready."""
    order, gate = [], asyncio.Event()

    class Notes(BaseAgent):
        async def on_message_impl(self, message, ctx):
            order.append(message)

    async def factory():
        await gate.wait()
        return Notes("notes")

    async def main():
        residents, id = Residents(object()), AgentId("notes", "x")
        residents.add_factory("notes", factory)
        ctx = MessageContext(None, None, True, CancellationToken(), "1")
        tasks = []

        def more():
            tasks.append(asyncio.ensure_future(residents.handle(len(tasks), id, ctx)))

        for _ in range(3):
            more()
        await asyncio.sleep(0)
        gate.set()
        for _ in range(5):
            more()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert residents._doors == {}

    asyncio.run(main())
    assert order == list(range(8))


def test_a_factory_makes_what_was_promised_and_in_time(monkeypatch):
    monkeypatch.setattr(residents_module, "MAKING", 0.05)

    async def slow():
        await asyncio.Event().wait()

    async def itself():
        await AgentInstantiationContext.current_runtime().get("itself", "x", lazy=False)

    async def main():
        runtime = await started()
        await runtime.register_factory("slow", slow)
        await runtime.register_factory("itself", itself)
        await runtime.register_factory("number", lambda: 7)
        await runtime.register_factory("other", lambda: Plain("x"), expected_class=Clerk)
        await runtime.register_factory("two", lambda runtime, id: Plain(f"{id}"))
        for kind, says in [
            ("slow", r"took longer than 0\.05 s"),
            ("itself", "waits for itself/x itself"),
            ("number", "made a int, which is no agent"),
            ("other", "is to make a Clerk, and made a Plain"),
        ]:
            with pytest.raises(UndeliverableException, match=says) as caught:
                await runtime.send_message(1, AgentId(kind, "x"))
            assert isinstance(caught.value.__cause__, (TimeoutError, UsageError, DeadlockError))
        assert await runtime.send_message(1, AgentId("two", "x")) == ("two/x", 1)
        await runtime.stop()

    asyncio.run(main())


def test_a_class_that_was_defined_again_is_named_with_what_to_do():
    def defined() -> type:
        class Greeter(Plain):
            pass

        return Greeter

    async def main():
        runtime = await started()
        registered, later = defined(), defined()
        await runtime.register_factory("greeter", lambda: later("x"), expected_class=registered)
        with pytest.raises(UndeliverableException, match="made a Greeter of another definition") as caught:
            await runtime.send_message(1, AgentId("greeter", "x"))
        assert "stop this runtime" in str(caught.value.hint)
        await runtime.stop()

    asyncio.run(main())


def test_a_type_is_registered_once():
    async def main():
        runtime = await started()
        with pytest.raises(ValueError, match="type clerk already exists"):
            await Clerk.register(runtime, "clerk", Clerk)
        with pytest.raises(ValueError, match="no agent type"):
            await Clerk.register(runtime, "a clerk", Clerk)
        await runtime.stop()

    asyncio.run(main())


def test_an_object_may_be_the_agent_itself():
    async def main():
        runtime, one, two = await started(), Clerk(), Clerk()
        await one.register_instance(runtime, AgentId("desk", "one"))
        await two.register_instance(runtime, AgentId("desk", "two"))
        await runtime.publish_message(Note("a"), TopicId("one", "one"))
        await runtime.publish_message(Note("b"), TopicId("desk:", "two"))
        assert await runtime.send_message(Ask("x"), one.id) == "x"
        for id, agent, says in [
            (AgentId("desk", "one"), Clerk(), "already exists"),
            (AgentId("clerk", "one"), Clerk(), "made by a factory"),
            (AgentId("desk", "three"), Plain("x"), "of class Clerk, not Plain"),
            (AgentId("desk", "three"), one, "different ID"),
        ]:
            with pytest.raises(UsageError, match=says):
                await agent.register_instance(runtime, id)
        with pytest.raises(UsageError, match="different runtime"):
            await one.register_instance(SingleThreadedAgentRuntime(), AgentId("desk", "one"))
        with pytest.raises(UsageError, match="type desk already exists"):
            await Clerk.register(runtime, "desk", Clerk)
        with pytest.raises(UndeliverableException, match="registered one by one"):
            await runtime.send_message(Ask("x"), AgentId("desk", "nobody"))
        await runtime.stop_when_idle()
        assert [[text for text, *_ in each.heard] for each in (one, two)] == [["a"], ["b"]]

    asyncio.run(main())


def test_an_idle_agent_goes_and_comes_back_as_it_was():
    made = []

    def factory():
        made.append(1)
        return Clerk()

    async def main():
        runtime = SingleThreadedAgentRuntime(idle_seconds=0.05)
        await Clerk.register(runtime, "clerk", factory)
        runtime.start()
        await runtime.publish_message(Note("kept"), DefaultTopicId())
        await until(lambda: made and not runtime._residents.ids)
        assert await runtime.save_state() == {"clerk/default": {"heard": ["kept"]}}
        await runtime.publish_message(Note("more"), DefaultTopicId())
        await until(lambda: len(made) == 2)
        await runtime.stop_when_idle()
        assert await runtime.save_state() == {"clerk/default": {"heard": ["kept", "more"]}}

    asyncio.run(main())


def test_an_agent_that_works_or_cannot_be_saved_stays(caplog):
    class Unsaved(Plain):
        async def save_state(self):
            raise OSError("no room")

    async def main():
        residents = Residents(object())
        residents.add_factory("unsaved", lambda: Unsaved("x"))
        residents.add_factory("clerk", Clerk)
        held = asyncio.ensure_future(
            residents.handle(Note("hold"), ME, MessageContext(None, None, True, CancellationToken(), "1"))
        )
        await residents.get(AgentId("unsaved", "x"))
        await asyncio.sleep(0)
        assert await residents.release_idle(0) == []
        residents.find(ME).gate.set()
        await held
        assert await residents.release_idle(0) == [ME]

    asyncio.run(main())
    assert "could not save its state [unsaved/x]" in caplog.text


def test_closing_closes_each_agent_whatever_the_others_do(caplog, monkeypatch):
    monkeypatch.setattr(residents_module, "CLOSING", 0.05)
    closed = []

    class Closes(Plain):
        async def close(self):
            if self.key == "fails":
                raise OSError("a file")
            if self.key == "hangs":
                await asyncio.Event().wait()
            closed.append(self.key)

    async def main():
        runtime = await started()
        await Closes.register(runtime, "closes", lambda: Closes("x"))
        for key in ("fails", "hangs", "fine"):
            await runtime.get(AgentId("closes", key), lazy=False)
        with caplog.at_level(logging.ERROR):
            await runtime.close()

    asyncio.run(main())
    assert closed == ["fine"]
    assert "[closes/fails]" in caplog.text
    assert "[closes/hangs]" in caplog.text


def test_what_a_factory_publishes_is_handled_outside_of_the_factory():
    made, handled = [], asyncio.Event()

    class Early(Plain):
        async def on_message_impl(self, message, ctx):
            made.append(AgentInstantiationContext.is_in_factory_call())
            handled.set()
            if message == "tell":
                await self.send_message("told", AgentId("late", "x"))

    async def main():
        runtime = SingleThreadedAgentRuntime()

        async def late():
            await runtime.publish_message("tell", TopicId("default", "x"))
            await asyncio.wait_for(handled.wait(), 30)
            return Early("late")

        await runtime.register_factory("late", late)
        await runtime.register_factory("early", lambda: Early("early"))
        await runtime.add_subscription(TypeSubscription("default", "early"))
        runtime.start()
        await runtime.send_message("hello", AgentId("late", "x"))
        await runtime.stop_when_idle()

    asyncio.run(main())
    assert made == [False] * 3
