"""`nbagents serve`, for machines where nobody sits."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest
import trustme

from nbagents.exceptions import AuthenticationError
from nbagents.rpc import RpcAgentClient, connections


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text("t" * 40 + "\n")
    return file


def test_by_default_it_serves_its_user_on_a_socket(serving, runtime: Path, gone):
    served = serving("nbagents", "serve")
    assert served.address.startswith(f"unix:{runtime}")
    (connection,) = connections()
    assert (connection.path, connection.pid, connection.owner) == (served.token_file, served.pid, "service")
    assert RpcAgentClient(served.address).get_server_info()["id"] == served.server_id
    assert not connection.fits_here(), "notebooks do not take it for their own"
    assert served.end() == (0, "", "stopping\n")
    gone(served.pid)
    assert [path for path in runtime.rglob("*") if not path.is_dir()] == []


def test_everything_at_once(serving, tmp_path: Path, token_file: Path, agent_dir: Path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "hello.txt").write_text("hello")
    served = serving(
        *("nbagents", "serve", "--host", "0.0.0.0", "--port", 0, "--server-id", "big"),
        *("--tls-cert", "cert.pem", "--tls-key", "key.pem", "--public-health", "--export", "out"),
        *("--agent-dir", agent_dir.name, "--token-file", "token"),
        cwd=tmp_path,
    )
    assert (served.server_id, served.token_file) == ("big", token_file)
    port = int(served.address.removeprefix("0.0.0.0:"))
    client = RpcAgentClient("localhost", port, token="t" * 40, ca=tmp_path / "ca.pem")
    client.create_agent({"class_name": "Parrot", "args": ["p"]}, "p")
    assert client.update_placeholder(client.call_agent_func("_reply", 1, "p")).content == "p says 1"
    assert Path(client.download_file("hello.txt")).read_text() == "hello"
    credentials = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
    direct = [("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(f"localhost:{port}", credentials, direct) as channel:
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10) == b"\x08\x01"
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/RpcAgent/is_alive")(b"", timeout=10)
    client.stop()
    assert served.ended() == (0, "", "")


def test_insecure_is_said_aloud(serving):
    served = serving("nbagents", "serve", "--host", "0.0.0.0", "--port", 0, "--insecure")
    port = int(served.address.removeprefix("0.0.0.0:"))
    assert RpcAgentClient("localhost", port).is_alive()
    status, _, errors = served.end()
    assert status == 0
    assert errors.count("INSECURE: this agent server listens on 0.0.0.0:") == 1


def test_what_cannot_be_is_one_line_and_a_status(run, tmp_path: Path, token_file: Path):
    open_file = tmp_path / "open"
    open_file.write_text("t" * 40)
    open_file.chmod(0o644)
    (tmp_path / "short").touch(0o600)
    (tmp_path / "short").write_text("short-and-secret")
    for arguments, why in (
        (["--host", "0.0.0.0", "--port", 0], "public bind needs tls= and a token, or insecure=True"),
        (["--host", "::", "--port", 0, "--token-file", token_file], "public bind needs tls="),
        (["--host", "0.0.0.0", "--insecure"], "needs a port"),
        (["--token-file", tmp_path / "nowhere"], "cannot be read"),
        (["--token-file", open_file], "is open to others"),
        (["--token-file", tmp_path / "short"], "must have 32 or more"),
        (["--port", 0, "--tls-cert", token_file, "--tls-key", token_file], "cannot be used"),
        (["--export", "/"], "cannot be the whole machine"),
    ):
        failed = run("nbagents", "serve", *arguments)
        assert (failed.returncode, failed.stdout) == (1, ""), arguments
        assert why in failed.stderr
        assert failed.stderr.startswith("nbagents serve: ")
        assert "secret" not in failed.stderr
        assert "t" * 40 not in failed.stderr
        assert [line for line in failed.stderr.splitlines()[1:] if not line.startswith("Try: ")] == []


def test_the_token_is_shown_nowhere(serving, token_file: Path, runtime: Path):
    served = serving("nbagents", "serve", "--port", 0, "--token-file", token_file)
    client = RpcAgentClient("localhost", int(served.address.rpartition(":")[2]), token="t" * 40)
    assert client.is_alive()
    for token in ("", "t" * 39, "t" * 41):
        with pytest.raises(AuthenticationError):
            RpcAgentClient("localhost", client.port, token=token).get_server_info()
    commands = ["\0".join(psutil.Process(pid).cmdline()) for pid in (served.pid, served.process.pid)]
    for text in (*commands, *served.end()[1:]):
        assert "t" * 39 not in text


def test_what_lies_in_the_folder_is_not_imported(serving, trapped: Path):
    served = serving("nbagents", "serve", cwd=trapped)
    assert RpcAgentClient(served.address).is_alive()
    assert not (trapped / "sprung").exists()


@pytest.mark.linux
def test_it_ends_with_its_command_and_never_by_itself(serving, gone):
    served = serving("nbagents", "serve")
    os.kill(served.process.pid, signal.SIGKILL)
    gone(served.pid)


AS_NOBODY = """
import encodings.idna, json, os, socket, sys
about = json.loads(sys.stdin.readline())
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(work):
    try:
        work()
    except PermissionError:
        return "denied"
    except Exception as error:
        return repr(error)
    return "let in"
answers = [attempt(lambda path=path: open(path).read()) for path in about["files"]]
answers += [attempt(lambda path=path: os.listdir(path)) for path in about["folders"]]
answers += [attempt(lambda pid=pid: os.kill(pid, 15)) for pid in about["pids"]]
memory = [f"/proc/{pid}/{what}" for pid in about["pids"] for what in ("environ", "mem")]
answers += [attempt(lambda path=path: open(path).read()) for path in memory]
socket.create_connection(("127.0.0.1", about["port"]), timeout=10).close()
print(json.dumps(answers))
"""


@pytest.mark.root
def test_another_user_of_the_machine_gets_nowhere(serving, runtime: Path, tmp_path: Path):
    """Nobody can keep them from a TCP port of the machine; so there it is the token that does."""
    for folder in (runtime, runtime / "connections", runtime / "sockets"):
        folder.chmod(0o755)  # so that it is our own folders that keep them out
    served = serving("nbagents", "serve", "--port", 0, umask=0)
    port = int(served.address.rpartition(":")[2])
    folder = served.token_file.parent
    files = [str(path) for path in folder.iterdir()]
    assert len(files) >= 2, "the connection file and the log"
    about = {"files": files, "folders": [str(folder)], "pids": [served.pid, served.process.pid], "port": port}
    child = subprocess.run(
        [sys.executable, "-c", AS_NOBODY],
        input=json.dumps(about),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert set(json.loads(child.stdout)) == {"denied"}
    assert [path for path in folder.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)]) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/RpcAgent/stop")(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert served.end()[0] == 0
