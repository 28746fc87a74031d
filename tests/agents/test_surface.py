"""Hooks, printing, the console, and interrupting an agent."""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest
from tool_models import ScriptedModel, use

from nbagents.agents import AgentBase, DialogAgent, ReActAgent
from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.tools import Toolkit


class Echo(AgentBase):
    async def reply(self, x=None, times=1):
        return Msg(self.name, x.content * times)


class Blocking(AgentBase):
    def reply(self, x=None, times=1):
        return Msg(self.name, x.content * times)


async def doubled(agent, given, value):
    return Msg(agent.name, f"{value.content}{value.content}")


def louder(agent, given):
    return given | {"x": Msg("user", given["x"].content.upper())}


@pytest.mark.parametrize("cls", [Echo, Blocking])
def test_hooks_of_an_agent_change_what_goes_in_and_out(cls):
    agent, other = cls("a"), cls("b")
    seen = []
    agent.register_instance_hook(
        "pre_reply", "see", lambda agent, given: seen.append((agent.name, dict(given)))
    )
    agent.register_instance_hook("pre_reply", "louder", louder)
    agent.register_instance_hook("post_reply", "doubled", doubled)
    message = Msg("user", "hi")
    assert agent(message, times=2).content == "HIHIHIHI"
    assert seen == [("a", {"x": message, "times": 2})]
    assert other(message).content == "hi"
    agent.remove_instance_hook("pre_reply", "louder")
    assert agent(message).content == "hihi"
    agent.clear_instance_hooks()
    assert agent(message).content == "hi"
    with pytest.raises(UsageError, match="no pre_reply hook named 'louder'"):
        agent.remove_instance_hook("pre_reply", "louder")
    with pytest.raises(UsageError, match=r"pre_replay.*pre_reply"):
        agent.register_instance_hook("pre_replay", "x", louder)


def test_hooks_of_a_class_hold_for_its_subclasses_and_no_others():
    class Own(Echo):
        pass

    Echo.register_class_hook("pre_reply", "louder", louder)
    try:
        assert Own("a")(Msg("user", "hi")).content == "HI"
        assert Blocking("b")(Msg("user", "hi")).content == "hi"
    finally:
        Echo.clear_class_hooks()
    assert Own("a")(Msg("user", "hi")).content == "hi"


def test_what_a_hook_raises_fails_the_call():
    agent = Echo("a")
    agent.register_instance_hook("pre_reply", "wrong", lambda agent, given: {"y": 1})
    with pytest.raises(UsageError, match="returns a dictionary of x, times, or None"):
        agent(Msg("user", "hi")).result()


def test_observing_has_hooks_too():
    agent = Echo("a")

    async def shorter(agent, given):
        return {"x": Msg("user", given["x"].content[:5])}

    agent.register_instance_hook("pre_observe", "shorter", shorter)
    agent.observe(Msg("user", "grey beads"))
    assert [message.content for message in agent.memory.get_memory()] == ["grey "]


def test_printing_has_hooks_and_can_be_silenced(capsys):
    agent = DialogAgent("d", "You talk.", ScriptedModel("One.", "Two.", "Three."))
    agent("hi").result()
    assert capsys.readouterr().out == "d: One.\n"

    def signed(agent, given):
        return given | {"msg": Msg(agent.name, f"{given['msg'].content} - {agent.name}")}

    agent.register_instance_hook("pre_print", "signed", signed)
    assert agent("hi").content == "Two."
    assert capsys.readouterr().out == "d: Two. - d\n"
    agent.set_console_output_enabled(False)
    agent("hi").result()
    assert capsys.readouterr().out == ""


def test_speaking_has_hooks(capsys):
    class Speaker(AgentBase):
        def reply(self, x=None):
            self.speak("ink")
            return "done"

    agent = Speaker("s")
    agent.register_instance_hook(
        "pre_speak", "loud", lambda agent, given: {"content": given["content"].upper()}
    )
    agent().result()
    assert capsys.readouterr().out == "s: INK\n"


