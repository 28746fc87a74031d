"""One server for a whole file of tests, and agents in it."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents import _loop
from nbagents.agents import AgentBase
from nbagents.message import Msg
from nbagents.rpc import Attachment, RpcAgent, RpcAgentClient, RpcAgentServerLauncher

collect_ignore = ["autogen_worker.py"]
"""It runs in an environment of its own, which has what it imports."""
sys.path.append(str(Path(__file__).parent))  # so that servers, which get this path, find remote_agents too


@pytest.fixture(scope="module")
def server() -> Iterator[RpcAgentServerLauncher]:
    with RpcAgentServerLauncher() as launcher:
        yield launcher


@pytest.fixture
def client(server: RpcAgentServerLauncher) -> RpcAgentClient:
    return RpcAgentClient(server.address, token=server.token)


@pytest.fixture
def remote(client: RpcAgentClient) -> Callable[..., RpcAgent]:
    """Make an agent of a class, in the server, and return its proxy."""

    def make(cls: type[AgentBase], name: str | None = None, *args: Any, **kwargs: Any) -> RpcAgent:
        agent_id, name = uuid.uuid4().hex, name or cls.__name__.lower()
        settings = {
            "class_name": f"{cls.__module__}:{cls.__name__}",
            "args": [name, *args],
            "kwargs": kwargs,
            "import_path": sys.path,
        }
        client.create_agent(settings, agent_id)
        return RpcAgent(name, agent_id, kind=cls.__name__, connect=lambda: client.attachment)

    return make


@pytest.fixture(scope="module")
def other() -> Iterator[RpcAgentServerLauncher]:
    """A second server."""
    with RpcAgentServerLauncher() as launcher:
        yield launcher


class OtherClient(RpcAgentClient):
    """A client with a session of its own, as another process would have."""

    attachment: Attachment = None


@pytest.fixture
def attach(server: RpcAgentServerLauncher) -> Callable[[], OtherClient]:
    """Make a client of the same server in a session of its own; whoever calls it closes that."""

    def make() -> OtherClient:
        client = OtherClient(server.address, token=server.token)
        client.attachment = Attachment(server.connection.address, server.token)
        return client

    return make


@pytest.fixture
def another(attach: Callable[[], OtherClient]) -> Iterator[OtherClient]:
    """A client of the same server in a session of its own."""
    client = attach()
    yield client
    _loop.background().run(client.attachment.close())


@pytest.fixture
def workspace() -> str:
    return f"/w/{uuid.uuid4().hex}.ipynb"


@pytest.fixture
def emptied(client: RpcAgentClient) -> Iterator[None]:
    """No agent lives in the server before or afterwards."""
    client.delete_all_agent()
    yield
    client.delete_all_agent()


@pytest.fixture
def make_in() -> Callable[..., RpcAgent]:
    """Make an agent of a class in a server, and return its proxy."""

    def make(
        server: RpcAgentServerLauncher, cls: type[AgentBase], name: str, *args: Any, **kwargs: Any
    ) -> RpcAgent:
        client, agent_id = RpcAgentClient(server.address, token=server.token), uuid.uuid4().hex
        settings = {
            "class_name": f"{cls.__module__}:{cls.__name__}",
            "args": [name, *args],
            "kwargs": kwargs,
            "import_path": sys.path,
        }
        client.create_agent(settings, agent_id)
        return RpcAgent(name, agent_id, kind=cls.__name__, connect=lambda: client.attachment)

    return make


@pytest.fixture(scope="module")
def wire(server: RpcAgentServerLauncher) -> Iterator[Any]:
    """A raw channel to the server, in which an ``echo`` and a ``slow`` agent live."""
    from wire import Wire, entry

    opened = Wire(server.address, server.token)
    for name in ("Echo", "Slow"):
        settings = {"class_name": f"remote_agents:{name}", "args": [name.lower()], "import_path": sys.path}
        body = entry(1, name.lower().encode()) + entry(2, json.dumps(settings).encode())
        assert not opened.unary("/RpcAgent/create_agent", body).refused
    yield opened
    opened.close()


@pytest.fixture
def unharmed(server: RpcAgentServerLauncher, wire: Any) -> Iterator[None]:
    """Afterwards the server lives, does what it did, and has logged nothing that wants a person."""
    yield
    echo = RpcAgent(
        "echo", "echo", connect=lambda: RpcAgentClient(server.address, token=server.token).attachment
    )
    assert echo(Msg("user", "still there?")).result(20).content == "echo heard still there?"
    log = server.connection.log.read_text()
    assert not any(word in log for word in (" ERROR ", " CRITICAL ", "Traceback")), log


@pytest.fixture
def wait_for() -> Callable[..., float]:
    """Wait until something is so; return how long it took."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> float:
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > seconds:
                pytest.fail(f"not so after {seconds} s")
            time.sleep(0.02)
        return time.monotonic() - begin

    return wait


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A folder with files that Python would import from the working folder, each of which leaves `sprung`."""
    folder = tmp_path / "trapped"
    folder.mkdir()
    for name in ("grpc.py", "nbagents.py", "sitecustomize.py", "usercustomize.py", "json.py"):
        (folder / name).write_text(f"open({str(folder / 'sprung')!r}, 'a').write({name!r})\n")
    (folder / ".env").write_text("OPENAI_API_KEY=sk-trapped0123456789\nPYTHONPATH=.\n")
    return folder
