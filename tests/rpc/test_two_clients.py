"""Two programs that call the same agents at the same time: each gets its own answers, in one order."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import pytest
from chain_agents import Register

CALLS = 5_000 if os.environ.get("NBAGENTS_LONG") else 500
PROGRAM = """
import json, random, sys, time
from nbagents.rpc import RpcAgent, RpcAgentClient

name, address, token, ids, calls = json.loads(sys.stdin.readline())
client = RpcAgentClient(address, token=token)
agents = [RpcAgent(f"r{n}", agent_id, connect=lambda: client.attachment) for n, agent_id in enumerate(ids)]
client.is_alive()
print("ready", flush=True)
sys.stdin.readline()
rng, told, flying = random.Random(name), [], []

def land(count):
    for begun, agent, said, message in flying[:count]:
        number, heard = message.result(timeout=30).content
        told.append([agent, said, heard, number, begun, time.monotonic()])
    del flying[:count]

for seq in range(calls):
    agent, said = rng.randrange(len(agents)), f"{name}:{seq}"
    flying.append((time.monotonic(), agent, said, agents[agent](said)))
    if rng.random() < 0.1:
        land(rng.randrange(1, 1 + len(flying)))
land(len(flying))
print(json.dumps(told))
"""


@pytest.fixture
def told(server, remote):
    """What two programs were told, and the agents' own histories."""
    agents = [remote(Register, f"r{n}") for n in range(4)]
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(2)
    ]
    try:
        for name, program in zip("ab", programs, strict=True):
            given = [name, server.address, server.token, [agent.agent_id for agent in agents], CALLS]
            program.stdin.write(json.dumps(given) + "\n")
            program.stdin.flush()
        for program in programs:
            assert program.stdout.readline() == "ready\n"
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
        answers = [json.loads(program.communicate(timeout=300)[0]) for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    return answers, [agent().content for agent in agents]


def test_each_gets_its_own_answers_and_each_agent_has_one_history(told):
    answers, histories = told
    for name, own in zip("ab", answers, strict=True):
        assert len(own) == CALLS
        assert all(said == heard and said.startswith(name) for _, said, heard, *_ in own)
    for agent, history in enumerate(histories):
        calls = [call for own in answers for call in own if call[0] == agent]
        assert sorted(number for *_, number, _, _ in calls) == list(range(len(history)))
        for _, said, _, number, _, _ in calls:
            assert history[number] == said
        for name in "ab":  # what one program calls keeps its order
            seqs = [int(said.partition(":")[2]) for said in history if said.startswith(name)]
            assert seqs == sorted(seqs)
        # What had ended before another call began comes before it.
        by_number = sorted(calls, key=lambda call: call[3])
        earliest_end = float("inf")
        for *_, begun, ended in reversed(by_number):
            assert begun <= earliest_end, "a call was put before one that had ended when it was made"
            earliest_end = min(earliest_end, ended)
        # They did meet.
        assert any(one[0] != two[0] for one, two in itertools.pairwise(history))
