"""Agents given to other agents: by constructor, by call, in messages; what travels is a name."""

from __future__ import annotations

import gc
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from handle_agents import Asker, Gatherer, Generator

from nbagents.agents import AgentBase
from nbagents.exceptions import (
    AgentCreationError,
    AgentNotFoundError,
    AgentServerNotAliveError,
    NbAgentsError,
    ProtocolError,
    UsageError,
)
from nbagents.message import Msg
from nbagents.rpc import DistConf, RpcAgent, RpcAgentClient, RpcAgentServerLauncher, connections
from nbagents.rpc._spawn import _left


@pytest.fixture(autouse=True)
def _own_places(runtime: Path, wait_for: Callable[..., float]) -> Iterator[None]:
    """Each test's servers can be counted, and end with it."""
    yield
    gc.collect()
    wait_for(lambda: not connections() and not [one for one in _left if one.poll() is None])


@pytest.fixture
def tcp(_own_places: None) -> Iterator[RpcAgentServerLauncher]:
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Asker, Generator, Gatherer]) as launcher:
        yield launcher


@pytest.mark.long
def test_gatherers_ask_generators_on_other_servers_at_the_same_time(tcp: RpcAgentServerLauncher):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Generator]) as other:
        places = [DistConf(port=launcher.port) for launcher in (tcp, other)]
        generators = [Generator(f"g{n}", n, 0.4, to_dist=places[n % 2]) for n in range(8)]
        gatherers = [Gatherer(f"a{n}", generators[4 * n : 4 * n + 4], to_dist=True) for n in range(2)]
        answers = [gatherer() for gatherer in gatherers]
        assert [answer.content for answer in answers] == [0 + 1 + 2 + 3, 4 + 5 + 6 + 7]
        worked = [span for answer in answers for span in answer.metadata["worked"]]
        assert max(begin for begin, _ in worked) < min(end for _, end in worked), "all eight at once"
        assert len(connections()) == 4


def test_where_it_lives_it_is_the_agent_itself(tcp: RpcAgentServerLauncher):
    here = DistConf(port=tcp.port)
    near, far = Generator("near", 1, to_dist=here), Generator("far", 2, to_dist=True)
    gatherer = Gatherer("a", [near, far], to_dist=here)
    assert gatherer().content == 3
    assert gatherer().metadata["kinds"] == ["Generator", "RpcAgent"]
    assert Gatherer("b", [near]).to_dist(port=tcp.port)().metadata["kinds"] == ["Generator"]
    (clone,) = gatherer.clone_instances(1, including_self=False)
    assert clone().metadata["kinds"] == ["Generator", "RpcAgent"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda agent: agent,
        lambda agent: {"friends": [agent]},
        lambda agent: Msg("me", "ask this one", metadata={"friends": [agent]}),
    ],
    ids=["plain", "nested", "in a message"],
)
def test_by_call(tcp: RpcAgentServerLauncher, wrap: Any):
    friend = Generator("friend", 7).to_dist()
    asker = Asker("asker").to_dist(port=tcp.port)
    answer = asker(wrap(friend))
    assert answer.content == "friend said 7"
    back, me = answer.metadata["friend"], answer.metadata["me"]
    assert (type(back), back.agent_id, back.name) == (RpcAgent, friend.agent_id, "friend")
    assert back().content == 7
    assert me.agent_id == asker.agent_id
    for message in asker.memory.get_memory():
        assert message.metadata["friends"][0]().content == 7


@pytest.mark.long
def test_a_lazy_agent_is_brought_up_when_it_travels(tcp: RpcAgentServerLauncher):
    asker = Asker("asker").to_dist(port=tcp.port)
    lazy = Generator("lazy", 3, to_dist=True)
    assert len(connections()) == 1
    first, second = asker(lazy), asker({"friends": [lazy]})
    assert [first.content, second.content] == ["lazy said 3"] * 2
    assert len(connections()) == 2
    given = Gatherer("a", [Generator("one", 1, to_dist=True)], to_dist=True)
    assert len(connections()) == 2, "nothing is contacted before the first call"
    assert given().content == 1
    with pytest.raises(
        UsageError, match=r"argument 1\.metadata\['friends'\]\[0\] is other, whose server is not"
    ):
        asker(Msg("me", "x", metadata={"friends": [Generator("other", 1, to_dist=True)]})).result(20)


