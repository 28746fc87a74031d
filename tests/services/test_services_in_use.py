"""Services in use: their life, one request at a time, and sessions as memories of agents."""

from __future__ import annotations

import asyncio

import pytest

from nbagents._loop import background
from nbagents.agents import AgentBase, DialogAgent, ReActAgent
from nbagents.exceptions import ServiceNotStartedError, SessionBusyError, UsageError
from nbagents.hub import msghub
from nbagents.message import Msg
from nbagents.pipelines import stream_printing_messages
from nbagents.services import AgentScopeSessionHistoryMemory, Session


def contents(session: Session) -> list:
    return [message.content if isinstance(message, Msg) else message for message in session.messages]


# -------------------------------------------------------------------------------------------- life


def test_a_service_has_a_life(place, user):
    async def main():
        for service, use in (
            (place.state(), lambda service: service.export_state(user)),
            (place.history(), lambda service: service.list_sessions(user)),
        ):
            assert await service.health() is False
            with pytest.raises(ServiceNotStartedError, match="Service not started") as caught:
                await use(service)
            assert isinstance(caught.value, RuntimeError)
            assert "await service.start()" in caught.value.hint
            await service.start()
            await service.start()
            assert await service.health() is True
            await use(service)
            await service.stop()
            await service.stop()
            assert await service.health() is False
            with pytest.raises(RuntimeError, match="Service not started"):
                await use(service)
            async with service as again:
                assert again is service
                await use(service)

    asyncio.run(main())


def test_a_service_that_was_started_on_one_loop_answers_on_another(place, user):
    service = place.state()
    asyncio.run(service.start())
    try:
        assert background().run(service.save_state(user, {"n": 1}), timeout=20) == 1
        assert asyncio.run(service.export_state(user)) == {"n": 1}
    finally:
        asyncio.run(service.stop())


def test_one_request_at_a_time_holds_a_session(place, user):
    async def request(service, n, inside):
        async with service.locked(user, "s"):
            inside.append(n)
            assert len(inside) == 1
            state = await service.export_state(user, "s") or {"seen": []}
            state["seen"].append(n)
            await service.save_state(user, state, "s")
            inside.remove(n)

    async def main():
        async with place.state() as one, place.state() as two:
            other = one if place.kind == "memory" else two
            inside: list[int] = []
            await asyncio.gather(*(request([one, other][n % 2], n, inside) for n in range(8)))
            assert sorted((await one.export_state(user, "s"))["seen"]) == list(range(8))
            async with one.locked(user, "s"):
                with pytest.raises(SessionBusyError, match=f"another request holds the session s of {user}"):
                    async with other.locked(user, "s", wait=0):
                        pass
                async with other.locked(user, "t", wait=0), other.locked(f"{user}x", "s", wait=0):
                    pass
            with pytest.raises(ZeroDivisionError):
                async with one.locked(user, "s", wait=0):
                    raise ZeroDivisionError
            async with other.locked(user, "s", wait=0):
                pass

    asyncio.run(main())


def test_a_hold_of_somebody_who_died_ends(place, user):
    async def main():
        async with place.state() as service:
            assert await service._take(user, "s", "dead", 1.5)
            assert not await service._take(user, "s", "alive", 1.5)
            async with service.locked(user, "s", wait=20):
                pass

    asyncio.run(main())


def test_a_hold_is_renewed_while_it_lasts(place, user, monkeypatch):
    monkeypatch.setattr("nbagents.services._leases.LEASE", 1.5)

    async def main():
        async with place.state() as service, service.locked(user, "s"):
            with pytest.raises(SessionBusyError):
                async with service.locked(user, "s", wait=2.5):
                    pass

    asyncio.run(main())


# ------------------------------------------------------------------------------------------ memory


class Recaller(AgentBase):
    """Blocks, as agents of AgentScope 0.x do."""

    def __init__(self, name, memory):
        super().__init__(name)
        self.memory = memory

    def reply(self, x=None):
        self.memory.add(x)
        said = Msg(self.name, f"{self.memory.size()}: {self.memory.get_memory()[-1].content}", "assistant")
        self.memory.add(said)
        return said


