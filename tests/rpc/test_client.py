"""`RpcAgentClient`, and plain gRPC clients that know nothing of us."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from remote_agents import (
    Blocking,
    Counter,
    Echo,
    Failing,
    Forgetful,
    Fussy,
    Mirror,
    Odd,
    Opener,
    Pensive,
    Probe,
    Quitter,
    Slow,
)

from nbagents import _loop
from nbagents.exceptions import (
    AgentCallError,
    AgentCreationError,
    AgentNotFoundError,
    AgentServerError,
    AuthenticationError,
    CallCancelledError,
    InternalError,
    ModelChoiceError,
    ResultExpiredError,
    UsageError,
    WouldBlockLoopError,
)
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._proto.agent_pb2_grpc import RpcAgentStub


def settings(cls: type, *args, **kwargs) -> dict:
    return {
        "class_name": f"remote_agents:{cls.__name__}",
        "args": args,
        "kwargs": kwargs,
        "import_path": sys.path,
    }


@pytest.fixture(autouse=True)
def empty(client):
    client.delete_all_agent()
    yield
    client.delete_all_agent()


# ---------------------------------------------------------------------------- the methods


def test_an_agent_is_made_listed_cloned_and_deleted(client):
    made = client.create_agent(settings(Echo, "poet"), "p1")
    assert (made["name"], made["type"], made["agent_id"], made["change"]) == ("poet", "Echo", "p1", "created")
    clone = client.clone_agent("p1")
    assert [about["agent_id"] for about in client.get_agent_list()] == ["p1", clone]
    assert client.clone_agent("nobody") is None
    assert client.delete_agent("p1")
    assert not client.delete_agent("p1")
    assert [about["agent_id"] for about in client.get_agent_list()] == [clone]
    assert client.delete_all_agents()
    assert client.get_agent_list() == []


def test_a_client_of_one_agent_need_not_name_it(server):
    own = RpcAgentClient(server.address, agent_id="mine", token=server.token)
    own.create_agent(settings(Echo, "poet"))
    task = own.call_agent_func("_reply", Msg("user", "hi"))
    assert own.update_placeholder(task).content == "poet heard hi"
    assert len(own.get_agent_memory()) == 2
    assert own.clone_agent()
    assert own.delete_agent()


def test_a_clone_has_a_memory_of_its_own(client):
    client.create_agent(settings(Echo, "poet"), "p1")
    client.update_placeholder(client.call_agent_func("_reply", Msg("user", "hi"), "p1"))
    clone = client.clone_agent("p1")
    assert len(client.get_agent_memory("p1")) == 2
    assert client.get_agent_memory(clone) == []


@pytest.mark.parametrize(
    ("cls", "agent_id", "why"),
    [
        (Echo, "taken", r"Agent with agent_id \[taken\] already exists"),
        (Fussy, "x", "could not be made: ValueError: n does not want to be made"),
        (Quitter, "x", "could not be made: SystemExit: n"),
    ],
)
def test_an_agent_that_cannot_be_made_says_why(client, cls: type, agent_id: str, why: str):
    client.create_agent(settings(Echo, "first"), "taken")
    with pytest.raises(AgentCreationError, match=why):
        client.create_agent(settings(cls, "n"), agent_id)
    assert [about["agent_id"] for about in client.get_agent_list()] == ["taken"]
    assert client.is_alive()


def test_a_module_that_cannot_be_imported_is_named(client, tmp_path: Path):
    (tmp_path / "half_done.py").write_text("class Poet(")
    for name, why in {"no_such_module:Poet": "No module named", "half_done:Poet": "SyntaxError"}.items():
        with pytest.raises(AgentCreationError, match=f"cannot import {name.split(':')[0]}: .*{why}"):
            client.create_agent({"class_name": name, "import_path": [str(tmp_path)]}, "x")
    (tmp_path / "half_done.py").write_text("Poet = 3")
    with pytest.raises(AgentCreationError, match="half_done has no agent class Poet"):
        client.create_agent({"class_name": "half_done:Poet", "import_path": [str(tmp_path)]}, "x")


def test_the_folders_of_a_user_come_last_on_the_import_path(client, tmp_path: Path):
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('the wrong colorsys')")
    (tmp_path / "late_poet.py").write_text(
        "import colorsys\nfrom nbagents.agents import AgentBase\n"
        "class Poet(AgentBase):\n    def reply(self, x=None):\n        return colorsys.__doc__\n"
    )
    client.create_agent({"class_name": "late_poet:Poet", "args": ["p"], "import_path": [str(tmp_path)]}, "p")
    assert client.update_placeholder(client.call_agent_func("_reply", None, "p")).content.startswith(
        "Conversion"
    )


def test_defining_makes_keeps_and_updates(client):
    dialog = {"class_name": "AgentBase", "args": ["poet"], "kwargs": {"sys_prompt": "one"}}
    first = client.define_agent("/a.ipynb", "poet", dialog)
    again = client.define_agent("/a.ipynb", "poet", dialog)
    other = client.define_agent("/b.ipynb", "poet", dialog)
    changed = client.define_agent("/a.ipynb", "poet", dialog | {"kwargs": {"sys_prompt": "two"}})
    fresh = client.define_agent("/a.ipynb", "poet", dialog | {"kwargs": {"sys_prompt": "two"}}, fresh=True)
    replaced = client.define_agent("/a.ipynb", "poet", settings(Echo, "poet"))
    told = [about["change"] for about in (first, again, other, changed, fresh, replaced)]
    assert told == ["created", "unchanged", "created", "updated", "updated", "created"]
    assert first["agent_id"] == again["agent_id"] == changed["agent_id"] == fresh["agent_id"]
    assert len({first["agent_id"], other["agent_id"], replaced["agent_id"]}) == 3
    assert changed["sys_prompt"] == "two"
    assert [a["workspace"] for a in client.get_agent_list()] == ["/b.ipynb", "/a.ipynb"]


def test_colours_go_by_the_order_of_creation_and_are_never_shared(client):
    made = [client.define_agent("w", name, settings(Echo, name)) for name in "abc"]
    client.delete_agent(made[0]["agent_id"])
    made.append(client.define_agent("w", "d", settings(Echo, "d")))
    assert [about["color"] for about in made] == [0, 1, 2, 3]
    assert client.define_agent("v", "a", settings(Echo, "a"))["color"] == 0


def test_two_who_define_one_agent_at_once_agree(client):
    async def define_twice() -> list[str]:
        body = json.dumps(settings(Echo, "poet")).encode()
        ask = [
            client.attachment.request("create_agent", agent_init_args=body, workspace="w", name="poet")
            for _ in range(5)
        ]
        return [json.loads(answer.message)["change"] for answer in await asyncio.gather(*ask)]

    changes = _loop.background().run(define_twice())
    assert sorted(changes) == ["created"] + ["unchanged"] * 4


def test_a_call_has_a_task_id_under_which_its_reply_stays(client):
    client.create_agent(settings(Counter, "c"), "c")
    tasks = [client.call_agent_func("_reply", None, "c") for _ in range(3)]
    assert tasks == sorted(tasks)
    for _ in range(2):
        assert [client.update_placeholder(task).content for task in tasks] == ["1", "2", "3"]


def test_observing_is_answered_when_the_agent_has_observed(client):
    client.create_agent(settings(Echo, "e"), "e")
    client.call_agent_func("_observe", [Msg("a", "1"), Msg("b", "2")], "e")
    assert [m.content for m in client.get_agent_memory("e")] == ["1", "2"]


def test_observing_is_answered_however_long_it_takes(client):
    client.create_agent(settings(Pensive, "p"), "p")
    client.call_agent_func("_observe", Msg("a", "1"), "p")
    assert [m.content for m in client.get_agent_memory("p")] == ["1"]


def test_a_fault_that_nobody_foresaw_is_answered_and_logged(client, server):
    client.create_agent(settings(Forgetful, "f"), "f")
    with pytest.raises(InternalError, match=r"internal error \w+; the server's log tells more") as caught:
        client.get_agent_memory("f")
    number = str(caught.value).split(";")[0].split()[-1]
    assert f"error {number}" in server.connection.log.read_text()


def test_bytes_in_a_memory_travel(client, remote):
    mirror = remote(Mirror)
    with pytest.warns(UserWarning, match="cannot be written as JSON"):
        given = Msg("user", [b"\x00"])
    mirror.observe(given)
    assert mirror.memory.get_memory()[0].content == [b"\x00"]


def test_waiting_for_a_reply_can_end_before_the_call_does(client):
    client.create_agent(settings(Slow, "s"), "s")
    task = client.call_agent_func("_reply", 0.5, "s")
    with pytest.raises(TimeoutError):
        client.update_placeholder(task, timeout=0.05)
    assert client.update_placeholder(task, timeout=10).content == "s slept"


def test_what_an_agent_raised_is_raised_where_its_reply_is_fetched(client):
    client.create_agent(settings(Failing, "f"), "f")
    task = client.call_agent_func("_reply", "KeyError", "f")
    with pytest.raises(KeyError, match="f: KeyError: that went wrong") as caught:
        client.update_placeholder(task, timeout=10)
    assert "remote_agents.py" in caught.value.remote_traceback


def test_a_reply_that_cannot_travel_is_an_error_and_no_silence(client):
    client.create_agent(settings(Odd, "o"), "o")
    task = client.call_agent_func("_reply", "set", "o")
    with pytest.raises(UsageError, match="is a set"):
        client.update_placeholder(task, timeout=10)


@pytest.mark.parametrize("task", [0, -1, 99_999, 2**62])
def test_a_task_that_never_was_has_expired(client, task: int):
    with pytest.raises(ResultExpiredError, match=f"the reply of task {task} is gone or never was"):
        client.update_placeholder(task, timeout=10)


def test_old_replies_are_dropped_and_pending_ones_never(runtime: Path):
    with RpcAgentServerLauncher(max_pool_size=2) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent(settings(Slow, "s"), "s")
        client.create_agent(settings(Counter, "c"), "c")
        pending = client.call_agent_func("_reply", 0.6, "s")
        tasks = [client.call_agent_func("_reply", None, "c") for _ in range(4)]
        assert client.update_placeholder(tasks[-1]).content == "4"
        with pytest.raises(ResultExpiredError, match="keeps the last 2 replies"):
            client.update_placeholder(tasks[0])
        assert client.update_placeholder(pending).content == "s slept"
        assert client.get_server_info()["pending"] == 0


def test_replies_expire_by_age(runtime: Path, wait_for):
    with RpcAgentServerLauncher(max_timeout_seconds=0.1) as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.create_agent(settings(Counter, "c"), "c")
        task = client.call_agent_func("_reply", None, "c")

        def expired() -> bool:
            try:
                client.update_placeholder(task)
            except ResultExpiredError:
                return True
            return False

        wait_for(expired, 5)


def test_nobody_is_not_found(client):
    with pytest.raises(AgentNotFoundError, match=r"Agent \[nobody\] not exists\."):
        client.call_agent_func("_reply", None, "nobody")
    with pytest.raises(AgentCallError, match=r"Agent \[nobody\] has not found"):
        client.get_agent_memory("nobody")


def test_the_server_tells_of_itself(client, server):
    info = client.get_server_info()
    assert info["pid"] == server.connection.pid
    assert info["id"] == server.server_id
    assert (info["size"], info["pending"]) == (0, 0)
    assert 10 < info["mem"] < 500
    assert info["cpu"] >= 0
    assert info["clients"] == 1


def test_model_configurations_are_loaded_by_name(client):
    config = {"config_name": "mine", "model_type": "openai_chat", "model_name": "m", "api_key": "sk-x" * 5}
    assert client.set_model_configs(config)
    assert client.set_model_configs([config, config | {"config_name": "other"}])
    named = {"class_name": "DialogAgent", "args": ["poet"], "kwargs": {"model_config_name": "other"}}
    assert client.create_agent(named, "p")["model"]["config_name"] == "other"
    with pytest.raises(ModelChoiceError, match=r"\[third\]") as caught:
        client.create_agent(named | {"kwargs": {"model_config_name": "third"}}, "q")
    assert "sk-x" not in str(caught.value)


def test_methods_refuse_to_block_the_loop(client):
    async def ask() -> None:
        client.is_alive()

    with pytest.raises(WouldBlockLoopError):
        _loop.background().run(ask())


# ---------------------------------------------------------------------------- addresses and tokens


def test_a_client_finds_the_token_by_the_address(server):
    assert RpcAgentClient(server.address).is_alive()
    with RpcAgentServerLauncher(port=0) as other:
        assert RpcAgentClient("localhost", other.port).is_alive()
        assert RpcAgentClient("127.0.0.1", other.port).is_alive()
        assert RpcAgentClient(other.address).is_alive()


def test_a_client_takes_the_token_from_a_file(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server_path = server.connection.path
    hidden = server_path.with_suffix(".away")
    server_path.rename(hidden)
    try:
        with pytest.raises(AuthenticationError, match="no server of yours listens there") as caught:
            RpcAgentClient(server.address).get_agent_list()
        assert "NBAGENTS_TOKEN_FILE" in caught.value.hint
        monkeypatch.setenv("NBAGENTS_TOKEN_FILE", str(tmp_path / "token"))
        with pytest.raises(UsageError, match="cannot be read"):
            RpcAgentClient(server.address).get_agent_list()
        (tmp_path / "token").write_text(server.token + "\n")
        assert RpcAgentClient(server.address).is_alive()
    finally:
        hidden.rename(server_path)


def test_an_address_needs_a_port():
    with pytest.raises(UsageError, match="Give a port"):
        RpcAgentClient("localhost")


def test_clients_of_one_address_share_their_connection(client, server):
    other = RpcAgentClient(server.address, token=server.token)
    assert other.attachment is client.attachment


# ---------------------------------------------------------------------------- placeholders by address


def test_a_placeholder_of_a_client_is_called_at_once(server, client):
    client.create_agent(settings(Slow, "s"), "s")
    own = RpcAgentClient(server.address, agent_id="s", token=server.token)
    message = PlaceholderMessage(client=own, x=Msg("user", 0.2))
    assert message._is_placeholder
    assert repr(message).startswith("<waiting for the agent s of the agent server at unix:")
    with pytest.raises(TimeoutError):
        message.result(0.01)
    assert message.content == "s slept", "a wait that timed out has ended nothing"
    assert not message._is_placeholder
    chained = PlaceholderMessage(client=own, x=PlaceholderMessage(client=own, x=Msg("user", 0.01)))
    with pytest.raises(ValueError, match="could not convert"):
        chained.result(10)


def test_a_placeholder_can_be_fetched_by_its_address(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo, Failing]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        client.create_agent({"class_name": "Failing", "args": ["f"]}, "f")
        task = client.call_agent_func("_reply", Msg("user", "hi"), "e")
        message = PlaceholderMessage("localhost", launcher.port, task)
        assert message.content == "e heard hi"
        failing = client.call_agent_func("_reply", "ValueError", "f")
        address = {"__module__": "agentscope.message.placeholder", "__name__": "PlaceholderMessage"}
        address |= {"_host": "localhost", "_port": launcher.port, "_task_id": failing}
        with pytest.raises(ValueError, match="that went wrong"):
            PlaceholderMessage.from_dict(address).result(10)
        with pytest.raises(ResultExpiredError):
            PlaceholderMessage("localhost", launcher.port, 999).result(10)

        async def wait() -> str:
            return (await PlaceholderMessage("localhost", launcher.port, task)).content

        assert asyncio.run(wait()) == "e heard hi"


def test_an_unfinished_placeholder_tells_its_address(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Slow, Mirror]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Slow", "args": ["s"]}, "s")
        task = client.call_agent_func("_reply", 0.3, "s")
        message = PlaceholderMessage("localhost", launcher.port, task)
        address = message.to_dict()
        assert (address["_host"], address["_port"], address["_task_id"]) == ("localhost", launcher.port, task)
        copy = PlaceholderMessage.from_dict(address)
        assert (message.content, copy.content) == ("s slept", "s slept")
        assert message.id == copy.id


def test_cancelling_a_fetch_leaves_the_agent_alone(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Slow, Probe]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Slow", "args": ["patient"]}, "s")
        client.create_agent({"class_name": "Probe", "args": ["p"]}, "p")
        task = client.call_agent_func("_reply", 0.3, "s")
        message = PlaceholderMessage("localhost", launcher.port, task)
        message.cancel()
        with pytest.raises(CallCancelledError):
            message.result(5)
        assert client.update_placeholder(task).content == "patient slept"
        told = client.update_placeholder(client.call_agent_func("_reply", "patient", "p"))
        assert told.content == "ended"


def test_a_placeholder_needs_an_address_or_a_client():
    with pytest.raises(UsageError, match="made of host, port and task_id, or of client and x"):
        PlaceholderMessage()


# ---------------------------------------------------------------------------- anybody's gRPC client


@pytest.fixture(params=["nbagents.v1.RpcAgent", "RpcAgent"])
def stub(request, server):
    """The generated stub, and the same methods under the path that AgentScope's clients use."""
    metadata = (("authorization", f"Bearer {server.token}"),)
    with grpc.insecure_channel(server.address) as channel:
        generated = RpcAgentStub(channel)

        def ask(method: str, message, **options):
            if request.param == "RpcAgent":
                kind = pb.ByteMsg if method == "download_file" else pb.GeneralResponse
                call = channel.unary_unary(
                    f"/RpcAgent/{method}",
                    request_serializer=type(message).SerializeToString,
                    response_deserializer=kind.FromString,
                )
            else:
                call = getattr(generated, method)
            return call(message, metadata=metadata, timeout=30, **options)

        ask.as_agentscope = request.param == "RpcAgent"
        yield ask


