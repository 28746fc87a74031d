"""`as_server`, AgentScope's command: in a terminal, and called."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import psutil
import pytest

import nbagents
from nbagents.rpc import RpcAgentClient, connections

CANARY = "sk-canary0123456789canary"


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def left(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir()]


def test_a_server_is_started_told_of_and_stopped(serving, run, agent_dir: Path, runtime: Path, gone):
    served = serving("as_server", "--port", 0, "--agent-dir", agent_dir, "--server-id", "mine")
    port = port_of(served.address)
    assert (served.server_id, served.address) == ("mine", f"127.0.0.1:{port}")
    assert served.token_file == runtime / "connections" / "nbagents" / "mine.json"
    client = RpcAgentClient("localhost", port)
    client.create_agent({"class_name": "Parrot", "args": ["Polly\x1b[31m\nKim"]}, "p1")
    assert client.update_placeholder(client.call_agent_func("_reply", "hi", "p1")).content.endswith("says hi")
    told = run("as_server", "status", "--port", port)
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0].startswith(f"agent server mine at localhost:{port}: process {served.pid}, ")
    assert lines[0].endswith("1 agent, 0 pending")
    assert lines[1].split() == ["agent", "type", "id", "messages"]
    assert lines[2].split() == ["Polly", "Kim", "Parrot", "p1", "0"]
    assert run("as_server", "status", "--server-id", "mine").stdout.splitlines()[1:] == lines[1:]
    stopped = run("as_server", "stop", "--host", "localhost", "--port", port)
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "agent server mine has ended\n", "")
    assert served.ended() == (0, "", "")
    gone(served.pid)
    assert left(runtime) == []
    for command in ("status", "stop"):
        missed = run("as_server", command, "--port", port)
        assert (missed.returncode, missed.stdout) == (1, "")
        assert missed.stderr.startswith(f"as_server: no token for the agent server at 127.0.0.1:{port}")
        missed = run("as_server", command, "--server-id", "mine")
        assert missed.stderr == "as_server: no agent server of yours on this machine has the id 'mine'\n"
        assert missed.returncode == 1


def test_start_can_be_said(serving, run):
    served = serving("as_server", "start", "--port", 0)
    assert run("as_server", "stop", "--server-id", served.server_id).returncode == 0
    assert served.ended()[0] == 0


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(serving, runtime: Path, number: int, gone):
    served = serving("as_server", "--port", 0)
    assert served.end(number) == (0, "", "stopping\n")
    gone(served.pid)
    assert left(runtime) == []


@pytest.mark.linux
def test_a_server_ends_with_its_command_whatever_happens_to_it(serving, runtime: Path, gone):
    served = serving("as_server", "--port", 0)
    served.process.kill()
    gone(served.pid)
    served.process.wait()
    assert left(runtime) == []


@pytest.mark.linux
def test_a_server_that_is_killed_fails_its_command(serving):
    served = serving("as_server", "--port", 0)
    os.kill(served.pid, signal.SIGKILL)
    status, _, errors = served.ended()
    assert (status, errors) == (
        1,
        f"as_server: the agent server {served.server_id} ended by itself, with status -9\n",
    )


def test_every_option_is_taken(serving, run, agent_dir: Path, tmp_path: Path):
    (tmp_path / "models.json").write_text("[]")
    options = {
        "--host": "0.0.0.0",
        "--port": 0,
        "--max-pool-size": 5,
        "--max-timeout-seconds": 60,
        "--local-mode": "true",
        "--model-config-path": tmp_path / "models.json",
        "--server-id": "all",
        "--studio-url": "http://localhost:9",
        "--agent-dir": agent_dir,
    }
    flags = ["--no-log", "--save-api-invoke", "--use-monitor"]
    served = serving("as_server", *(part for pair in options.items() for part in pair), *flags)
    assert served.address.startswith("127.0.0.1:")
    client = RpcAgentClient("localhost", port_of(served.address))
    client.create_agent({"class_name": "Parrot", "args": ["p"]}, "p")
    tasks = [client.call_agent_func("_reply", n, "p") for n in range(7)]
    assert client.update_placeholder(tasks[-1]).content == "p says 6"
    with pytest.raises(nbagents.exceptions.ResultExpiredError):
        client.update_placeholder(tasks[0])
    assert served.end() == (0, "", "stopping\n"), "nothing of the studio that is not there: --no-log"


@pytest.mark.parametrize(
    ("given", "local"),
    [
        (["--local-mode"], True),
        (["--local-mode", "true"], True),
        (["--local-mode", "1"], True),
        (["--local-mode", "False"], False),
        (["--local-mode", "no"], False),
        ([], False),
    ],
)
def test_local_mode_is_what_it_says(serving, run, given: list[str], local: bool):
    refused = run("as_server", "--host", "0.0.0.0", "--port", 0, *given) if not local else None
    if refused is not None:
        assert refused.returncode == 1
        assert refused.stderr.startswith("as_server: public bind needs tls= and a token, or insecure=True")
        assert len(refused.stderr.splitlines()) == 1
        return
    served = serving("as_server", "--host", "0.0.0.0", *given, "--port", 0)
    assert served.address.startswith("127.0.0.1:")


def test_the_configurations_of_models_are_known_and_their_keys_nowhere_else(
    serving, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = {
        "config_name": "mine",
        "model_type": "openai_chat",
        "model_name": "m",
        "api_key": CANARY,
        "client_args": {"base_url": "http://127.0.0.1:9/v1"},
    }
    path = tmp_path / "models.json"
    path.write_text(json.dumps([config]))
    served = serving(
        "as_server", "--port", 0, "--model-config-path", "models.json",
        cwd=tmp_path, env={"OPENAI_API_KEY": CANARY},
    )  # fmt: skip
    client = RpcAgentClient("localhost", port_of(served.address))
    kwargs = {"model_config_name": "mine"}
    client.create_agent({"class_name": "DialogAgent", "args": ["d", "s"], "kwargs": kwargs}, "d")
    assert client.get_agent_list()[0]["model_name"] == "m"
    shown = ["\0".join(psutil.Process(pid).cmdline()) for pid in (served.pid, served.process.pid)]
    token = connections()[0].token
    status, out, errors = served.end()
    assert status == 0
    for text in (*shown, out, errors, json.dumps(client.get_agent_list.__doc__)):
        assert CANARY not in text
        assert token not in text
    for file in runtime.rglob("*"):
        assert not file.is_file() or CANARY not in file.read_text(errors="replace")


def test_what_cannot_be_is_one_line_and_a_status(run, tmp_path: Path, runtime: Path):
    (tmp_path / "bad.json").write_text('{"api_key": "' + CANARY + '", ')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, why in (
            (["--port", port], f"port {port} of localhost is taken"),
            (["--port", 0, "--agent-dir", tmp_path / "nowhere"], "is not a folder"),
            (["--port", 0, "--model-config-path", tmp_path / "nowhere.json"], "cannot read"),
            (["--port", 0, "--model-config-path", tmp_path / "bad.json"], "is not JSON"),
            (["--port", 0, "--max-pool-size", 0], "max_pool_size must be positive"),
            (["--port", 0, "--server-id", "../x"], "is not a valid id"),
            (["--port", 0, "--studio-url", "http://example.org"], "without TLS"),
            (["--port", 0, "--tls-cert", "x"], "both"),
            (["--port", 0, "--export", tmp_path / "nowhere"], "is not a folder"),
        ):
            failed = run("as_server", *arguments)
            assert (failed.returncode, failed.stdout) == (1, ""), arguments
            assert why in failed.stderr
            assert failed.stderr.startswith("as_server: ")
            assert len(failed.stderr.splitlines()) == 1
            assert CANARY not in failed.stderr
    for arguments in (["--port", "-1"], ["--port", "65536"], ["--port", "x"], ["--local-mode", "maybe"]):
        failed = run("as_server", *arguments)
        assert failed.returncode == 2
        assert arguments[1] in failed.stderr
    assert left(runtime) == []


def test_what_lies_in_the_folder_is_not_imported(serving, trapped: Path, agent_dir: Path, monkeypatch):
    served = serving("as_server", "--port", 0, "--agent-dir", agent_dir, cwd=trapped)
    client = RpcAgentClient("localhost", port_of(served.address))
    client.create_agent({"class_name": "Window", "args": ["w"]}, "w")
    seen = client.update_placeholder(client.call_agent_func("_reply", None, "w")).content
    assert not (trapped / "sprung").exists()
    assert str(trapped) not in [seen["cwd"], *seen["path"]]
    assert not seen["grpc"].startswith(str(trapped))
    assert "OPENAI_API_KEY" not in seen["environ"]


def test_it_can_be_called(runtime: Path, capsys: pytest.CaptureFixture[str]):
    """As AgentScope's own is: it serves, and returns when the server was stopped. Here on a thread."""
    ended: list[object] = []

    def call() -> None:
        try:
            nbagents.as_server(["--port", "0", "--server-id", "called"])
            ended.append(None)
        except SystemExit as error:
            ended.append(error.code)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        for _ in range(1000):
            if "token:" in (said := capsys.readouterr().out):
                break
            thread.join(0.02)
        assert "agent server called listens at 127.0.0.1:" in said
    finally:
        nbagents.as_server(["stop", "--server-id", "called"])
        thread.join(20)
    assert ended == [None]
    with pytest.raises(SystemExit) as caught:
        nbagents.as_server(["status", "--server-id", "called"])
    assert caught.value.code == 1