def test_a_session_is_the_memory_of_agents(place, user):
    async def main():
        async with place.history() as history:
            memory = AgentScopeSessionHistoryMemory(history, user, "s")
            agent = ReActAgent("Friday", "You talk.", "demo", memory=memory)
            agent.set_console_output_enabled(False)
            reply = await agent(Msg("user", "Write about rain"))
            listener = DialogAgent("listener", "You listen.", "demo")
            listener.memory = AgentScopeSessionHistoryMemory(history, user, "heard")
            with msghub([agent, listener], announcement=Msg("host", "Begin.", "user")):
                await agent(Msg("user", "And snow"))
            blocking = Recaller("recaller", AgentScopeSessionHistoryMemory(history, user, "blocking"))
            said = await blocking(Msg("user", "one"))
            assert agent.state_dict()["memory"] == []
            again = AgentScopeSessionHistoryMemory(history, user, "s")
            await again.add(await again.get_memory())
            kept = await again.get_memory()
            assert await again.size() == len(kept)
            assert [message.content for message in await again.get_memory(2)] == [
                m.content for m in kept[-2:]
            ]
            heard = contents(await history.get_session(user, "heard"))
            await again.clear()
            assert await memory.get_memory() == []
            await memory.add(kept[0])
            assert await again.size() == 1
            return reply, kept, heard, said, contents(await history.get_session(user, "blocking"))

    reply, kept, heard, said, blocking = asyncio.run(main())
    assert [message.content for message in kept[:3]] == ["Write about rain", reply.content, "Begin."]
    assert kept[1].id == reply.id
    assert len(kept) == 5
    assert heard == ["Begin.", kept[4].content]
    assert said.content == "1: one"
    assert blocking == ["one", "1: one"]


def test_the_memory_works_in_a_script_too(place, user):
    history = place.history()
    asyncio.run(history.start())
    try:
        memory = AgentScopeSessionHistoryMemory(history, user, "s")
        memory.add([Msg("user", "one"), Msg("user", "two")])
        assert [message.content for message in memory.get_memory()] == ["one", "two"]
        with pytest.raises(UsageError, match="must be a Msg object"):
            memory.add("text")
        assert memory.size() == 2
    finally:
        asyncio.run(history.stop())


def test_a_request_takes_its_agent_up_where_the_last_one_left_it(place, user):
    """As programs for AgentScope Runtime do: a new agent each time, its state and memory from services."""

    async def query(states, history, text):
        async with history.locked(user, "s"):
            state = await states.export_state(user_id=user, session_id="s")
            memory = AgentScopeSessionHistoryMemory(service=history, session_id="s", user_id=user)
            agent = ReActAgent(name="Friday", sys_prompt="You talk.", model="demo-fast", memory=memory)
            agent.set_console_output_enabled(enabled=False)
            if state:
                agent.load_state_dict(state)
            agent.turns = getattr(agent, "turns", 0) + 1
            said = []
            async for msg, last in stream_printing_messages(
                agents=[agent], coroutine_task=agent(Msg("user", text))
            ):
                said += [msg.content] if last else []
            await states.save_state(user_id=user, session_id="s", state=agent.state_dict())
            return said

    async def main():
        async with place.state() as states, place.history() as history:
            answers = await asyncio.gather(
                *(query(states, history, f"Write about rain {n}") for n in range(3))
            )
            state = await states.export_state(user, "s")
            return answers, state, contents(await history.get_session(user, "s"))

    answers, state, kept = asyncio.run(main())
    assert [len(answer) for answer in answers] == [1, 1, 1]
    assert state["turns"] == 3
    assert state["memory"] == []
    asked = {f"Write about rain {n}": answer[0] for n, answer in enumerate(answers)}
    assert dict(zip(kept[::2], kept[1::2], strict=True)) == asked  # each with its answer, none in between