def test_a_plain_client_can_do_everything(stub):
    nothing = empty_pb2.Empty()
    assert stub("is_alive", nothing).ok
    body = json.dumps(settings(Counter, "c")).encode()
    assert stub("create_agent", pb.CreateAgentRequest(agent_id="c", agent_init_args=body)).ok
    listed = json.loads(stub("get_agent_list", nothing).message)
    if stub.as_agentscope:
        listed = [json.loads(text) for text in listed]
    assert [(about["agent_id"], about["name"], about["type"]) for about in listed] == [("c", "c", "Counter")]
    called = stub("call_agent_func", pb.RpcMsg(value="null", target_func="_reply", agent_id="c"))
    reply = stub("update_placeholder", pb.UpdatePlaceholderRequest(task_id=int(called.message)))
    assert json.loads(reply.message)["content"] == "1"
    assert stub("call_agent_func", pb.RpcMsg(value=reply.message, target_func="_observe", agent_id="c")).ok
    memory = json.loads(stub("get_agent_memory", pb.StringMsg(value="c")).message)
    assert [m["content"] for m in memory] == ["1"]
    clone = stub("clone_agent", pb.StringMsg(value="c"))
    assert clone.ok
    assert clone.message
    assert stub("delete_agent", pb.StringMsg(value=clone.message)).ok
    assert json.loads(stub("get_server_info", nothing).message)["size"] == 1
    configs = json.dumps({"config_name": "x", "model_type": "openai_chat"})
    assert stub("set_model_configs", pb.StringMsg(value=configs)).ok
    assert stub("delete_all_agents", nothing).ok


