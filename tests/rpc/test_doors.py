"""Launching servers in every way that there is, and a servicer without any."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from remote_agents import Echo, Failing, Fussy, Slow

import nbagents
from nbagents import _loop
from nbagents.config import model_configs
from nbagents.exceptions import (
    AgentCreationError,
    AgentNotFoundError,
    AgentServerError,
    AuthenticationError,
    NbAgentsError,
    RemoteAgentError,
    UsageError,
)
from nbagents.message import Msg
from nbagents.rpc import (
    AgentServerServicer,
    RpcAgentClient,
    RpcAgentServerLauncher,
    RpcAgentServicer,
    RpcServerSideWrapper,
    ServerOptions,
    Spawned,
)
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._proto.agent_pb2_grpc import RpcAgentStub, add_RpcAgentServicer_to_server

NOTHING = empty_pb2.Empty()


def settings(kind: str, name: str) -> bytes:
    return json.dumps({"class_name": kind, "args": [name]}).encode()


# ---------------------------------------------------------------------------- the names


def test_the_public_module_offers_what_agentscopes_does():
    import nbagents.rpc
    import nbagents.server

    assert nbagents.server.RpcAgentServerLauncher is nbagents.rpc.RpcAgentServerLauncher
    assert nbagents.server.AgentServerServicer is nbagents.AgentServerServicer
    assert nbagents.server.as_server is nbagents.as_server
    assert nbagents.server.RpcServerSideWrapper is nbagents.RpcServerSideWrapper is RpcServerSideWrapper
    assert set(nbagents.server.__all__) == set(dir(nbagents.server))
    with pytest.raises(AttributeError):
        nbagents.server.nonsense  # noqa: B018


LIGHT = """
import sys, nbagents.server
nbagents.server.RpcAgentServerLauncher, nbagents.server.as_server
print(sorted({"grpc", "google", "http.client", "openai"} & set(sys.modules)))
"""


def test_the_public_module_is_light(tmp_path: Path):
    run = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.replace("'", '"')) == []


def test_the_former_name_warns():
    with pytest.warns(DeprecationWarning, match="it is called AgentServerServicer now") as caught:
        servicer = RpcServerSideWrapper(threading.Event(), "localhost", 1, "id")
    assert caught[0].filename == __file__
    assert isinstance(servicer, AgentServerServicer)
    assert servicer.server_id == "id"
    servicer.close()


def test_every_option_stands_where_agentscope_has_it():
    launcher = RpcAgentServerLauncher("localhost", 12310, 5, 6, True, None, [Echo], "id", None)
    options = launcher.options
    assert (options.host, options.port, options.max_pool_size, options.max_timeout_seconds) == (
        "localhost",
        12310,
        5,
        6,
    )
    assert (launcher.local_mode, launcher.custom_agent_classes, launcher.server_id) == (True, [Echo], "id")
    servicer = AgentServerServicer(threading.Event(), "h", 1, "id", None, 5, 6)
    assert (servicer.host, servicer.port, servicer.server_id) == ("h", 1, "id")
    servicer.close()


# ---------------------------------------------------------------------------- a servicer of one's own


@pytest.fixture
def servicer():
    made = AgentServerServicer(threading.Event(), custom_agent_classes=[Echo, Failing, Fussy, Slow])
    yield made
    made.delete_all_agents(NOTHING)
    _loop.background().post(made.close)  # all of it is done on the loop


def test_a_servicer_answers_in_process(servicer: AgentServerServicer):
    assert isinstance(servicer, RpcAgentServicer)
    assert servicer.is_alive(NOTHING, None).ok
    assert servicer.create_agent(
        pb.CreateAgentRequest(agent_id="e", agent_init_args=settings("Echo", "e"))
    ).ok
    assert servicer.agent_exists("e")
    assert not servicer.agent_exists("f")
    assert servicer.get_agent("e").name == "e"
    with pytest.raises(AgentNotFoundError):
        servicer.get_agent("f")
    assert servicer.get_task_id() < servicer.get_task_id()
    message = json.dumps(Msg("user", "hi").to_dict())
    called = servicer.call_agent_func(pb.RpcMsg(value=message, target_func="_reply", agent_id="e"))
    reply = servicer.update_placeholder(pb.UpdatePlaceholderRequest(task_id=int(called.message)))
    assert json.loads(reply.message)["content"] == "e heard hi"
    clone = servicer.clone_agent(pb.StringMsg(value="e")).message
    listed = json.loads(servicer.get_agent_list(NOTHING).message)
    assert [one["agent_id"] for one in listed] == ["e", clone]
    assert len(json.loads(servicer.get_agent_memory(pb.StringMsg(value="e")).message)) == 2
    assert servicer.delete_agent(pb.StringMsg(value="e")).ok
    assert not servicer.delete_agent(pb.StringMsg(value="e")).ok
    assert json.loads(servicer.get_server_info(NOTHING).message)["size"] == 1
    assert not servicer.set_model_configs(pb.StringMsg(value="3")).ok
    with pytest.raises(NbAgentsError, match="exports no files"):
        list(servicer.download_file(pb.StringMsg(value="x")))
    assert not servicer.stop_event.is_set()
    assert servicer.stop(NOTHING).ok
    assert servicer.stop_event.wait(5)


def test_a_servicer_raises_what_went_wrong_where_nobody_else_can_be_told(servicer: AgentServerServicer):
    with pytest.raises(AgentCreationError, match="does not want to be made"):
        servicer.create_agent(pb.CreateAgentRequest(agent_id="f", agent_init_args=settings("Fussy", "f")))
    with pytest.raises(AgentCreationError, match="is not registered on this server"):
        servicer.create_agent(pb.CreateAgentRequest(agent_id="f", agent_init_args=settings("os:system", "f")))
    servicer.create_agent(pb.CreateAgentRequest(agent_id="f", agent_init_args=settings("Failing", "f")))
    called = servicer.call_agent_func(pb.RpcMsg(value="null", target_func="_reply", agent_id="f"))
    with pytest.raises(RemoteAgentError, match="that went wrong"):
        servicer.update_placeholder(pb.UpdatePlaceholderRequest(task_id=int(called.message)))


def test_a_servicer_is_awaited_on_another_loop(servicer: AgentServerServicer):
    async def main() -> int:
        request = pb.CreateAgentRequest(agent_id="e", agent_init_args=settings("Echo", "e"))
        assert (await servicer.create_agent(request)).ok
        answers = await asyncio.gather(*(servicer.get_server_info(NOTHING) for _ in range(10)))
        return sum(json.loads(answer.message)["size"] for answer in answers)

    assert asyncio.run(main()) == 10


def exercised(port: int) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)]) as channel:
        stub = RpcAgentStub(channel)
        request = pb.CreateAgentRequest(agent_id="e", agent_init_args=settings("Echo", "e"))
        assert stub.create_agent(request, timeout=10).ok
        called = stub.call_agent_func(pb.RpcMsg(value="null", target_func="_reply", agent_id="e"), timeout=10)
        task = pb.UpdatePlaceholderRequest(task_id=int(called.message))
        assert json.loads(stub.update_placeholder(task, timeout=10).message)["content"] == "e heard None"
        for ask, code in (
            (lambda: stub.create_agent(request, timeout=10), grpc.StatusCode.FAILED_PRECONDITION),
            (
                lambda: list(stub.download_file(pb.StringMsg(value="x"), timeout=10)),
                grpc.StatusCode.NOT_FOUND,
            ),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                ask()
            assert caught.value.code() is code
            assert "Exception" not in caught.value.details()


def test_a_servicer_serves_in_somebodys_own_server_with_threads(servicer: AgentServerServicer):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    add_RpcAgentServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        exercised(port)
    finally:
        server.stop(0).wait()


def test_a_servicer_serves_in_somebodys_own_server_with_a_loop(servicer: AgentServerServicer):
    async def main() -> None:
        server = grpc.aio.server()
        add_RpcAgentServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            await asyncio.to_thread(exercised, port)
        finally:
            await server.stop(0)

    asyncio.run(main())


def test_waiting_in_a_servicer_ends_with_the_call(servicer: AgentServerServicer, wait_for):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    add_RpcAgentServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)]) as channel:
            stub = RpcAgentStub(channel)
            stub.create_agent(pb.CreateAgentRequest(agent_id="s", agent_init_args=settings("Slow", "s")))
            called = stub.call_agent_func(pb.RpcMsg(value="60", target_func="_reply", agent_id="s"))
            task = pb.UpdatePlaceholderRequest(task_id=int(called.message))
            with pytest.raises(grpc.RpcError):
                stub.update_placeholder(task, timeout=0.3)
            assert stub.is_alive(NOTHING, timeout=10).ok, "the only thread is free again"
    finally:
        server.stop(0).wait()


# ---------------------------------------------------------------------------- launching


@pytest.mark.parametrize("in_subprocess", [True, False])
def test_a_server_can_be_launched_where_a_loop_runs(runtime: Path, in_subprocess: bool):
    async def cell() -> str:
        with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo]) as launcher:
            client = RpcAgentClient("localhost", launcher.port)
            client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
            return client.update_placeholder(client.call_agent_func("_reply", "hi", "e")).content

    async def other_cell() -> str:
        launcher = RpcAgentServerLauncher(custom_agent_classes=[Echo])
        launcher.launch(in_subprocess=in_subprocess)
        client = RpcAgentClient(launcher.address)
        try:
            client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
            return client.update_placeholder(client.call_agent_func("_reply", "hi", "e")).content
        finally:
            launcher.shutdown()

    assert asyncio.run(cell()) == asyncio.run(other_cell()) == "e heard hi"


def test_a_server_knows_the_model_configurations_from_its_start(runtime: Path, monkeypatch):
    monkeypatch.setattr(model_configs, "_configs", {})
    model_configs.load({"config_name": "mine", "model_type": "openai_chat", "api_key": "sk-0123456789abcdef"})
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address)
        kwargs = {"model_config_name": "mine"}
        client.create_agent({"class_name": "DialogAgent", "args": ["d", "s"], "kwargs": kwargs}, "d")
        kwargs = {"model_config_name": "my own"}
        with pytest.raises(UsageError, match=r"Loaded: mine$"):
            client.create_agent({"class_name": "DialogAgent", "args": ["d", "s"], "kwargs": kwargs}, "x")


@pytest.mark.parametrize("in_subprocess", [True, False])
@pytest.mark.parametrize(
    ("host", "why"),
    [("192.0.2.1", "192.0.2.1 is not an address of this machine"), ("nowhere.invalid", "nowhere.invalid")],
)
def test_an_address_that_is_not_ours_is_named(runtime: Path, host: str, why: str, in_subprocess: bool):
    launcher = RpcAgentServerLauncher(host, 12399, insecure=True)
    with pytest.raises(AgentServerError, match=f"port 12399 of {host} cannot be had: {why}"):
        launcher.launch(in_subprocess=in_subprocess)
    assert not launcher.is_alive()


def test_a_busy_public_port_is_named(runtime: Path):
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AgentServerError, match=f"port {port} of 0.0.0.0 is taken"):
            RpcAgentServerLauncher("0.0.0.0", port, insecure=True).launch()


@pytest.mark.parametrize(
    "options",
    [{"export_limit": 0}, {"max_pool_size": -1}, {"studio_url": "ftp://x"}, {"token_file": "nowhere"}],
)
def test_options_that_cannot_be_are_refused(runtime: Path, options: dict):
    with pytest.raises(UsageError, match=next(iter(options)).replace("token_file", "the token file")):
        RpcAgentServerLauncher(**options).launch()


# ---------------------------------------------------------------------------- a token that is kept


def test_a_token_can_be_kept_over_starts(runtime: Path, tmp_path: Path):
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text("t" * 40 + "\n")
    for _ in range(2):
        with RpcAgentServerLauncher(token_file=file) as launcher:
            assert launcher.token == "t" * 40
            assert RpcAgentClient(launcher.address, token="t" * 40).is_alive()


@pytest.mark.long
@pytest.mark.parametrize(
    "text", ["", "short", "x" * 31, "ü" * 40, "x" * 5000, "two words " * 10, "a\x00" * 40]
)
def test_a_token_that_is_none_is_refused(runtime: Path, tmp_path: Path, text: str):
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(text)
    with pytest.raises(UsageError, match="must have 32 or more") as caught:
        RpcAgentServerLauncher(token_file=file).launch()
    assert str(file) in str(caught.value)
    assert not text or text not in str(caught.value)


@pytest.mark.long
@pytest.mark.posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_token_that_others_can_read_is_refused(runtime: Path, tmp_path: Path, mode: int):
    file = tmp_path / "token"
    file.write_text("t" * 40)
    file.chmod(mode)
    with pytest.raises(UsageError, match="is open to others"):
        RpcAgentServerLauncher(token_file=file).launch()
    with pytest.raises(UsageError, match="cannot be read"):
        RpcAgentServerLauncher(token_file=tmp_path).launch()


def test_no_other_token_opens_the_door(runtime: Path, tmp_path: Path):
    """Missing, empty, short, that of another server, that of the run before."""
    with RpcAgentServerLauncher(server_id="mine") as launcher:
        before = launcher.token
    with RpcAgentServerLauncher() as other, RpcAgentServerLauncher(server_id="mine") as launcher:
        assert len({before, other.token, launcher.token}) == 3
        short = launcher.token[:-1]
        for token in ("", " ", short, launcher.token + "x", other.token, before, launcher.token.swapcase()):
            with pytest.raises(AuthenticationError, match="refused the token") as caught:
                RpcAgentClient(launcher.address, token=token).get_agent_list()
            assert launcher.token not in str(caught.value)
        launcher.connection.path.unlink()
        with pytest.raises(AuthenticationError, match="no token for the agent server"):
            RpcAgentClient(launcher.address).get_agent_list()


# ---------------------------------------------------------------------------- what lies about


def test_what_lies_in_the_folder_is_not_imported(runtime: Path, trapped: Path):
    script = "from nbagents.rpc import *\nwith RpcAgentServerLauncher(port=0) as l: print(l.is_alive())"
    run = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=trapped, capture_output=True, text=True, timeout=60
    )
    assert (run.stdout, run.stderr) == ("True\n", "")
    assert not (trapped / "sprung").exists()


def test_nor_what_lies_in_a_folder_of_agents(runtime: Path, trapped: Path):
    (trapped / "mine.py").write_text(
        "import wave\n"  # of the standard library, and not loaded before
        "from nbagents.agents import AgentBase\n"
        "class Mine(AgentBase):\n"
        "    def reply(self, x=None):\n"
        "        return wave.__file__\n"
    )
    (trapped / "wave.py").write_text("")
    for name in ("grpc.py", "nbagents.py", "sitecustomize.py"):
        (trapped / name).unlink()
    with RpcAgentServerLauncher(agent_dir=str(trapped)) as launcher:
        client = RpcAgentClient(launcher.address)
        client.create_agent({"class_name": "Mine", "args": ["m"]}, "m")
        where = client.update_placeholder(client.call_agent_func("_reply", None, "m")).content
        assert not where.startswith(str(trapped))


def test_an_empty_part_of_the_import_path_is_no_folder(runtime: Path, monkeypatch, tmp_path: Path):
    (tmp_path / "grpc.py").write_text("raise SystemExit('sprung')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the folder in which servers are started
    monkeypatch.setenv("PYTHONPATH", f":{Path(nbagents.__file__).parents[1]}:")
    Spawned.start(ServerOptions()).stop()
