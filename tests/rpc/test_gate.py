"""Every method of every service wants the token, and a new one without a declared policy fails here."""

from __future__ import annotations

import asyncio
import threading
import types
from typing import Any

import grpc
import pytest

from nbagents.exceptions import AuthenticationError
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._gate import TokenGate, add_services
from nbagents.rpc._health import Health
from nbagents.rpc._methods import STREAM_REQUESTS, paths
from nbagents.rpc._options import ServerOptions
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._servicer import AgentServerServicer
from nbagents.rpc._topics._autogen import AutoGenFacade

METHODS = (
    "is_alive", "stop", "create_agent", "delete_agent", "clone_agent", "delete_all_agents", "call_agent_func",
    "update_placeholder", "get_agent_list", "get_server_info", "set_model_configs", "get_agent_memory",
    "download_file",
)  # fmt: skip
POLICY = {
    f"/{service}/{name}": "token" for service in ("RpcAgent", "nbagents.v1.RpcAgent") for name in METHODS
}
POLICY |= {"/nbagents.v1.AgentServer/Attach": "token"}
POLICY |= {f"/grpc.health.v1.Health/{name}": "token, or public" for name in ("Check", "List", "Watch")}
"""Who may call what: a method that a server offers and that is not here is an open door."""
OPEN = {
    f"/agents.AgentRpc/{name}": "every program of this machine, at a listener of its own, if it was asked for"
    for name in (
        "OpenChannel", "OpenControlChannel",
        "RegisterAgent", "AddSubscription", "RemoveSubscription", "GetSubscriptions",
    )
}  # fmt: skip
"""The one exception: AutoGen's own workers send no token."""
OVER_THE_STREAM = {
    "waits": "a server asks another of its user",
    "begin_run": "sees a run", "note_run": "sees a run", "end_run": "sees a run", "runs": "sees a run",
    "run_events": "sees a run", "watch_run": "sees a run", "stop_run": "stops", "stop_call": "stops",
    "questions": "answers", "answer": "answers", "leave_question": "answers", "ask": "asks",
    "show_question": "sees a question",
    "interrupt": "stops",
    "declare": "serves agent types", "retire": "stops serving", "ring": "sees who waits",
    "topics": "sees who subscribes",
    "limit_run": "lends", "grant_run": "lends", "share_run": "lends", "recall_run": "takes back",
    "tape_run": "records", "tape_answer": "answers from a recording",
    "edit_memory": "changes an agent", "fork_agent": "makes an agent",
    "sent_to_model": "sees an agent", "log": "sees the log",
}  # fmt: skip
"""What can be requested by an attached session of the user alone, and what for."""
DIRECT = [("grpc.enable_http_proxy", 0)]
UNKNOWN = ["/nbagents.v1.RpcAgent/nonsense", "/nonsense.Nonsense/nonsense", "/grpc.health.v1.Health/nonsense"]
UNKNOWN += [
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/RpcAgent/Attach",
    "/RpcAgent/",
]


class Registered:
    """Stands where gRPC's server does, and notes what is registered."""

    def __init__(self) -> None:
        self.methods: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        for handler in handlers:
            self.methods |= handler._method_handlers


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.address) as opened:
        yield opened


def refused(channel, path: str, metadata) -> tuple[grpc.StatusCode, str]:
    """Call a method as the generated stubs would; return how it was refused."""
    streaming = path.endswith(("Attach", "download_file", "ServerReflectionInfo", "Watch"))
    try:
        if streaming:
            call = channel.stream_stream(path)
            for _ in call(iter([pb.Batch().SerializeToString()]), metadata=metadata, timeout=10):
                pass
        else:
            channel.unary_unary(path)(b"", metadata=metadata, timeout=10)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def test_every_method_that_is_registered_has_a_policy():
    registered = Registered()
    add_services(registered, AgentServerServicer(threading.Event()), Health())
    assert set(registered.methods) == set(POLICY)
    assert set(paths()) == set(POLICY)


def test_the_exception_is_declared_and_on_no_server_that_was_not_asked_for_it():
    registered = Registered()
    AutoGenFacade(AgentServerServicer(threading.Event())._topics).register(registered)
    assert set(registered.methods) == set(OPEN)
    assert ServerOptions().autogen_port is None
    assert not set(OPEN) & set(POLICY)


def test_a_server_that_was_not_asked_lets_nobody_in_without_a_token(caplog):
    with RpcAgentServerLauncher() as launcher:
        assert launcher.autogen_address == ""
    assert "UNAUTHENTICATED" not in caplog.text