def test_a_plain_client_is_told_what_went_wrong(stub):
    assert not stub("delete_agent", pb.StringMsg(value="nobody")).ok
    assert not stub("clone_agent", pb.StringMsg(value="nobody")).ok
    assert not stub("get_agent_memory", pb.StringMsg(value="nobody")).ok
    body = json.dumps(settings(Failing, "f")).encode()
    assert stub("create_agent", pb.CreateAgentRequest(agent_id="f", agent_init_args=body)).ok
    called = stub("call_agent_func", pb.RpcMsg(value="null", target_func="_reply", agent_id="f"))
    failed = stub("update_placeholder", pb.UpdatePlaceholderRequest(task_id=int(called.message)))
    assert not failed.ok
    assert "remote_agents.py" in failed.message
    missing = grpc.StatusCode.INVALID_ARGUMENT if stub.as_agentscope else grpc.StatusCode.NOT_FOUND
    for message, code in (
        (pb.RpcMsg(value="null", target_func="_reply", agent_id="nobody"), missing),
        (pb.RpcMsg(value="null", target_func="reply", agent_id="f"), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.RpcMsg(value="{", target_func="_reply", agent_id="f"), grpc.StatusCode.INVALID_ARGUMENT),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            stub("call_agent_func", message)
        assert caught.value.code() is code
    again = pb.CreateAgentRequest(agent_id="f", agent_init_args=body)
    if stub.as_agentscope:
        answer = stub("create_agent", again)
        assert (answer.ok, answer.message) == (False, "Agent with agent_id [f] already exists")
        return
    with pytest.raises(grpc.RpcError) as caught:
        stub("create_agent", again)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "already exists" in caught.value.details()


def test_a_plain_client_waits_as_long_as_the_agent_needs(stub, client):
    client.create_agent(settings(Blocking, "b"), "b")
    called = stub("call_agent_func", pb.RpcMsg(value="null", target_func="_reply", agent_id="b"))
    reply = stub("update_placeholder", pb.UpdatePlaceholderRequest(task_id=int(called.message)))
    assert json.loads(reply.message)["content"] == "b slept"


def test_a_request_that_takes_too_long_is_a_typed_error(client, monkeypatch: pytest.MonkeyPatch, remote):
    monkeypatch.setattr("nbagents.rpc._client.MAKING_SECONDS", 0.0)
    with pytest.raises(AgentServerError, match=r"did not answer create_agent within 0 s"):
        client.create_agent(settings(Opener, "o"), "o")