@pytest.mark.long
def test_a_lazy_agent_that_cannot_be_made_fails_the_call_that_it_was_for(tcp: RpcAgentServerLauncher):
    asker = Asker("asker").to_dist(port=tcp.port)
    broken = Generator("broken", to_dist=True)
    with pytest.raises(AgentCreationError, match="missing 1 required positional argument: 'number'"):
        asker(broken).result(20)
    assert asker(Generator("fine", 2).to_dist()).content == "fine said 2"


def test_an_agent_of_this_process_must_be_moved_first(tcp: RpcAgentServerLauncher):
    local = Generator("local", 1)
    asker = Asker("asker").to_dist(port=tcp.port)
    what = r"is the agent local of this process, which cannot travel: call local.to_dist\(\) first"
    for wrapped in (local, [local], Msg("me", "x", metadata={"friends": [local]})):
        with pytest.raises(UsageError, match=what):
            asker(wrapped).result(20)
    with pytest.raises(UsageError, match=what):
        Gatherer("a", [local], to_dist=True)
    with pytest.raises(UsageError, match=what):
        Gatherer("a", [local]).to_dist(port=tcp.port)


@pytest.mark.long
def test_those_that_an_agent_was_made_with_live_as_long_as_it():
    gatherer = Gatherer("a", [Generator("g", n).to_dist() for n in (1, 2)]).to_dist()
    assert gatherer().content == 3
    assert gatherer.clone_instances(2)[1]().content == 3


@pytest.mark.long
def test_one_whose_server_has_ended_fails_when_it_is_asked(tcp: RpcAgentServerLauncher):
    asker = Asker("asker").to_dist(port=tcp.port)
    friend = Generator("friend", 1).to_dist()
    answer = asker(friend)
    gone = answer.metadata["friend"]
    friend.stop()
    with pytest.raises(AgentServerNotAliveError):
        gone().result(20)
    with pytest.raises(AgentServerNotAliveError):
        asker(gone).result(20)
    deleted = Generator("deleted", 1).to_dist(port=tcp.port)
    named = asker(deleted).metadata["friend"]
    deleted.delete()
    with pytest.raises(AgentNotFoundError):
        named().result(20)


# ---------------------------------------------------------------------------- what a stranger may write


def told(client: RpcAgentClient, **fields: Any) -> Any:
    """Have the asker ask an agent that is named by exactly these fields."""
    value = json.dumps({"__agent__": fields})
    answer = client._ask("call_agent_func", target_func="_reply", agent_id="asker", value=value)
    return client.update_placeholder(int(answer.message), timeout=20)


NAMED = {"server_id": "0123abcd", "agent_id": "x", "name": "x", "kind": "Generator"}


def test_an_unknown_server_is_a_typed_error_and_no_address_is_ever_dialled(tcp: RpcAgentServerLauncher):
    client = RpcAgentClient("localhost", tcp.port)
    client.create_agent({"class_name": "Asker", "args": ["asker"]}, "asker")
    with socket.create_server(("127.0.0.1", 0)) as phishing:
        phishing.settimeout(0.5)
        address = f"127.0.0.1:{phishing.getsockname()[1]}"
        with pytest.raises(AgentServerNotAliveError, match="no agent server of yours has the id '0123abcd'"):
            told(client, **NAMED)
        for more in ({"address": address}, {"_host": "127.0.0.1"}, {"token": "x"}):
            with pytest.raises(ProtocolError, match="and by nothing else"):
                told(client, **NAMED, **more)
        for odd in (address, f"unix:{address}", "../../etc", "", "x" * 200, 7, None, ["a"], {"$ne": 1}):
            for field in ("server_id", "agent_id"):
                with pytest.raises(ProtocolError, match="an agent in the payload"):
                    told(client, **(NAMED | {field: odd}))
        with pytest.raises(TimeoutError):
            phishing.accept()
    for odd in ({}, {"server_id": "a"}, NAMED | {"kind": "os:system", "name": ["x"]}):
        with pytest.raises(ProtocolError):
            told(client, **odd)
    with pytest.raises(NbAgentsError):  # a kind names nothing that is looked up
        told(client, **(NAMED | {"kind": "os:system"}))
    assert client.is_alive()


def test_a_dictionary_with_that_key_stays_a_dictionary(tcp: RpcAgentServerLauncher):
    generator = Generator("g", {"__agent__": NAMED}, to_dist=DistConf(port=tcp.port))  # type: ignore[arg-type]
    assert generator().content == {"__agent__": NAMED}
    assert isinstance(generator, AgentBase)
