"""The one door through which a class can come as source text, and the others, which are shut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from remote_agents import Echo

from nbagents import _loop
from nbagents.exceptions import AgentCallError, AgentCreationError, NbAgentsError, ProtocolError
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher, attachment
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._proto.agent_pb2_grpc import RpcAgentStub

TEXT = """class Poet(AgentBase):
    def reply(self, x=None):
        return "verse"
"""
PART = {"name": "Poet", "text": TEXT, "file": "cell [1]", "line": 1, "flags": 0}
SOURCE = {
    "target": "Poet",
    "parts": [PART],
    "imports": [["AgentBase", "nbagents.agents", "AgentBase"]],
    "constants": {},
    "aliases": {},
    "home": "",
}
SETTINGS = {"class_name": "Poet", "args": ["p"], "kwargs": {}}


def touching(file: Path) -> dict[str, Any]:
    """Source that leaves a file behind if it is ever run."""
    text = f"import pathlib\npathlib.Path({str(file)!r}).touch()\n"
    return SOURCE | {"parts": [PART | {"text": text + TEXT}]}


def request(source: Any, agent_id: str = "poet", **settings: Any) -> dict[str, Any]:
    return {
        "agent_id": agent_id,
        "agent_init_args": json.dumps(SETTINGS | settings).encode(),
        "agent_source_code": source if isinstance(source, bytes) else json.dumps(source).encode(),
    }


def unary(address: str, token: str, source: Any) -> tuple[grpc.StatusCode, str]:
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        stub, metadata = RpcAgentStub(channel), [("authorization", f"Bearer {token}")]
        try:
            stub.create_agent(pb.CreateAgentRequest(**request(source)), metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def test_over_the_stream_of_a_private_socket_it_is_taken(client):
    client._ask("create_agent", **request(SOURCE, "taken"))
    task = client.call_agent_func("_reply", agent_id="taken")
    assert client.update_placeholder(task, 20).content == "verse"


def test_by_a_single_request_it_is_refused(server, client, tmp_path: Path):
    code, why = unary(server.address, server.token, touching(tmp_path / "touched"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert why.startswith("agent_source_code is not taken from a single request, only over the stream of the")
    code, _ = unary(server.address, "wrong", touching(tmp_path / "touched"))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert not (tmp_path / "touched").exists()


def test_by_a_server_on_tcp_it_is_refused_whatever_the_way(tmp_path: Path):
    evil = touching(tmp_path / "touched")
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        with pytest.raises(
            AgentCallError, match="agent_source_code is not taken by this server, which listens"
        ):
            client._ask("create_agent", **request(evil))
        code, why = unary(launcher.address, launcher.token, evil)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "not taken by this server" in why
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        with pytest.raises(AgentCallError, match="not taken by this server"):
            exchange(client, "e", evil)
        assert client.get_agent_list()[0]["type"] == "Echo"
    assert not (tmp_path / "touched").exists()


def exchange(client: RpcAgentClient, agent_id: str, source: Any) -> Any:
    """Send the frame by which an agent gets a new class."""
    from nbagents.agents import AgentBase, Remote, scheduler

    there = attachment(client.attachment.server_address, client.attachment.token)

    class Way(Remote):
        def send(self, call: Any) -> None:
            there.send(call, agent_id, "")

    agent = AgentBase("stranger")
    agent._remote = Way()
    arguments = () if source is None else (source,)
    change = scheduler().issue(agent, None, arguments, kind="change", method="_exchange")
    return change.result(20)


def test_a_class_is_exchanged_over_the_stream_only(client, tmp_path: Path):
    client._ask("create_agent", **request(SOURCE, "old"))
    exchange(client, "old", SOURCE | {"parts": [PART | {"text": TEXT.replace("verse", "prose")}]})
    task = client.call_agent_func("_reply", agent_id="old")
    assert client.update_placeholder(task, 20).content == "prose"
    for method in ("_exchange", "_class", "__class__", "load_state_dict", "state_dict", "to_dist"):
        with pytest.raises(AgentCallError, match="Unsupported method"):
            client.call_agent_func(method, touching(tmp_path / "touched"), "old")
    for odd in (None, "text", 3, [SOURCE], {"target": "os:system"}):
        with pytest.raises(NbAgentsError):
            exchange(client, "old", odd)
    with pytest.raises(NbAgentsError, match=r"not exists|does not live"):
        exchange(client, "nobody", SOURCE)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("place", ["class_name", "args", "kwargs", "source", "agent_source_code"])
def test_in_no_other_field_is_it_taken(client, tmp_path: Path, place: str):
    evil = touching(tmp_path / "touched")
    settings: dict[str, Any] = {"class_name": "AgentBase", "args": ["p"]}
    given: dict[str, Any] = {"class_name": TEXT, "args": [evil], "kwargs": {"source": evil}}
    settings[place] = given.get(place, evil)
    body = json.dumps(settings).encode()
    if place in ("class_name", "kwargs", "source", "agent_source_code"):
        with pytest.raises((AgentCallError, AgentCreationError)):
            client._ask("create_agent", agent_id=f"in-{place}", agent_init_args=body)
    else:  # a name may be anything
        client._ask("create_agent", agent_id=f"in-{place}", agent_init_args=body)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("os.system", "os:system", "nbagents_cells:Poet", "subprocess:Popen", "builtins:exec", "Poet"),
        *("nbagents.rpc._workshop:Workshop", "nbagents.rpc._loader:AgentClasses", "__main__:Poet", TEXT),
    ],
)
def test_no_name_of_a_class_is_source(client, name: str):
    client._ask("create_agent", **request(SOURCE, f"known-{abs(hash(name))}"))
    with pytest.raises(AgentCreationError):
        client.create_agent({"class_name": name, "args": ["touch x"]}, "gadget")


def test_a_class_that_came_as_source_is_not_found_by_its_module(client):
    client._ask("create_agent", **request(SOURCE, "module"))
    (about,) = [one for one in client.get_agent_list() if one["agent_id"] == "module"]
    assert about["type"] == "Poet"
    from nbagents.rpc._unit import Unit

    with pytest.raises(AgentCreationError, match="has no agent class Poet"):
        client.create_agent({"class_name": f"nbagents_cells.{Unit.of(SOURCE).key}:Poet", "args": ["p"]}, "x")


@pytest.mark.parametrize(
    "source",
    [
        b"class Poet: pass",
        b"\x80\x04\x95gASV",
        b"[]",
        b"{}",
        {"__reduce__": ["os.system", ["true"]]},
        {"__module__": "os", "__name__": "system", "args": ["true"]},
        SOURCE | {"more": 1},
        SOURCE | {"target": "os:system"},
        SOURCE | {"target": ""},
        SOURCE | {"target": 3},
        SOURCE | {"parts": [PART | {"flags": 2**30}]},
        SOURCE | {"parts": [PART | {"line": -1}]},
        SOURCE | {"parts": [PART | {"line": 10**9}]},
        SOURCE | {"parts": [PART | {"text": None}]},
        SOURCE | {"parts": [PART | {"name": "a b"}]},
        SOURCE | {"parts": [PART | {"more": 1}]},
        SOURCE | {"parts": 3},
        SOURCE | {"parts": [PART | {"text": "x" * (5 * 2**20)}]},
        SOURCE | {"imports": [["a", "b"]]},
        SOURCE | {"imports": [["a", "os;x", ""]]},
        SOURCE | {"constants": {"A": 3}},
        SOURCE | {"constants": []},
        SOURCE | {"aliases": {"a": "b c"}},
        SOURCE | {"home": None},
    ],
)
def test_what_is_no_source_is_refused(client, source: Any):
    with pytest.raises(ProtocolError):
        client._ask("create_agent", **request(source, "odd"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"parts": [PART | {"text": "class Poet(:\n"}]}, "SyntaxError"),
        ({"parts": [PART | {"text": "class Poet: pass\n"}]}, "Poet is no agent class"),
        ({"parts": []}, "Poet is no agent class"),
        ({"constants": {"A": "__import__('os').system('true')"}}, "malformed node"),
        ({"imports": [["AgentBase", "nowhere_at_all", "AgentBase"]]}, "cannot import nowhere_at_all"),
        ({"imports": [["AgentBase", "nbagents.agents", "Nobody"]]}, "has no Nobody in the server"),
        ({"aliases": {"Other": "Nobody"}}, None),
    ],
)
def test_what_cannot_be_defined_is_a_typed_error_and_leaves_nothing(client, change: Any, why: str | None):
    if why is None:
        client._ask("create_agent", **request(SOURCE | change, "fine"))
        return
    with pytest.raises(AgentCreationError, match=why):
        client._ask("create_agent", **request(SOURCE | change, "odd"))
    assert "odd" not in [about["agent_id"] for about in client.get_agent_list()]
    assert client.is_alive()
    assert _loop.background() is not None
