"""What an agent has become since it was made goes with it into a server."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from handle_agents import Generator, Knowing, Remembering
from remote_agents import Blocking

from nbagents.exceptions import AgentCreationError, ProtocolError, UsageError
from nbagents.message import Msg
from nbagents.rpc import RpcAgentClient, connections
from nbagents.rpc._spawn import _left


@pytest.fixture(autouse=True)
def _own_places(runtime: Path, wait_for: Callable[..., float]) -> Iterator[None]:
    """Each test's servers end with it."""
    yield
    gc.collect()
    wait_for(lambda: not connections() and not [one for one in _left if one.poll() is None])


def test_public_data_and_memory_travel_and_the_rest_is_the_constructors():
    local = Remembering("r", 1)
    local(Msg("me", "hello")).result(10)
    local.given = 5
    local.notes = {"deep": [1, {"two": Msg("you", "noted")}], "half": 0.5}
    local._private = "set later"
    local.connection = "a text now"
    local.friend = Generator("friend", 3).to_dist()
    local.stranger = Generator("stranger", 3)
    local.both = {1, 2}
    there = local.to_dist()(Msg("me", "again")).content
    assert (there["given"], there["count"], there["connection"]) == (5, 2, "str")
    assert there["notes"]["deep"][1]["two"].content == "noted"
    assert there["notes"]["half"] == 0.5
    assert there["_private"] == "from the constructor"
    assert there["heard"] == ["hello", "again"]
    assert "stranger" not in there
    assert "both" not in there
    assert (local.count, local.memory.size()) == (1, 1), "the one here stays as it is"


def test_an_agent_that_it_knows_is_known_there_too():
    local = Remembering("r")
    local.helper = Generator("helper", 8).to_dist()
    helper = local.to_dist()().content["helper"]
    assert helper.agent_id == local.helper.agent_id
    assert helper().content == 8


def test_it_is_complete_up_to_the_calls_made_before():
    local = Remembering("r")
    slow = Blocking("b")
    local(slow())  # which arrives later
    begin = time.monotonic()
    moved = local.to_dist()
    assert time.monotonic() - begin >= 0.15
    assert moved().content["count"] == 2
    assert moved.memory.get_memory()[0].content == "b slept"


def test_clones_begin_anew():
    local = Remembering("r")
    local()
    moved, clone = local.to_dist().clone_instances(2)
    assert (moved().content["count"], clone().content["count"]) == (2, 1)


def test_a_class_may_have_a_state_of_its_own_with_bytes_and_messages():
    local = Knowing("k")
    local.secret = b"mine"
    moved = local.to_dist()
    assert moved().content == ["mine", "last"]
    local.secret = b"refuse"
    with pytest.raises(AgentCreationError, match="ValueError: this state is not mine"):
        local.to_dist()
    local.state_dict = lambda: {"raw": object()}  # type: ignore[method-assign]
    with pytest.raises(UsageError, match=r"the value\['raw'\] is a object, which cannot travel"):
        local.to_dist()


def test_a_lazy_agent_takes_the_state_of_its_moving():
    local = Remembering("r")
    local()
    lazy = local.to_dist(lazy_launch=True)
    local()
    assert lazy().content["count"] == 2


def test_a_state_that_is_none_is_refused():
    there = Generator("g", 1).to_dist()
    client = RpcAgentClient(there.server_address)
    for state, what in (
        (b"[]", "state is not a JSON object"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid"),
    ):
        with pytest.raises(ProtocolError, match=what):
            client._ask("create_agent", agent_id="x", agent_init_args=b'{"class_name":"x"}', state=state)
