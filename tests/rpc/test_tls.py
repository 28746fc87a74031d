"""Servers that other machines could reach, and clients that make sure of them."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil
import pytest
import trustme
from google.protobuf import empty_pb2

from nbagents.exceptions import AgentServerError, AuthenticationError, UsageError
from nbagents.rpc import TLS, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._proto.agent_pb2_grpc import RpcAgentStub

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def make(tmp_path: Path, authority: trustme.CA) -> Make:
    """Make a folder with a certificate for these names, its key, and who made it."""

    def made(*names: str, by: trustme.CA = authority, ca: bool = True, **options: object) -> Path:
        folder = tmp_path / f"tls{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        issued = by.issue_cert(*names, **options)
        issued.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "cert.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        if ca:
            by.cert_pem.write_to_path(folder / "ca.pem")
        return folder

    return made


def info(*address: object, **options: object) -> int:
    return RpcAgentClient(*address, **options).get_server_info()["size"]


# ---------------------------------------------------------------------------- talking


@pytest.mark.parametrize("in_subprocess", [True, False])
@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::"])
def test_a_server_with_a_certificate_is_reached_by_tls(
    runtime: Path, make: Make, host: str, in_subprocess: bool
):
    folder = make("localhost", "127.0.0.1", "::1")
    launcher = RpcAgentServerLauncher(host, 0, tls=folder)
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(launcher.shutdown)
        launcher.launch(in_subprocess=in_subprocess)
        here = "::1" if host == "::" else "127.0.0.1"
        assert info(host, launcher.port) == 0, "by the connection file"
        assert info(here, launcher.port, token=launcher.token, ca=folder / "ca.pem") == 0, "by hand"
        credentials = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes())
        address, direct = f"localhost:{launcher.port}", [("grpc.enable_http_proxy", 0)]
        with grpc.secure_channel(address, credentials, direct) as channel:
            metadata = [("authorization", f"Bearer {launcher.token}")]
            assert RpcAgentStub(channel).is_alive(empty_pb2.Empty(), metadata=metadata, timeout=10).ok
            with pytest.raises(grpc.RpcError) as caught:
                RpcAgentStub(channel).is_alive(empty_pb2.Empty(), timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, "TLS is no token"


def test_nothing_is_answered_without_tls_where_there_is_a_certificate(runtime: Path, make: Make):
    with RpcAgentServerLauncher(port=0, tls=make("localhost")) as launcher:
        with pytest.raises(AgentServerError):
            info("localhost", launcher.port, token=launcher.token, insecure=True)
        with socket.create_connection(("127.0.0.1", launcher.port), timeout=10) as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            plain.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                assert b"HTTP" not in plain.recv(1000)
        assert RpcAgentClient("localhost", launcher.port).is_alive()


def test_a_server_of_the_own_machine_need_not_be_certified_for_it(runtime: Path, make: Make):
    folder = make("agents.example.org", ca=False)
    with RpcAgentServerLauncher("0.0.0.0", 0, tls=(folder / "cert.pem", folder / "key.pem")) as launcher:
        assert info("localhost", launcher.port) == 0


@pytest.mark.parametrize("names", [("agents.example.org",), ("10.11.12.13",)])
def test_a_certificate_for_another_name_is_not_accepted(runtime: Path, make: Make, names: tuple[str]):
    folder = make(*names)
    with RpcAgentServerLauncher(port=0, tls=folder) as launcher:
        with pytest.raises(AuthenticationError, match=r"could not prove who it is.*for another name"):
            info("localhost", launcher.port, token=launcher.token, ca=folder / "ca.pem")
        assert info("localhost", launcher.port) == 0, "its connection file says which name that is"


def test_a_certificate_of_somebody_else_is_not_accepted(runtime: Path, make: Make, tmp_path: Path):
    stranger = trustme.CA()
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    with RpcAgentServerLauncher(port=0, tls=make("localhost", "127.0.0.1")) as launcher:
        for trusted in (tmp_path / "stranger.pem", make("localhost", by=stranger) / "cert.pem"):
            with pytest.raises(AuthenticationError, match=r"not made by any.*the token was not sent"):
                info("localhost", launcher.port, token=launcher.token, ca=trusted)


def test_a_server_that_speaks_no_tls_gets_no_token(runtime: Path, make: Make):
    folder = make("localhost")
    with RpcAgentServerLauncher(port=0) as plain, pytest.raises(AuthenticationError, match="not speak TLS"):
        info("localhost", plain.port, token=plain.token, ca=folder / "ca.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        client = RpcAgentClient("localhost", listener.getsockname()[1], token="s" * 40, ca=folder / "ca.pem")
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(client.get_server_info)
            heard, _ = listener.accept()
            said = heard.recv(10_000)
            heard.close()
            assert b"ssss" not in said
            with pytest.raises(AgentServerError):
                asked.result(30)


def test_the_certificates_can_be_named_in_the_environment(
    runtime: Path, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    folder = make("localhost", "127.0.0.1")
    with RpcAgentServerLauncher(port=0, tls=folder) as launcher:
        (tmp_path / "token").write_text(launcher.token)
        launcher.connection.path.unlink()  # as it would be on another machine
        monkeypatch.setenv("NBAGENTS_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("NBAGENTS_CA_FILE", str(folder / "ca.pem"))
        assert info("localhost", launcher.port) == 0
        monkeypatch.setenv("NBAGENTS_CA_FILE", str(tmp_path / "nowhere.pem"))
        with pytest.raises(UsageError, match=r"nowhere\.pem cannot be read"):
            info("localhost", launcher.port)


def test_the_environment_does_not_change_how_own_servers_are_reached(
    runtime: Path, make: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NBAGENTS_CA_FILE", str(make("localhost") / "ca.pem"))
    with RpcAgentServerLauncher(port=0) as plain:
        assert info("localhost", plain.port) == 0


@pytest.fixture
def address() -> str:
    """An address of this machine by which others reach it; the machine itself does not tell them apart."""
    for found in psutil.net_if_addrs().values():
        for one in found:
            if one.family is socket.AF_INET and not one.address.startswith("127."):
                return one.address
    pytest.skip("this machine has no address but its own")


def test_another_machine_gets_the_token_by_tls_only(
    runtime: Path, address: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with (
        RpcAgentServerLauncher("0.0.0.0", 0, insecure=True) as plain,
        pytest.raises(AuthenticationError, match=r"not speak TLS; the token was not sent") as caught,
    ):
        info(address, plain.port, token="s" * 40)
    assert "NBAGENTS_CA_FILE" in caught.value.hint


def test_without_a_file_of_certificates_those_of_the_system_are_trusted(
    runtime: Path, make: Make, address: str, monkeypatch: pytest.MonkeyPatch
):
    folder = make(address)
    with RpcAgentServerLauncher("0.0.0.0", 0, tls=folder) as launcher:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(AuthenticationError, match=r"that this system trusts: its certificate was not"):
            info(address, launcher.port, token=launcher.token)
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        assert info(address, launcher.port, token=launcher.token) == 0


ASKS = """
import sys
from nbagents.exceptions import AuthenticationError
from nbagents.rpc import RpcAgentClient
try:
    print("agents:", RpcAgentClient(sys.argv[1], int(sys.argv[2]), ca=sys.argv[3]).get_server_info()["size"])
