"""What arrives stays data: nothing is unpickled, imported, evaluated, started, opened or dialled."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audited import Auditor
from wire import PICKLED, SERVICES, Wire, batch, entry, hello

from nbagents.exceptions import AgentCallError
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._methods import REQUESTS
from nbagents.rpc._proto import agent_pb2 as pb

PICKLES = [
    PICKLED,
    b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x05touch\x94\x85\x94R.",
    b"\x80\x02cdill._dill\n_create_function\n.",
    b"\xe3\x00\x00\x00\x00\x00\x00\x00",  # marshal
    b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n\x80\x03.",
    b"PK\x03\x04archive/data.pkl",
]
STRANGERS = {"antigravity", "dill", "cloudpickle", "evil", "numpy", "torch"}
GADGETS: list[dict[str, Any]] = [
    {"__module__": "os", "__name__": "system", "args": ["touch canary"]},
    {"__module__": "antigravity", "__name__": "Msg"},
    {"__class__": "subprocess.Popen", "args": ["true"]},
    {"__reduce__": ["os.system", ["true"]]},
    {"lc": 1, "type": "constructor", "id": ["antigravity", "fly"], "kwargs": {}},
    {"py/object": "subprocess.Popen", "py/reduce": [{"py/function": "os.system"}]},
    {"provider": "antigravity.Agent", "config": {"command": "true", "args": [], "env": {}}},
    {"$type": "antigravity", "!!python/object/apply": "os.system"},
]
EVALUABLE = [
    "__import__('os').system('touch canary')",
    "(lambda: open('/etc/passwd').read())()",
    "exec(\"open('canary', 'w')\")",
    "eval(1+1)",
    "{msg.__class__.__init__.__globals__}",
    "{0[key]} {1.real!r}",
    "%(x)s %s %d",
    "{{7*7}}",
    "${7*7} $(touch canary) `touch canary`",
    "f'{7*7}'",
    "!touch canary",
    "%run canary",
    "Symbol('x').__class__",
]


class Audited:
    """A server under audit, and what was heard of it."""

    def __init__(self, launcher: RpcAgentServerLauncher, heard: Path) -> None:
        self.launcher, self._heard = launcher, heard
        self.client = RpcAgentClient(launcher.address, token=launcher.token)
        self.wire = Wire(launcher.address, launcher.token)

    def agent(self, class_name: str, *args: Any, **kwargs: Any) -> RpcAgent:
        agent_id = f"a{os.urandom(4).hex()}"
        settings = {"class_name": class_name, "args": list(args), "kwargs": kwargs, "import_path": sys.path}
        self.client.create_agent(settings, agent_id)
        return RpcAgent(str(args[0]), agent_id, connect=lambda: self.client.attachment)

    def heard(self) -> list[str]:
        return [json.loads(line) for line in self._heard.read_text().splitlines()]


def start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audited]:
    monkeypatch.setenv("AUDIT_FILE", str(folder / "heard"))
    with RpcAgentServerLauncher(custom_agent_classes=[Auditor]) as launcher:
        audited = Audited(launcher, folder / "heard")
        config = {"config_name": "c", "model_type": "openai_chat", "model_name": "m", "api_key": "k"}
        audited.client.set_model_configs(config)  # loads what models need
        yield audited
        audited.wire.close()


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from start(tmp_path_factory.mktemp("audit"), monkeypatch)


@pytest.fixture(autouse=True)
def nothing_happened(audited: Audited) -> Iterator[None]:
    """No module came in, and nothing was heard, by what the test did."""
    auditor, echo = audited.agent("audited:Auditor", "auditor"), audited.agent("remote_agents:Echo", "echo")
    assert echo("x").content == "echo heard x"  # whatever is loaded at first use is loaded now
    before, heard = set(auditor().content), audited.heard()
    yield
    new = set(auditor().content) - before
    assert {name.split(".")[0] for name in new} & STRANGERS == set()
    assert audited.heard() == heard


def test_the_audit_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for audited in start(tmp_path, monkeypatch):
        auditor = audited.agent("audited:Auditor", "auditor")
        auditor("misbehave").result(20)
        heard = set(audited.heard())
        assert {"compile", "exec", "subprocess.Popen", "pickle.find_class", "socket.connect"} <= heard
        assert "open /etc/passwd" in heard


@pytest.mark.parametrize("data", PICKLES, ids=lambda data: repr(data[:12]))
def test_pickles_are_bytes(audited: Audited, data: bytes):
    """In every field of every method, and in every field of every frame."""
    for method, kind in REQUESTS.items():
        for field in kind.DESCRIPTOR.fields:
            if method in ("stop", "delete_all_agents"):
                continue
            for service in SERVICES:
                assert audited.wire.unary(f"/{service}/{method}", entry(field.number, data)).refused
    arguments = pb.Payload(content_type="application/json", data=data, blobs=[data])
    for content_type in ("application/json", "application/x-pickle", "application/octet-stream"):
        arguments.content_type = content_type
        call = pb.Call(
            call=os.urandom(4).hex(), agent=pb.Agent(key="x"), method="_reply", arguments=arguments
        )
        answer = audited.wire.attach(hello(), batch(pb.Frame(seq=1, call=call)), want=1)
        assert [frame.update.error.type for frame in answer.frames] == ["ProtocolError"]


@pytest.mark.parametrize("gadget", GADGETS, ids=lambda gadget: next(iter(gadget)))
def test_gadgets_are_dictionaries(audited: Audited, gadget: dict[str, Any]):
    mirror = audited.agent("remote_agents:Mirror", "mirror")
    nested: Any = gadget
    for _ in range(5):
        nested = {"content": [nested]}
    for value in (gadget, nested):
        assert mirror(Msg("user", value, metadata={"m": value})).content[0][0].content == value
        assert mirror(value, key=value).content == [[value], {"key": value}]
    assert audited.agent("remote_agents:Mirror", "mirror", use_memory=False)(gadget).content == [[gadget], {}]


@pytest.mark.parametrize("text", EVALUABLE)
def test_what_looks_like_code_is_text(audited: Audited, text: str):
    """In contents, names, prompts, arguments and every value of a configuration."""
    mirror = audited.agent("remote_agents:Mirror", text)
    said = mirror(Msg(text, text, metadata={text: text}, url=text), **{"k": text})
    assert said.name == text
    heard, named = said.content[0][0], said.content[1]
    assert (heard.name, heard.content, heard.metadata, heard.url) == (text, text, {text: text}, text)
    assert named == {"k": text}
    config = dict.fromkeys(("config_name", "model_name", "api_key", "organization"), text)
    answer = audited.client._ask(
        "set_model_configs", value=json.dumps([config | {"model_type": "openai_chat"}])
    )
    assert answer.ok
    about = audited.client.define_agent(
        text, text, {"class_name": "AgentBase", "args": [text], "kwargs": {"sys_prompt": text}}
    )
    assert [about[key] for key in ("name", "workspace")] == [text, text]
    audited.client.delete_agent(about["agent_id"])
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    "name",
    [
        "reply",
        "__init__",
        "__class__",
        "__dict__",
        "_x",
        "reply.__globals__",
        "memory.delete",
        "_init_settings",
    ],
)
def test_no_other_name_is_called(audited: Audited, name: str):
    echo = audited.agent("remote_agents:Echo", "echo")
    with pytest.raises(AgentCallError, match="Unsupported method"):
        audited.client.call_agent_func(name, None, echo.agent_id)
    assert len(echo.memory.get_memory()) == 0


def test_a_foreign_address_or_server_in_a_message_is_not_dialled(audited: Audited):
    """Not by whoever gets it, whatever the spelling; and the token does not leave."""
    echo = audited.agent("remote_agents:Echo", "echo")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        head = {"__module__": "nbagents.message", "__name__": "PlaceholderMessage"}
        spellings: list[dict[str, Any]] = [
            head | {"_host": host, "_port": port, "_task_id": 1}
            for host in ("127.0.0.1", "localhost", "0.0.0.0", "127.1", "0x7f000001", "[::1]", "evil.example")
        ]
        spellings += [
            {"__promise__": "x-1", "server": server}
            for server in (
                f"127.0.0.1:{port}",
                f"dns:///localhost:{port}",
                "ffffffff",
                "../../etc/passwd",
                "",
            )
        ]
        for tree in spellings:
            for value in (tree, {"content": [tree]}):
                data = json.dumps([[value], {}]).encode()
                call = pb.Call(call=os.urandom(4).hex(), agent=pb.Agent(key=echo.agent_id), method="_reply")
                call.arguments.data = data
                answer = audited.wire.attach(hello(), batch(pb.Frame(seq=1, call=call)), want=1)
                assert answer.frames[0].update.error.type in {
                    "ProtocolError", "AgentServerNotAliveError", "UsageError", "ResultExpiredError",
                }, tree  # fmt: skip
        with pytest.raises(BlockingIOError):
            listener.accept()
