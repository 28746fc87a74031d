"""Calls that are cancelled at any moment leave nothing behind in the servers."""

from __future__ import annotations

import logging
import random
import time

from chain_agents import BlockingSleeper, Sleeper, Vitals
from remote_agents import Echo

from nbagents.agents import scheduler
from nbagents.exceptions import CallCancelledError

CANCELS = 2_000


def test_cancelled_calls_leave_nothing_behind(server, other, make_in, wait_for, caplog):
    caplog.set_level(logging.WARNING)
    rng = random.Random(19)
    vitals = [make_in(server, Vitals, "v"), make_in(other, Vitals, "v")]
    far = [make_in(other, Sleeper, f"far{n}") for n in range(4)]
    near = [
        make_in(server, BlockingSleeper if n % 2 else Sleeper, f"near{n}", other.address, agent.agent_id)
        for n, agent in enumerate(far)
    ]
    agents = [*near, *far, *(make_in(server, Sleeper, f"plain{n}") for n in range(4))]
    for agent in agents:
        assert agent(0).result(timeout=10).content == "slept"
    before = [one().content for one in vitals]
    at_home = len(scheduler().live)
    flying = []
    for _ in range(CANCELS):
        flying.append(rng.choice(agents)(rng.choice([0, 0.001, 0.01, 5])))
        if rng.random() < 0.3:
            time.sleep(rng.random() * 0.002)
        if len(flying) > 20 or rng.random() < 0.5:
            flying.pop(rng.randrange(len(flying))).cancel()
    for message in flying:
        message.cancel()
    ends = {"slept": 0, "cancelled": 0}
    for message in flying:
        try:
            assert message.result(timeout=10).content == "slept"
            ends["slept"] += 1
        except CallCancelledError:
            ends["cancelled"] += 1
    assert ends["cancelled"] > 0
    del message, flying

    def quiet() -> bool:
        now = [one().content for one in vitals]
        return all(
            after["tasks"] <= was["tasks"] and after["live"] <= was["live"]
            for was, after in zip(before, now, strict=True)
        )

    wait_for(quiet)
    for agent in agents:
        assert agent(0).result(timeout=10).content == "slept"  # and all of them still work
    assert len(scheduler().live) == at_home
    for each in (server, other):
        log = each.connection.log.read_text("utf-8")
        assert "never retrieved" not in log
        assert "Traceback" not in log
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert make_in(server, Echo, "echo")("x").content == "echo heard x"
