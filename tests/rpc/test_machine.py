"""Two clients do whatever they like to one server, in any order: it stays what a simple model says."""

from __future__ import annotations

import os
import sys
import uuid
from typing import Any

import pytest
from chain_agents import Register
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule, run_state_machine_as_test

from nbagents import _loop
from nbagents.exceptions import AgentNotFoundError, CallCancelledError
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._attachment import Attachment

LONG = bool(os.environ.get("NBAGENTS_LONG"))
EXAMPLES, STEPS = (500, 50) if LONG else (20, 20)


class Pending:
    """A call that was made, by which client, of which agent, and what it may come to."""

    def __init__(self, message: Any, agent_id: str, client: int, said: str) -> None:
        self.message, self.agent_id, self.client, self.said = message, agent_id, client, said
        self.cancelled = self.perhaps_gone = False


class Machine(RuleBasedStateMachine):
    agents = Bundle("agents")
    calls = Bundle("calls")

    def __init__(self, server: RpcAgentServerLauncher) -> None:
        super().__init__()
        self.client = RpcAgentClient(server.address, token=server.token)
        self.client.delete_all_agents()
        # A client of its own has a stream of its own; clients of one address share theirs.
        self.streams = [Attachment(server.address, server.token) for _ in range(2)]
        self.alive: set[str] = set()
        self.deleted: set[str] = set()
        self.pending: list[Pending] = []
        self.heard: dict[str, list[tuple[int, str]]] = {}
        """What each agent must have heard, by client, and in that client's order."""
        self.perhaps: dict[str, set[str]] = {}
        self.count = 0

    def teardown(self) -> None:
        for agent_id in self.alive:
            self.look(agent_id)
        for stream in self.streams:
            _loop.background().run(stream.close())

    def proxy(self, agent_id: str, client: int) -> RpcAgent:
        return RpcAgent("r", agent_id, kind="Register", connect=lambda: self.streams[client])

    @rule(target=agents)
    def create(self) -> str:
        agent_id = uuid.uuid4().hex
        made = {
            "class_name": f"{Register.__module__}:Register",
            "args": ["r"],
            "import_path": sys.path,
        }
        assert self.client.create_agent(made, agent_id)["agent_id"] == agent_id
        return self.born(agent_id)

    def born(self, agent_id: str) -> str:
        self.alive.add(agent_id)
        self.heard[agent_id], self.perhaps[agent_id] = [], set()
        return agent_id

    @rule(target=agents, origin=agents)
    def clone(self, origin: str) -> str:
        made = self.client.clone_agent(origin)
        if origin in self.deleted:
            assert made is None
            return origin
        assert made is not None
        return self.born(made)

    @rule(agent_id=consumes(agents))
    def delete(self, agent_id: str) -> None:
        assert self.client.delete_agent(agent_id) is (agent_id in self.alive)
        for call in self.pending:
            call.perhaps_gone = call.perhaps_gone or call.agent_id == agent_id
        self.alive.discard(agent_id)
        self.deleted.add(agent_id)

    @rule(target=calls, agent_id=agents, client=st.integers(0, 1))
    def call(self, agent_id: str, client: int) -> Pending:
        self.count += 1
        said = f"{client}:{self.count}"
        made = Pending(self.proxy(agent_id, client)(said), agent_id, client, said)
        made.perhaps_gone = agent_id in self.deleted
        self.pending.append(made)
        return made

    @rule(call=calls)
    def cancel(self, call: Pending) -> None:
        call.cancelled = True
        call.message.cancel()

    @rule(call=calls)
    def read(self, call: Pending) -> None:
        if call in self.pending:
            self.pending.remove(call)
            self.ends(call)

    @rule(agent_id=agents)
    def look(self, agent_id: str) -> None:
        for call in [call for call in self.pending if call.agent_id == agent_id]:
            self.read(call)
        if agent_id in self.deleted:
            return
        history = self.proxy(agent_id, 0)().result(timeout=10).content
        assert len(set(history)) == len(history)
        must = self.heard[agent_id]
        assert {said for _, said in must} <= set(history)
        assert set(history) <= {said for _, said in must} | self.perhaps[agent_id]
        for client in range(2):
            own = [int(said.partition(":")[2]) for said in history if said.startswith(f"{client}:")]
            assert own == sorted(own)

    @rule()
    def list_them(self) -> None:
        assert {about["agent_id"] for about in self.client.get_agent_list()} == self.alive

    def ends(self, call: Pending) -> None:
        try:
            number, said = call.message.result(timeout=10).content
        except CallCancelledError:
            assert call.cancelled
            self.perhaps.get(call.agent_id, set()).add(call.said)
        except AgentNotFoundError:
            assert call.perhaps_gone
        else:
            assert said == call.said
            assert number >= 0
            if call.agent_id in self.heard:
                self.heard[call.agent_id].append((call.client, call.said))


@pytest.mark.timeout(1800 if LONG else 60)
def test_a_server_is_what_its_model_says(server: RpcAgentServerLauncher) -> None:
    run_state_machine_as_test(
        lambda: Machine(server),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
