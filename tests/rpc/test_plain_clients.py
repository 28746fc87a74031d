"""Any gRPC client can use all methods of a server."""

from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf import empty_pb2
from remote_agents import (
    Blocking,
    Counter,
    Failing,
    SlowlyMade,
    settings,
)

from nbagents.exceptions import (
    AgentServerError,
)
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._proto.agent_pb2_grpc import RpcAgentStub

pytestmark = pytest.mark.usefixtures("emptied")


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
    monkeypatch.setattr("nbagents.rpc._client.MAKING_SECONDS", 0.1)
    with pytest.raises(AgentServerError, match=r"did not answer create_agent within 0\.1 s"):
        client.create_agent(settings(SlowlyMade, "o"), "o")
