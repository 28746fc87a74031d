"""The runtime of one process: who gets what, on which thread; how it is started, stopped, saved and asked."""

import asyncio
import contextvars

import pytest
from clerks import ME, Ask, Clerk, Note, clerk, started

from nbagents.exceptions import AgentNotFoundError, UsageError
from nbagents.runtime import AgentInstantiationContext, BaseAgent, SingleThreadedAgentRuntime
from nbagents.topics import AgentId, AgentType, DefaultTopicId, TopicId, TypeSubscription

# ------------------------------------------------------------------------------ messages


def test_replies_are_the_objects_themselves_and_handlers_run_in_the_background():
    async def main():
        runtime = await started()
        assert await runtime.send_message(Ask("thread"), ME) == "nbagents-loop"
        assert await runtime.send_message(Ask("none"), ME) is None
        assert await runtime.send_message(Ask("self"), ME) == "nbagents-loop"
        note = Note("x")
        await runtime.send_message(note, ME)
        assert (await clerk(runtime)).heard[0] == ("x", None, None, True)
        await runtime.stop()

    asyncio.run(main())


def test_a_busy_caller_does_not_hold_the_handlers_up():
    async def main():
        runtime = await started()
        await runtime.publish_message(Note("hold"), DefaultTopicId())
        one = await clerk(runtime)
        assert one.begun.wait(5), "this blocks the caller's loop; the handler runs nevertheless"
        await runtime.send_message(Ask("open"), ME)
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_a_publication_reaches_all_but_its_very_sender():
    async def main():
        runtime = await started()
        await runtime.add_subscription(TypeSubscription("default", "clerk2"))
        await Clerk.register(runtime, "clerk2", Clerk, skip_class_subscriptions=True)
        assert await runtime.send_message(Ask("publish"), AgentId("clerk", "k")) == "published"
        await runtime.stop_when_idle()
        state = await runtime.save_state()
        assert state == {"clerk/k": {"heard": []}, "clerk2/k": {"heard": ["from a clerk"]}}

    asyncio.run(main())


def test_the_topic_inside_of_a_handler_has_the_agents_key():
    async def main():
        runtime = await started()
        assert await runtime.send_message(Ask("topic"), AgentId("clerk", "tenant")) == "default/tenant"
        await runtime.send_message(Ask("publish"), AgentId("clerk", "tenant"))
        assert DefaultTopicId().source == "default"
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_messages_begin_in_the_order_in_which_they_were_sent():
    async def main():
        runtime = await started()
        sends = []
        for number in range(50):
            await runtime.publish_message(Note(f"{2 * number}"), DefaultTopicId())
            sends.append(asyncio.create_task(runtime.send_message(Note(f"{2 * number + 1}"), ME)))
            await asyncio.sleep(0)
        await asyncio.gather(*sends)
        await runtime.stop_when_idle()
        assert [text for text, *_ in (await clerk(runtime)).heard] == [f"{number}" for number in range(100)]

    asyncio.run(main())


def test_what_a_handler_prints_is_the_callers_context():
    """Output of a cell follows a context variable."""
    cell = contextvars.ContextVar("cell", default="none")
    seen = []

    class Looks(BaseAgent):
        async def on_message_impl(self, message, ctx):
            seen.append(cell.get())

    async def main():
        runtime = SingleThreadedAgentRuntime()
        await Looks.register(runtime, "looks", lambda: Looks("looks"))
        cell.set("one")
        await runtime.publish_message(1, TopicId("looks:", "x"))
        cell.set("two")
        runtime.start()
        await runtime.send_message(1, AgentId("looks", "x"))
        await runtime.stop_when_idle()

    asyncio.run(main())
    assert seen == ["one", "two"]


# ------------------------------------------------------------------------------- its life


def test_it_stops_when_a_condition_holds():
    async def main():
        runtime = await started()
        one = await clerk(runtime)
        await runtime.publish_message(Note("x"), DefaultTopicId())
        await runtime.stop_when(lambda: len(one.heard) == 1)
        runtime.start()
        with pytest.raises(ZeroDivisionError):
            await runtime.stop_when(lambda: 1 / 0)
        await runtime.stop()

    asyncio.run(main())


def test_state_is_saved_and_loaded_for_known_types():
    async def main():
        runtime = await started()
        await runtime.publish_message(Note("a"), TopicId("default", "k"))
        await runtime.stop_when_idle()
        state = await runtime.save_state()
        other = await started()
        await other.load_state({**state, "unknown/x": {"heard": ["b"]}})
        assert await other.save_state() == {"clerk/k": {"heard": ["a"]}}
        await other.agent_load_state(ME, {"heard": ["c"]})
        assert await other.agent_save_state(ME) == {"heard": ["c"]}
        with pytest.raises(UsageError, match="type/key"):
            await other.load_state({"clerk": {}})
        await other.stop()

    asyncio.run(main())


def test_agents_can_be_looked_up_and_described():
    async def main():
        runtime = await started()
        assert await runtime.get("clerk") == ME
        assert await runtime.get(AgentType("clerk"), "k") == AgentId("clerk", "k")
        assert await runtime.save_state() == {}
        await runtime.get(AgentId("clerk", "k"), lazy=False)
        assert set(await runtime.save_state()) == {"clerk/k"}
        assert await runtime.agent_metadata(ME) == {
            "type": "clerk",
            "key": "default",
            "description": "a clerk",
        }
        with pytest.raises(LookupError, match="no type nobody"):
            await runtime.try_get_underlying_agent_instance(AgentId("nobody", "x"))
        with pytest.raises(AgentNotFoundError):
            await runtime.try_get_underlying_agent_instance(AgentId("nobody", "x"))
        with pytest.raises(TypeError, match="is a Clerk"):
            await runtime.try_get_underlying_agent_instance(ME, SingleThreadedAgentRuntime)
        with pytest.raises(UsageError, match="not instantiated"):
            AgentInstantiationContext()
        await runtime.stop()

    asyncio.run(main())
