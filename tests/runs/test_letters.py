"""Typed messages in a run: who was busy when, and who spoke to whom through which topic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from nbagents import Msg
from nbagents.render import graph_html, graph_text, run_text
from nbagents.runs import Run, graph_of
from nbagents.runtime import RoutedAgent, RoutedProxy, SingleThreadedAgentRuntime, message_handler
from nbagents.topics import AgentId, MessageContext, TopicId, TypeSubscription


@dataclass
class Fire:
    where: str


class Watch(RoutedAgent):
    @message_handler
    async def call(self, message: str, ctx: MessageContext) -> str:
        await self.publish_message(Fire(message), TopicId("alarm", "default"))
        return "told"


class Brigade(RoutedAgent):
    @message_handler
    async def go(self, message: Fire, ctx: MessageContext) -> None:
        await asyncio.sleep(0.05)


async def village(run: Run) -> None:
    runtime = SingleThreadedAgentRuntime()
    await Watch.register(runtime, "watch", lambda: Watch("watches"))
    for name in ("north", "south"):
        await Brigade.register(runtime, name, lambda: Brigade("goes"))
        await runtime.add_subscription(TypeSubscription("alarm", name))
    runtime.start()
    with run:
        await runtime.send_message("mill", AgentId("watch", "default"))
        await runtime.publish_message(Fire("inn"), TopicId("alarm", "default"))
        await runtime.send_message("barn", AgentId("watch", "hill"))
        await runtime.stop_when_idle()
    await runtime.close()


def test_a_topic_stands_between_those_who_speak_and_those_who_hear():
    run = Run("fires")
    asyncio.run(village(run))
    lines = graph_text(graph_of(run)).splitlines()[1:]
    assert set(lines) == {
        "you → watch: 1",
        "you → watch/hill: 1",
        "you → #alarm: 1",
        "watch → #alarm: 1",
        "watch/hill → #alarm: 1",
        "#alarm → north: 3",
        "#alarm → south: 3",
        "silent so far: north, south",
    }
    view = graph_of(run)
    assert [node.name for node in view.nodes if node.is_topic] == ["#alarm"]
    html = graph_html(view)
    assert html.count('class="nba-hub"') == 1
    assert "#alarm: 3 messages" in html
    assert len({node.color for node in view.nodes if node.color is not None}) == 4


def test_who_handles_is_a_lane_as_long_as_it_takes():
    run = Run("fires")
    asyncio.run(village(run))
    lanes = {lane.agent: lane for lane in run.timeline}
    assert lanes.keys() == {"watch", "watch/hill", "north", "south"}
    assert sum(end - start for start, end, _ in lanes["north"].spans) >= 0.05
    assert all(0 <= start <= end <= run.elapsed for lane in run.timeline for start, end, _ in lane.spans)
    assert "south" in run_text(run.view(), timeline=True)


def test_messages_of_other_runs_are_not_there():
    one, other = Run("one"), Run("other")
    asyncio.run(village(one))
    with other:
        pass
    assert not other.timeline
    assert graph_text(graph_of(other)).endswith("nobody has spoken to anybody")


def test_who_stands_for_a_routed_agent_speaks_to_it():
    class Echo(RoutedAgent):
        @message_handler
        async def say(self, message: Msg, ctx: MessageContext) -> str:
            return f"{message.content}!"

    async def main() -> None:
        runtime = SingleThreadedAgentRuntime()
        await Echo.register(runtime, "echo", lambda: Echo("echoes"))
        runtime.start()
        ann = RoutedProxy("ann", runtime, "echo")
        with run:
            assert (await ann(Msg("user", "hello", "user"))).content == "hello!"
        await runtime.close()

    run = Run("talk")
    asyncio.run(main())
    assert set(graph_text(graph_of(run)).splitlines()[1:]) >= {"you → ann: 1", "ann → echo: 1"}
    assert {lane.agent for lane in run.timeline} == {"ann", "echo"}
