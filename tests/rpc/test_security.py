"""Who may call an agent server, and what a call can make it do."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest
from remote_agents import Echo, Environment, Exposure, Probe

from nbagents.agents import DialogAgent
from nbagents.exceptions import (
    AgentCallError,
    AgentCreationError,
    AuthenticationError,
    NbAgentsError,
    ProtocolError,
    UsageError,
)
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._proto import agent_pb2 as pb

CANARY = "sk-canary0123456789canary"


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.address) as opened:
        yield opened


# ---------------------------------------------------------------------------- files and other users

UNDER_UMASK_0 = """
import json, os, sys
os.umask(0)
from nbagents.rpc import RpcAgentServerLauncher
launcher = RpcAgentServerLauncher()
launcher.launch(in_subprocess=sys.argv[1] == "True")
print(json.dumps([launcher.address, launcher.server_id]), flush=True)
sys.stdin.read()
launcher.shutdown()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.posix
@pytest.mark.parametrize("in_subprocess", [True, False])
def test_files_are_closed_to_others_under_any_umask(runtime: Path, in_subprocess: bool):
    with subprocess.Popen(
        [sys.executable, "-c", UNDER_UMASK_0, str(in_subprocess)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        address, server_id = json.loads(child.stdout.readline())
        folder = runtime / "connections" / "nbagents"
        socket = Path(address.removeprefix("unix:"))
        assert socket.parent == runtime / "sockets" / "nbagents"
        assert [mode(folder), mode(socket.parent)] == [0o700, 0o700]
        assert mode(folder / f"{server_id}.json") == 0o600
        if in_subprocess:  # the umask of a process that is not ours stays as it is
            assert mode(socket) & 0o077 == 0
        open_to_others = [path for path in folder.rglob("*") if mode(path) & 0o077]
        assert open_to_others == []
        child.stdin.close()
    assert [path.name for path in runtime.rglob("*") if not path.is_dir()] == []


def test_a_folder_that_was_open_to_others_is_closed(runtime: Path):
    for part in ("connections", "sockets"):
        (runtime / part / "nbagents").mkdir(mode=0o777)
        (runtime / part / "nbagents").chmod(0o777)
    with RpcAgentServerLauncher():
        assert [mode(runtime / part / "nbagents") for part in ("connections", "sockets")] == [0o700, 0o700]


def test_a_folder_of_somebody_else_is_not_used(runtime: Path):
    (runtime / "elsewhere").mkdir()
    (runtime / "sockets" / "nbagents").symlink_to(runtime / "elsewhere")
    with pytest.raises(NbAgentsError, match="is not a folder of yours"):
        RpcAgentServerLauncher().launch()
    assert list((runtime / "elsewhere").iterdir()) == []


def test_a_connection_file_that_others_may_write_is_not_believed(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        assert RpcAgentClient(launcher.address).is_alive()
        launcher.connection.path.chmod(0o666)
        with pytest.raises(AuthenticationError):
            RpcAgentClient(launcher.address).get_agent_list()


AS_NOBODY = """
import json, os, socket, sys
import ctypes
paths = json.loads(sys.stdin.readline())
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(work):
    try:
        work()
    except PermissionError:
        return "denied"
    except Exception as error:
        return repr(error)
    return "let in"
def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(paths["socket"])
print(json.dumps([
    attempt(connect),
    attempt(lambda: open(paths["file"]).read()),
    attempt(lambda: os.listdir(os.path.dirname(paths["file"]))),
    attempt(lambda: os.listdir(os.path.dirname(paths["socket"]))),
    attempt(lambda: open(f"/proc/{paths['pid']}/environ").read()),
    attempt(lambda: open(f"/proc/{paths['pid']}/mem").read()),
    attempt(lambda: os.kill(paths["pid"], 15)),
]))
"""


@pytest.mark.root
def test_another_user_of_the_machine_gets_nowhere(runtime: Path):
    for folder in (runtime, runtime / "connections", runtime / "sockets"):
        folder.chmod(0o755)  # so that it is our own folders that keep them out
    with RpcAgentServerLauncher() as launcher:
        paths = {
            "socket": launcher.address.removeprefix("unix:"),
            "file": str(launcher.connection.path),
            "pid": launcher.connection.pid,
        }
        run = subprocess.run(
            [sys.executable, "-c", AS_NOBODY],
            input=json.dumps(paths),
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(run.stdout) == ["denied"] * 7
        assert launcher.is_alive()


# ---------------------------------------------------------------------------- secrets


@pytest.mark.linux
def test_no_secret_is_where_others_look(runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("MY_SERVICE_TOKEN", CANARY)
    config = {
        "config_name": "far",
        "model_type": "openai_chat",
        "model_name": "m",
        "api_key": CANARY,
        "client_args": {"base_url": "http://127.0.0.1:9/v1"},
        "max_retries": 0,
    }
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address, token=launcher.token)
        client.set_model_configs(config)
        poet = DialogAgent("poet", "You are a poet", config)
        settings = {"class_name": "DialogAgent", "args": ["poet"], "kwargs": {"model_config_name": config}}
        client.create_agent(settings, "poet")
        with pytest.raises(NbAgentsError) as caught:
            client.update_placeholder(client.call_agent_func("_reply", Msg("user", "hi"), "poet"), timeout=30)
        with pytest.raises(AgentCreationError) as refused:
            client.create_agent(settings | {"class_name": "nonsense"}, "x")
        with pytest.raises(NbAgentsError) as odd:
            client.set_model_configs(config | {"config_name": ""})
        server = psutil.Process(launcher.connection.pid)
        shown = [
            "\0".join(server.cmdline()),
            Path(f"/proc/{server.pid}/environ").read_text(),
            *(part for child in server.children(recursive=True) for part in child.cmdline()),
            launcher.connection.log.read_text(),
            json.dumps(client.get_agent_list()),
            json.dumps(client.get_server_info()),
            repr([launcher, launcher.connection, launcher.options, client, client.attachment, poet]),
            *(f"{e.value} {e.value.remote_traceback} {e.value.hint}" for e in (caught, refused, odd)),
        ]
        for text in shown:
            assert CANARY not in text
            assert launcher.token not in text


@pytest.mark.linux
def test_secrets_of_the_environment_stay_at_home(monkeypatch: pytest.MonkeyPatch, runtime: Path):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("HARMLESS", "here")
    environment = Environment("env").to_dist()
    there = environment().content
    assert there["HARMLESS"] == "here"
    assert CANARY not in there.values()
    environment.stop()


@pytest.mark.linux
def test_the_memory_of_a_server_is_closed_to_programs_of_the_same_user(remote):
    assert remote(Exposure)().content == [0, [0, 0]]


# ---------------------------------------------------------------------------- classes

GADGETS = [
    "os:system",
    "subprocess:Popen",
    "builtins:eval",
    "builtins:object",
    "nbagents.agents:AgentMeta",
    "nbagents.rpc._loader:importlib",
    "pathlib:Path",
    "..evil:Evil",
    "evil/evil:Evil",
    "os.path:join",
    "Echo.__init__.__globals__",
    "remote_agents:Echo.reply",
    "remote_agents:BUILTIN",
    "__main__:main",
    "",
    ":",
    "os:",
    ":system",
    "a b:c",
    "os\n:system",
    "remote_agents:Echo\n",
]


@pytest.mark.parametrize("name", GADGETS)
def test_only_agent_classes_can_be_made(client, name: str):
    for args in ([], ["touch /tmp/gadget"]):
        with pytest.raises(AgentCreationError):
            client.create_agent({"class_name": name, "args": args, "import_path": sys.path}, "gadget")
    assert "gadget" not in [about["agent_id"] for about in client.get_agent_list()]


def test_what_is_no_class_is_not_called(client, remote):
    with pytest.raises(AgentCreationError, match="has no agent class note"):
        client.create_agent({"class_name": "remote_agents:note", "args": ["x"], "import_path": sys.path}, "x")
    assert remote(Probe)("called for a class").content is None


@pytest.mark.parametrize("name", ["..evil:Evil", "evil/evil:Evil", "a b:c", "os\n:system", "os:path.join"])
def test_what_is_no_name_is_not_looked_for(client, name: str):
    with pytest.raises(AgentCreationError, match="not registered on this server"):
        client.create_agent({"class_name": name, "import_path": sys.path}, "gadget")


@pytest.mark.parametrize("name", [None, 3, ["os", "system"], {"__module__": "x"}])
def test_a_class_is_named_by_text(client, name):
    with pytest.raises(AgentCreationError):
        client.create_agent({"class_name": name}, "gadget")


def test_over_tcp_only_registered_classes_can_be_made(tmp_path: Path):
    (tmp_path / "evil.py").write_text("import pathlib\npathlib.Path(__file__).with_name('touched').touch()\n")
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        assert client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")["type"] == "Echo"
        for name in ("remote_agents:Probe", "evil:Evil", "evil"):
            with pytest.raises(
                AgentCreationError, match=r"not registered on this server; known: AgentBase, .*Echo"
            ):
                client.create_agent({"class_name": name, "import_path": [str(tmp_path), *sys.path]}, "x")
    assert not (tmp_path / "touched").exists()


def test_only_files_inside_the_folder_of_agents_are_loaded(tmp_path: Path):
    inside, outside = tmp_path / "agents", tmp_path / "outside.py"
    (inside / ".hidden").mkdir(parents=True)
    agent = "from nbagents.agents import AgentBase\nfrom words import WORD\n"
    agent += "class {0}(AgentBase):\n    def reply(self, x=None):\n        return WORD\n"
    (inside / "words.py").write_text("WORD = 'found'\n")
    (inside / "good.py").write_text(agent.format("Good"))
    (inside / "broken.py").write_text("raise SystemExit('no')\n")
    (inside / ".hidden" / "secret.py").write_text(agent.format("Hidden"))
    outside.write_text(agent.format("Outside"))
    (inside / "link.py").symlink_to(outside)
    with RpcAgentServerLauncher(port=0, agent_dir=str(inside)) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Good", "args": ["g"]}, "g")
        assert client.update_placeholder(client.call_agent_func("_reply", None, "g")).content == "found"
        for name in ("Hidden", "Outside"):
            with pytest.raises(AgentCreationError, match="not registered"):
                client.create_agent({"class_name": name}, "x")
        assert "broken.py could not be loaded" in launcher.connection.log.read_text()


# ---------------------------------------------------------------------------- methods and bodies


@pytest.mark.parametrize(
    "name",
    [
        "reply",
        "observe",
        "__init__",
        "__class__",
        "_observe_now",
        "memory",
        "reply.__globals__",
        "",
        "speak",
        "stop",
    ],
)
def test_only_three_things_can_be_asked_of_an_agent(client, remote, name: str):
    echo = remote(Echo)
    with pytest.raises(AgentCallError, match="Unsupported method"):
        client.call_agent_func(name, None, echo.agent_id)
    assert echo.memory.get_memory() == []


@pytest.mark.parametrize("text", ["", "nonsense", "3", '"/etc/passwd"', "[3]", "{}", "[" * 100_000])
def test_model_configurations_are_checked(client, text: str):
    answer = client._ask("set_model_configs", value=text)
    assert not answer.ok
    assert answer.message
    assert "root:" not in answer.message


def test_model_configurations_are_read_from_no_file(client, tmp_path: Path):
    path = tmp_path / "models.json"
    path.write_text('{"config_name": "read", "model_type": "openai_chat", "model_name": "m"}')
    assert not client._ask("set_model_configs", value=json.dumps(str(path))).ok


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "", "x" * 5000, "/proc/self/environ", "nowhere"])
def test_no_file_is_exported(server, channel, path: str):
    metadata = [("authorization", f"Bearer {server.token}")]
    call = channel.unary_stream("/RpcAgent/download_file")
    with pytest.raises(grpc.RpcError) as caught:
        list(call(pb.StringMsg(value=path).SerializeToString(), metadata=metadata, timeout=10))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "not found: this server exports no files"


@pytest.mark.parametrize("method", ["nonsense", "download_file", "__init__", "attach", "request", "close"])
def test_only_the_unary_methods_can_be_requested_over_the_stream(server, channel, method: str):
    metadata = [("authorization", f"Bearer {server.token}")]
    call = channel.stream_stream("/nbagents.v1.AgentServer/Attach")
    greeting = pb.Frame(hello=pb.Hello(protocol=1, session=f"only {method}"))
    request = pb.Frame(request=pb.Request(id=1, method=method))
    answers = call(
        iter([pb.Batch(frames=[greeting, request]).SerializeToString()]), metadata=metadata, timeout=10
    )
    frames = [frame for data in answers for frame in pb.Batch.FromString(data).frames]
    assert [frame.response.error.type for frame in frames if frame.HasField("response")] == ["ProtocolError"]


def test_a_placeholder_that_came_in_a_message_is_never_dialled(client, remote):
    echo = remote(Echo)
    evil = '{"__module__": "nbagents.message", "__name__": "PlaceholderMessage",'
    evil += ' "_host": "127.0.0.1", "_port": 9, "_task_id": 1}'
    for value in (evil, f'{{"content": [{evil}]}}'):
        with pytest.raises(ProtocolError, match="malformed"):
            client._ask("call_agent_func", value=value, target_func="_reply", agent_id=echo.agent_id)


@pytest.mark.parametrize(
    "name",
    ["", "a\x00b", "\r\nX: y", "{msg.__class__}", "%(x)s", "<script>", "../../etc", "\u202e", "x" * 10_000],
)
def test_names_are_data(client, remote, name: str):
    echo = remote(Echo, name or "e")
    assert echo(Msg(name or "u", "hi")).content == f"{name or 'e'} heard hi"
    assert client.delete_agent(echo.agent_id)


def test_an_address_that_came_inside_a_message_is_not_dialled(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("secret")
    monkeypatch.setenv("NBAGENTS_TOKEN_FILE", str(tmp_path / "token"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = {"_host": "127.0.0.1", "_port": listener.getsockname()[1], "_task_id": 1}
        head = {"__module__": "nbagents.message", "__name__": "PlaceholderMessage"}
        with pytest.raises(UsageError, match="no server of yours listens"):
            PlaceholderMessage.from_dict(head | address)
        with pytest.raises(BlockingIOError):
            listener.accept()