except AuthenticationError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_person_in_a_terminal_is_asked_for_the_token(runtime: Path, make: Make, address: str, there: bool):
    folder = make(address)
    with RpcAgentServerLauncher("0.0.0.0", 0, tls=folder) as launcher:
        command = [sys.executable, "-c", ASKS, address, str(launcher.port), str(folder / "ca.pem")]
        if not there:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50
            )
            assert done.stdout.startswith("refused: no token for the agent server at")
            return
        master, slave = pty.openpty()
        with subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True
        ) as process:
            os.close(slave)
            said = b""
            while b"not shown): " not in said:
                said += os.read(master, 1000)
            os.write(master, launcher.token.encode() + b"\n")
            with contextlib.suppress(OSError):  # the end of a terminal
                while part := os.read(master, 1000):
                    said += part
            process.wait(20)
        os.close(master)
        assert b"agents: 0" in said, said
        assert launcher.token.encode() not in said


# ---------------------------------------------------------------------------- opening to others


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])
@pytest.mark.parametrize("port", [None, 0, 12310])
def test_a_public_host_needs_tls(host: str, port: int | None):
    with pytest.raises(UsageError, match="public bind needs tls= and a token, or insecure=True"):
        RpcAgentServerLauncher(host, port)  # not even launched


@pytest.mark.parametrize("options", [{"insecure": True}, {"tls": True}])
def test_a_public_host_needs_a_port(make: Make, options: dict):
    if "tls" in options:
        options = {"tls": make("localhost")}
    with pytest.raises(UsageError, match=r"host 0\.0\.0\.0 needs a port"):
        RpcAgentServerLauncher("0.0.0.0", **options)


