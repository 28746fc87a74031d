"""The service of AutoGen's host, as a client that is ours finds it: what is refused, and whose is what."""

from __future__ import annotations

import os
import queue
import signal
import time
import uuid
from typing import Any

import grpc
import pytest

from nbagents.rpc import RpcAgentServerLauncher
from nbagents.rpc._proto import autogen_pb2 as theirs

pytestmark = pytest.mark.timeout(120)
SERVICE = "/agents.AgentRpc/"


@pytest.fixture(scope="module")
def launcher():
    with RpcAgentServerLauncher(autogen_compat=True) as launched:
        yield launched


@pytest.fixture
def channel(launcher):
    with grpc.insecure_channel(launcher.autogen_address, [("grpc.enable_http_proxy", 0)]) as opened:
        yield opened


class Client:
    """One client of the service, with its channels."""

    def __init__(self, channel: grpc.Channel, name: str | None = None) -> None:
        self.name = name or uuid.uuid4().hex
        self._channel, self._metadata = channel, [("client-id", self.name)]
        self._out: queue.Queue[Any] = queue.Queue()

    def open(self, method: str = "OpenChannel") -> Client:
        call = self._channel.stream_stream(SERVICE + method)
        self.stream = call(iter(self._out.get, None), metadata=self._metadata, timeout=30)
        return self

    def put(self, message: Any) -> None:
        self._out.put(message if isinstance(message, bytes) else message.SerializeToString())

    def read(self, kind: Any = theirs.Message) -> Any:
        return kind.FromString(next(self.stream))

    def ask(self, method: str, request: Any = None, kind: Any = theirs.Nothing) -> Any:
        body = (request or theirs.Nothing()).SerializeToString()
        answer = self._channel.unary_unary(SERVICE + method)(body, metadata=self._metadata, timeout=20)
        return kind.FromString(answer)

    def register(self, kind: str) -> None:
        self.ask("RegisterAgent", theirs.RegisterAgentTypeRequest(type=kind))

    def send(self, number: str, kind: str, text: str) -> None:
        payload = theirs.Payload(data_type="str", data_content_type="application/json", data=text.encode())
        request = theirs.RpcRequest(request_id=number, payload=payload)
        request.target.type, request.target.key = kind, "x"
        self.put(theirs.Message(request=request))

    def close(self) -> None:
        self._out.put(None)


@pytest.fixture
def client(channel):
    made = []

    def make(name: str | None = None) -> Client:
        made.append(Client(channel, name).open())
        return made[-1]

    yield make
    for one in made:
        one.close()


def refusal(call, *args: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as refused:
        call(*args)
    return refused.value.code(), refused.value.details()


def test_requests_of_one_number_find_their_own_way(client):
    target, one, two = client(), client(), client()
    target.register("target")
    one.send("1", "target", "of one")
    first = target.read().request
    two.send("1", "target", "of two")
    second = target.read().request
    assert first.request_id != second.request_id
    for request in (second, first):  # the later one first
        target.put(theirs.Message(response=theirs.RpcResponse(
            request_id=request.request_id, payload=request.payload
        )))  # fmt: skip
    assert two.read().response.payload.data == b"of two"
    response = one.read().response
    assert (response.request_id, response.payload.data) == ("1", b"of one")


def test_a_worker_that_leaves_is_an_error_and_nothing_of_it_stays(client):
    target, one = client(), client()
    target.register("leaves")
    one.send("7", "leaves", "hello")
    target.read()
    target.close()
    response = one.read().response
    assert (response.request_id, response.error.partition(":")[0]) == ("7", "WorkerLostError")
    one.register("leaves")


def test_what_nobody_has_asked_and_what_is_nothing_is_passed_over(client):
    one = client()
    for number in ("1", "x", "", "-1", "999999999999999999999"):
        one.put(theirs.Message(response=theirs.RpcResponse(request_id=number, error="no")))
    one.put(theirs.Message())
    one.send("1", "nobody", "hello")
    assert one.read().response.error.startswith("UndeliverableException")


def test_what_is_no_message_ends_that_channel_alone(client):
    one, other = client(), client()
    one.put(b"\xff\xff\xff")
    assert refusal(one.read)[0] is grpc.StatusCode.INVALID_ARGUMENT
    payload = theirs.Payload(data_type="a.B", data_content_type="application/x-protobuf", data=b"\xff")
    another = client()
    another.put(theirs.Message(request=theirs.RpcRequest(request_id="1", payload=payload)))
    assert refusal(another.read)[0] is grpc.StatusCode.INVALID_ARGUMENT
    other.send("1", "nobody", "hello")
    assert other.read().response.error


def test_only_an_open_channel_registers_and_each_id_is_one_clients(channel, client):
    ghost = Client(channel)
    code, details = refusal(ghost.register, "ghost")
    assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, "a client opens its channel first")
    one = client()
    one.register("mine")
    assert "connected already" in refusal(client(one.name).read)[1]
    for name in ("", "x" * 1000):
        assert refusal(Client(channel, name or " ").register, "t")[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert "another worker" in refusal(client().register, "mine")[1]


def test_a_subscription_is_its_makers(client):
    one, other = client(), client()
    added = theirs.Subscription(id=uuid.uuid4().hex)
    added.prefix.topic_type_prefix, added.prefix.agent_type = "mine:", "mine"
    one.ask("AddSubscription", theirs.AddSubscriptionRequest(subscription=added))
    found = other.ask("GetSubscriptions", kind=theirs.GetSubscriptionsResponse).subscriptions
    assert added in found
    gone = theirs.RemoveSubscriptionRequest(id=added.id)
    assert refusal(other.ask, "RemoveSubscription", gone)[0] is grpc.StatusCode.INVALID_ARGUMENT
    one.ask("RemoveSubscription", gone)
    found = other.ask("GetSubscriptions", kind=theirs.GetSubscriptionsResponse).subscriptions
    assert added not in found
    empty = theirs.AddSubscriptionRequest(subscription=theirs.Subscription(id="x"))
    assert refusal(one.ask, "AddSubscription", empty)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_control_messages_are_passed_on_as_they_are(channel, client):
    data, asking = client(), Client(channel).open("OpenControlChannel")
    data.register("controlled")
    there = Client(channel, data.name).open("OpenControlChannel")
    for one in (there, asking):
        assert one.stream.initial_metadata() is not None  # it is open
    for destination in ("agentid=controlled/x", f"clientid={data.name}"):
        message = theirs.ControlMessage(rpc_id="1", destination=destination, respond_to=asking.name)
        asking.put(message)
        assert there.read(theirs.ControlMessage) == message
    asking.put(theirs.ControlMessage(destination="agentid=nobody/x"))
    assert "control channel" in refusal(asking.read)[1]
    there.close()


@pytest.mark.posix
def test_a_server_that_dies_comes_back_at_the_same_place():
    with RpcAgentServerLauncher(autogen_compat=True) as launcher:
        address, pid = launcher.autogen_address, launcher.connection.pid
        os.kill(pid, signal.SIGKILL)
        limit = time.monotonic() + 30
        while launcher.connection.pid == pid or not launcher.is_alive():
            assert time.monotonic() < limit
            time.sleep(0.02)
        assert launcher.autogen_address == address
        with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as opened:
            one = Client(opened).open()
            one.register("again")
            one.close()