def test_the_steps_of_an_agent_with_tools_have_hooks():
    seen = []

    def add(a: int) -> int:
        return a

    def allow(agent, given):
        seen.append(given["tool_call"]["name"])
        return given | {"tool_call": given["tool_call"] | {"input": {"a": 7}}}

    toolkit = Toolkit()
    toolkit.register_tool_function(add)
    agent = ReActAgent("calc", "You add.", ScriptedModel((use("add", a=1),), "Done."), toolkit=toolkit)
    agent.register_instance_hook("pre_acting", "allow", allow)
    agent.register_instance_hook("post_reasoning", "count", lambda agent, given, step: seen.append(step.role))
    agent("go").result()
    assert seen == ["assistant", "add", "assistant"]
    assert agent.memory.get_memory()[2].get_content_blocks()[0]["output"] == "7"
    with pytest.raises(UsageError, match="AgentBase has no hooks of the type 'pre_acting'"):
        AgentBase.register_class_hook("pre_acting", "x", allow)


def test_a_queue_gets_each_message_as_it_grows():
    def add(a: int, b: int) -> int:
        return a + b

    async def collect():
        toolkit = Toolkit()
        toolkit.register_tool_function(add)
        agent = ReActAgent(
            "calc", "You add.", ScriptedModel(("I add.", use("add", a=1, b=2)), "3."), toolkit=toolkit
        )
        talker = DialogAgent("talker", "You talk.", "demo-fast")
        queue = asyncio.Queue()
        agent.set_msg_queue_enabled(True, queue)
        talker.set_msg_queue_enabled(True, queue)
        assert agent.msg_queue is queue

        async def printed(reply):
            """Return what is printed until the reply is; nothing comes after it."""
            told = []
            while not told or told[-1][0].id != reply.id or not told[-1][1]:
                told.append(await asyncio.wait_for(queue.get(), 20))
            assert queue.empty()
            return told

        final = await agent("1 and 2?")
        steps = await printed(final)
        answer = await talker(Msg("user", "Write about rain"))
        pieces = await printed(answer)
        agent.set_msg_queue_enabled(False)
        assert agent.msg_queue is None
        return final, steps, answer, pieces

    final, steps, answer, pieces = asyncio.run(collect())
    blocks = [message.get_content_blocks() for message, _ in steps]
    assert [block["type"] for one in blocks for block in one] == ["text", "tool_use", "tool_result", "text"]
    assert (steps[-1][0].id, steps[-1][0].content, steps[-1][1]) == (final.id, "3.", True)
    assert len(pieces) > 2
    assert {message.id for message, _ in pieces} == {answer.id}
    texts = [message.content for message, _ in pieces]
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    assert texts[-1] == answer.content
    assert [last for _, last in pieces] == [*[False] * (len(pieces) - 1), True]


# -------------------------------------------------------------------------------- interrupting


def test_an_interrupted_agent_replies_at_once_and_its_memory_is_valid():
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(60)
        return "late"

    toolkit = Toolkit()
    toolkit.register_tool_function(slow)
    agent = ReActAgent("calc", "You wait.", ScriptedModel((use("slow"),), "Here."), toolkit=toolkit)
    reply = agent("go")
    assert begun.wait(20)
    agent.interrupt(Msg("user", "Stop that."))
    message = reply.result(timeout=20)
    assert message.content.startswith("I noticed that you have interrupted me.")
    assert message.metadata == {"_is_interrupted": True}
    remembered = agent.memory.get_memory()
    assert remembered[2].get_content_blocks("tool_result")[0]["output"] == (
        "The tool call was stopped before it answered."
    )
    assert [message.content for message in remembered[3:]] == ["Stop that.", message.content]
    go.set()
    assert agent("again").content == "Here."


def test_an_agent_may_say_itself_what_it_replies_then():
    begun = threading.Event()

    class Sleeper(AgentBase):
        async def reply(self, x=None):
            begun.set()
            await asyncio.sleep(60)

        async def handle_interrupt(self, x=None):
            return f"not {x.content} now"

    async def ask():
        sleeper = Sleeper("s")
        reply = sleeper(Msg("user", "tea"))
        await asyncio.to_thread(begun.wait, 20)
        await sleeper.interrupt()
        return await reply

    assert asyncio.run(ask()).content == "not tea now"


def test_an_idle_agent_is_not_touched():
    agent = Echo("a")
    agent.interrupt()
    assert agent(Msg("user", "hi")).content == "hi"
