"""What passes through stays nowhere: a server and its client keep their size however many messages pass."""

from __future__ import annotations

import gc
import os

import psutil
import pytest
from chain_agents import Plain, Treasurer, Vitals, Windowed

from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import RpcAgentServerLauncher

MESSAGES = 1_000_000 if os.environ.get("NBAGENTS_LONG") else 20_000
AT_ONCE = 200


@pytest.mark.timeout(1800 if os.environ.get("NBAGENTS_LONG") else 60)
def test_memory_stays_flat(make_in):
    def talk(rounds: int) -> None:
        for number in range(rounds):
            begin = number * AT_ONCE // 2
            messages = [windowed(Msg("user", f"{begin + n} " + "x" * 200)) for n in range(AT_ONCE // 2)]
            messages += [
                many[(begin + n) % len(many)](Msg("user", f"{begin + n} " + "x" * 200))
                for n in range(AT_ONCE // 2)
            ]
            for message in messages:
                assert message.content.startswith("heard ")

    with RpcAgentServerLauncher(max_pool_size=500) as launcher:
        windowed, vitals = make_in(launcher, Windowed, "windowed"), make_in(launcher, Vitals, "vitals")
        many = make_in(launcher, Plain, "plain").clone_instances(1000)
        talk(MESSAGES // 5 // AT_ONCE)
        before, at_home = vitals().content, resident()
        talk(4 * MESSAGES // 5 // AT_ONCE)
        after = vitals().content
        print(f"{MESSAGES}: {before}, then {after}; here: {at_home:.0f} MiB, then {resident():.0f}")
        assert after["rss"] - before["rss"] < 32
        # In the quick form a server has hardly reached its size: 6 MiB are 400 bytes for each message.
        assert after["rss"] - before["rss"] < max(0.05 * before["rss"], 6)
        assert resident() - at_home < 32
        assert after["calls"] <= before["calls"] + 20
        assert after["placeholders"] <= before["placeholders"] + 5
        assert len(windowed.memory) == 10
    gc.collect()
    assert not [found for found in gc.get_objects() if type(found) is PlaceholderMessage and not found.done()]


def test_placeholders_and_their_calls_are_collected_without_the_collector(make_in, server):
    plain = make_in(server, Plain, "plain")
    assert plain(Msg("user", "warm")).content
    gc.collect()
    gc.disable()
    try:
        before = alive()
        messages = [plain(Msg("user", f"{n}")) for n in range(1000)]
        assert all(message.content for message in messages)
        assert alive() >= before + 1000
        del messages
        plain(Msg("user", "last")).result(timeout=5)
        assert alive() <= before + 5
    finally:
        gc.enable()


def alive() -> int:
    return sum(type(found) is PlaceholderMessage for found in gc.get_objects())


def resident() -> float:
    return psutil.Process().memory_info().rss / 2**20


@pytest.mark.parametrize("how", ["keep", "fail"])
def test_a_kept_reply_keeps_neither_its_agent_nor_what_the_agent_had_at_hand(make_in, server, wait_for, how):
    counter = make_in(server, Treasurer, "counter")
    for _ in range(5):
        treasurer = make_in(server, Treasurer, "treasurer")
        if how == "fail":
            with pytest.raises(ValueError, match="lost"):
                treasurer(how).result(timeout=10)
        else:
            assert treasurer(how).content == "rich"
        assert treasurer.delete()
    wait_for(lambda: counter("count").content == 0)