def test_a_certificate_needs_a_port(make: Make):
    with pytest.raises(UsageError, match="tls= needs a port"):
        RpcAgentServerLauncher(tls=make("localhost"))


def test_local_mode_is_local_whatever_the_host(runtime: Path):
    with RpcAgentServerLauncher("0.0.0.0", 0, local_mode=True) as launcher:
        assert launcher.address == f"127.0.0.1:{launcher.port}"
        assert listened(launcher) == {("127.0.0.1", launcher.port)}


@pytest.mark.linux
def test_by_default_nothing_listens_on_tcp(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        assert launcher.address.startswith("unix:")
        assert listened(launcher) == set()
    with RpcAgentServerLauncher(port=0, local_mode=False) as launcher:
        assert listened(launcher) == {("127.0.0.1", launcher.port)}


def listened(launcher: RpcAgentServerLauncher) -> set[tuple[str, int]]:
    found = psutil.Process(launcher.connection.pid).net_connections("inet")
    listening = [one.laddr for one in found if one.status == psutil.CONN_LISTEN]
    return {(host.removeprefix("::ffff:"), port) for host, port in listening}


@pytest.mark.parametrize("in_subprocess", [True, False])
def test_insecure_is_said_at_each_start(runtime: Path, caplog: pytest.LogCaptureFixture, in_subprocess: bool):
    for start in (1, 2):
        launcher = RpcAgentServerLauncher("0.0.0.0", 0, insecure=True)
        launcher.launch(in_subprocess=in_subprocess)
        warned = [record for record in caplog.records if "INSECURE" in record.getMessage()]
        assert len(warned) == start
        assert launcher.address in warned[-1].getMessage()
        assert info("localhost", launcher.port) == 0
        with pytest.raises(AuthenticationError):
            info("localhost", launcher.port, token="wrong")
        launcher.shutdown()


def test_nothing_is_said_of_a_server_that_is_safe(
    runtime: Path, make: Make, caplog: pytest.LogCaptureFixture
):
    with RpcAgentServerLauncher("0.0.0.0", 0, tls=make("localhost"), insecure=True):
        pass
    with RpcAgentServerLauncher(port=0, insecure=True):
        pass
    assert "INSECURE" not in caplog.text


# ---------------------------------------------------------------------------- the files


def test_where_certificate_and_key_can_be_given(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = make("localhost")
    cert, key, ca = (str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem"))
    assert TLS.of(folder) == TLS.of(str(folder)) == TLS(cert, key, ca)
    assert TLS.of((cert, key)) == TLS.of([Path(cert), key]) == TLS.of((cert, key, None)) == TLS(cert, key)
    assert TLS.of((cert, key, ca)) == TLS.of(TLS(cert, key, ca)) == TLS(cert, key, ca)
    monkeypatch.chdir(folder)
    assert TLS.of(("cert.pem", "key.pem")) == TLS.of(TLS("cert.pem", "key.pem")) == TLS(cert, key)
    for pair in (("tls.crt", "tls.key"), ("fullchain.pem", "privkey.pem")):
        other = tmp_path / pair[0]
        other.mkdir()
        for source, name in zip((cert, key), pair, strict=True):
            shutil.copy(source, other / name)
        assert TLS.of(other) == TLS(str(other / pair[0]), str(other / pair[1]))
    with pytest.raises(AttributeError):
        TLS(cert, key).key = "other"


@pytest.mark.parametrize("given", [True, 3, (), ("a",), ("a", "b", "c", "d"), ("a", 3), (b"a", b"b"), {}])
def test_what_is_no_certificate_is_refused(given):
    with pytest.raises(UsageError, match="tls= is a folder, or the paths"):
        RpcAgentServerLauncher(port=0, tls=given)


def test_a_folder_without_them_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"in which there must be cert\.pem and key\.pem"):
        RpcAgentServerLauncher(port=0, tls=tmp_path)


def test_certificates_that_cannot_work_are_refused_before_anything_listens(
    make: Make, tmp_path: Path, authority: trustme.CA
):
    good, other = make("localhost"), make("localhost")
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    expired = make("localhost", not_before=past, not_after=past + datetime.timedelta(days=1))
    stranger = make("localhost", by=trustme.CA())
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    for tls, why in {
        (good / "cert.pem", other / "key.pem"): "KEY_VALUES_MISMATCH",
        (good / "cert.pem", tmp_path / "none.pem"): r"none\.pem",
        (good / "cert.pem", broken): "cannot be used",
        (broken, good / "key.pem"): "cannot be used",
        (good / "cert.pem", good / "key.pem", stranger / "ca.pem"): "unable to get local issuer",
        (good / "cert.pem", good / "key.pem", tmp_path / "gone.pem"): r"gone\.pem",
        (expired / "cert.pem", expired / "key.pem"): "expired",
    }.items():
        with pytest.raises(UsageError, match=why) as caught:
            RpcAgentServerLauncher(port=0, tls=tls)
        assert str(tls[0]) in str(caught.value)
        assert "BEGIN" not in str(caught.value)
        assert "nonsense" not in str(caught.value)


@pytest.mark.linux
def test_keys_are_read_where_they_lie(runtime: Path, make: Make):
    folder = make("localhost")
    secret = (folder / "key.pem").read_text().splitlines()[1]
    with RpcAgentServerLauncher(port=0, tls=folder) as launcher:
        assert info("localhost", launcher.port) == 0
        written = [path for path in runtime.rglob("*") if path.is_file()]
        assert written
        for path in written:
            assert secret not in path.read_text(errors="replace")
        process = psutil.Process(launcher.connection.pid)
        assert secret not in "\0".join(process.cmdline())
        assert secret not in json.dumps(info_of(launcher))
        assert secret not in repr([launcher, launcher.options, launcher.connection])


def info_of(launcher: RpcAgentServerLauncher) -> dict:
    return RpcAgentClient("localhost", launcher.port).get_server_info()


CLIENT = """
import sys
from nbagents.rpc import RpcAgentClient
port, ca = sys.argv[1:]
print(RpcAgentClient("127.0.0.1", int(port), ca=ca).get_server_info()["size"])
"""


def test_a_program_elsewhere_needs_an_address_a_token_and_a_certificate(
    runtime: Path, make: Make, tmp_path: Path
):
    folder = make("127.0.0.1")
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text("t" * 40 + "\n")
    with RpcAgentServerLauncher("0.0.0.0", 0, tls=folder, token_file=tmp_path / "token") as launcher:
        elsewhere = {
            **os.environ,
            "JUPYTER_RUNTIME_DIR": str(tmp_path / "elsewhere"),
            "NBAGENTS_TOKEN_FILE": str(tmp_path / "token"),
        }
        command = [sys.executable, "-c", CLIENT, str(launcher.port), str(folder / "ca.pem")]
        run = subprocess.run(command, env=elsewhere, capture_output=True, text=True, timeout=60)
        assert (run.stdout, run.stderr) == ("0\n", "")