def test_what_needs_no_token_is_announced_and_is_on_a_listener_of_its_own(caplog):
    with RpcAgentServerLauncher(port=0, autogen_compat=True) as launcher:
        (said,) = [one.getMessage() for one in caplog.records if "UNAUTHENTICATED" in one.getMessage()]
        assert launcher.autogen_address in said
        assert launcher.autogen_address.startswith("127.0.0.1:")
        assert launcher.autogen_address != launcher.address
        token = [("authorization", f"Bearer {launcher.token}")]
        with grpc.insecure_channel(launcher.autogen_address, DIRECT) as there:
            for path in paths():  # whatever else the server offers is not there, whoever asks
                assert refused(there, path, token)[0] is grpc.StatusCode.UNIMPLEMENTED
            ask = there.unary_unary("/agents.AgentRpc/GetSubscriptions")
            with pytest.raises(grpc.RpcError, match="client-id"):
                ask(b"", timeout=10)
        with grpc.insecure_channel(launcher.address, DIRECT) as ours:
            for path in OPEN:
                assert refused(ours, path, None)[0] is grpc.StatusCode.UNAUTHENTICATED
                assert refused(ours, path, token)[0] is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("public_health", [False, True])
def test_the_gate_lets_nothing_through_but_what_its_policy_opens(public_health: bool):
    gate = TokenGate("token", public_health=public_health)
    registered = Registered()
    add_services(registered, AgentServerServicer(threading.Event()), Health())

    async def through() -> set[str]:
        passed = set()
        for path, handler in [*registered.methods.items(), *[(path, None) for path in UNKNOWN]]:

            async def continuation(_: Any, handler: Any = handler) -> Any:
                return handler

            details = types.SimpleNamespace(method=path, invocation_metadata=())
            if await gate.intercept_service(continuation, details) is handler:
                passed.add(path)
        return passed

    opened = {path for path, who in POLICY.items() if public_health and "public" in who}
    assert asyncio.run(through()) == opened


def test_what_can_be_requested_over_the_stream_is_declared():
    assert set(STREAM_REQUESTS) == set(OVER_THE_STREAM) | set(METHODS)
    assert not set(OVER_THE_STREAM) & {path.rpartition("/")[2] for path in paths()}


def test_the_methods_are_those_of_the_contract():
    services = pb.DESCRIPTOR.services_by_name.values()
    described = {f"/{s.full_name}/{m.name}" for s in services for m in s.methods}
    legacy = {f"/RpcAgent/{m.name}" for m in pb.DESCRIPTOR.services_by_name["RpcAgent"].methods}
    health = {f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch")}
    assert set(paths()) == described | legacy | health
    assert len(legacy) == 13


@pytest.mark.parametrize("name", OVER_THE_STREAM)
def test_what_is_for_the_stream_is_no_method_of_its_own(server, channel, name: str):
    token = [("authorization", f"Bearer {server.token}")]
    for service in ("RpcAgent", "nbagents.v1.RpcAgent", "nbagents.v1.AgentServer"):
        code, _ = refused(channel, f"/{service}/{name}", token)
        assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("path", [*paths(), *UNKNOWN])
def test_without_the_token_every_method_is_refused(server, channel, path: str):
    other = "A" * len(server.token)
    for metadata in (
        None,
        [("authorization", "")],
        [("authorization", "Bearer ")],
        [("authorization", f"Bearer {other}")],
        [("authorization", f"Bearer {server.token[:-1]}")],
        [("authorization", f"Bearer {server.token}x")],
        [("authorization", server.token)],
        [("authorization", f"Basic {server.token}")],
        [("token", server.token)],
        [("authorization-bin", f"Bearer {server.token}".encode())],
    ):
        code, details = refused(channel, path, metadata)
        assert code is grpc.StatusCode.UNAUTHENTICATED, metadata
        assert server.token not in details


@pytest.mark.parametrize("path", UNKNOWN)
def test_with_the_token_an_unknown_method_is_unknown(server, channel, path: str):
    code, _ = refused(channel, path, [("authorization", f"Bearer {server.token}")])
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_nothing_has_happened_to_the_server(client):
    assert client.is_alive()
    assert client.get_agent_list() == []


def test_a_client_with_a_wrong_token_is_told_so(server):
    stranger = RpcAgentClient(server.address, token="wrong")
    with pytest.raises(AuthenticationError, match="refused the token"):
        stranger.get_agent_list()
    assert not stranger.is_alive()
    with pytest.raises(AuthenticationError, match="no server of yours listens there"):
        RpcAgentClient("localhost", 1).get_agent_list()


def test_each_start_has_a_token_of_its_own(server):
    with RpcAgentServerLauncher() as other:
        assert other.token != server.token
        assert len(other.token) >= 43  # 256 bits
        with pytest.raises(AuthenticationError):
            RpcAgentClient(other.address, token=server.token).get_agent_list()
