"""gRPC's standard health service, as load balancers ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher, ServerOptions, Spawned
from nbagents.rpc._health import MOST_WATCHERS, SERVICES
from nbagents.rpc._methods import health_paths, paths
from nbagents.rpc._proto import health_pb2 as pb

Response = pb.HealthCheckResponse
CHECK, LIST, WATCH = health_paths()


class Stub:
    """What the standard package's stub does."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        self.metadata = None if token is None else [("authorization", f"Bearer {token}")]
        self.channel = channel

    def check(self, service: str = "") -> int:
        body = pb.HealthCheckRequest(service=service).SerializeToString()
        answer = self.channel.unary_unary(CHECK)(body, metadata=self.metadata, timeout=10)
        return Response.FromString(answer).status

    def list(self) -> dict[str, int]:
        answer = self.channel.unary_unary(LIST)(b"", metadata=self.metadata, timeout=10)
        return {name: one.status for name, one in pb.HealthListResponse.FromString(answer).statuses.items()}

    def watch(self, service: str = "") -> Iterator[int]:
        body = pb.HealthCheckRequest(service=service).SerializeToString()
        for answer in self.channel.unary_stream(WATCH)(body, metadata=self.metadata, timeout=30):
            yield Response.FromString(answer).status


@pytest.fixture
def channel(server: RpcAgentServerLauncher) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def public() -> Iterator[RpcAgentServerLauncher]:
    with RpcAgentServerLauncher(public_health=True) as launcher:
        yield launcher


def test_the_messages_are_the_standard_ones():
    assert [f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch")] == [CHECK, LIST, WATCH]
    assert pb.HealthCheckRequest(service="s").SerializeToString() == b"\x0a\x01s"
    assert Response(status=Response.SERVING).SerializeToString() == b"\x08\x01"
    names = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
    assert [Response.ServingStatus.Value(name) for name in names] == [0, 1, 2, 3]
    assert pb.DESCRIPTOR.package != "grpc.health.v1", "whoever loads the standard package may go on doing so"


def test_a_server_that_runs_serves(server, channel):
    stub = Stub(channel, server.token)
    for service in SERVICES:
        assert stub.check(service) == Response.SERVING
        assert next(stub.watch(service)) == Response.SERVING
    assert stub.list() == dict.fromkeys(SERVICES, Response.SERVING)


def test_what_it_does_not_know_it_says_so(server, channel):
    stub = Stub(channel, server.token)
    with pytest.raises(grpc.RpcError) as caught:
        stub.check("nonsense")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert next(stub.watch("nonsense")) == Response.SERVICE_UNKNOWN
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(CHECK)(b"\xff\xff", metadata=stub.metadata, timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_whoever_watches_is_told_of_the_end(runtime: Path):
    with RpcAgentServerLauncher() as launcher, grpc.insecure_channel(launcher.address) as channel:
        watching = Stub(channel, launcher.token).watch()
        assert next(watching) == Response.SERVING
        RpcAgentClient(launcher.address).stop()
        assert list(watching) == [Response.NOT_SERVING]


def test_without_the_token_nothing_is_told(channel):
    stub = Stub(channel, None)
    for ask in (stub.check, stub.list, lambda: next(stub.watch())):
        with pytest.raises(grpc.RpcError) as caught:
            ask()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_made_public_it_is_told_to_all_and_it_alone(public: RpcAgentServerLauncher):
    with grpc.insecure_channel(public.address) as channel:
        for token in (None, "wrong"):
            stub = Stub(channel, token)
            assert stub.check() == next(stub.watch()) == Response.SERVING
            assert stub.list()[""] == Response.SERVING
        for path in paths():
            if path not in health_paths():
                with pytest.raises(grpc.RpcError) as caught:
                    list(channel.stream_stream(path)(iter([b""]), timeout=10))
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, path


def test_no_crowd_can_watch(public: RpcAgentServerLauncher):
    with grpc.insecure_channel(public.address) as channel:
        stub = Stub(channel, None)
        watching = [stub.watch() for _ in range(MOST_WATCHERS)]
        assert {next(one) for one in watching} == {Response.SERVING}
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.watch())
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.check() == Response.SERVING
    assert RpcAgentClient(public.address).is_alive()


@pytest.mark.linux
def test_questions_for_its_health_keep_no_server_alive(runtime: Path, wait_for):
    spawned = Spawned.start(ServerOptions(owner="user", idle_seconds=0.4, public_health=True))
    with grpc.insecure_channel(spawned.connection.address) as channel:

        def ended() -> bool:
            try:
                Stub(channel, None).check()
            except grpc.RpcError:
                return not spawned.is_alive()
            return False

        wait_for(ended)
    spawned.stop()
