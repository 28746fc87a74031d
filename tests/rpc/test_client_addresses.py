"""A client finds its server and its token by the address; a placeholder is fetched by its address."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from remote_agents import (
    Echo,
    Failing,
    Mirror,
    Probe,
    Slow,
    settings,
)

from nbagents.exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    CallCancelledError,
    ResultExpiredError,
    UsageError,
)
from nbagents.message import Msg, PlaceholderMessage
from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher

pytestmark = pytest.mark.usefixtures("emptied")


# ---------------------------------------------------------------------------- addresses and tokens


def test_a_client_finds_the_token_by_the_address(server):
    assert RpcAgentClient(server.address).is_alive()
    with RpcAgentServerLauncher(port=0) as other:
        assert RpcAgentClient("localhost", other.port).is_alive()
        assert RpcAgentClient("127.0.0.1", other.port).is_alive()
        assert RpcAgentClient(other.address).is_alive()


def test_a_client_takes_the_token_from_a_file(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server_path = server.connection.path
    hidden = server_path.with_suffix(".away")
    server_path.rename(hidden)
    try:
        with pytest.raises(AuthenticationError, match="no server of yours listens there") as caught:
            RpcAgentClient(server.address).get_agent_list()
        assert "NBAGENTS_TOKEN_FILE" in caught.value.hint
        monkeypatch.setenv("NBAGENTS_TOKEN_FILE", str(tmp_path / "token"))
        with pytest.raises(UsageError, match="cannot be read"):
            RpcAgentClient(server.address).get_agent_list()
        (tmp_path / "token").write_text(server.token + "\n")
        assert RpcAgentClient(server.address).is_alive()
    finally:
        hidden.rename(server_path)


def test_an_address_needs_a_port():
    with pytest.raises(UsageError, match="Give a port"):
        RpcAgentClient("localhost")


def test_clients_of_one_address_share_their_connection(client, server):
    other = RpcAgentClient(server.address, token=server.token)
    assert other.attachment is client.attachment


# ---------------------------------------------------------------------------- placeholders by address


def test_a_placeholder_of_a_client_is_called_at_once(server, client):
    client.create_agent(settings(Slow, "s"), "s")
    own = RpcAgentClient(server.address, agent_id="s", token=server.token)
    message = PlaceholderMessage(client=own, x=Msg("user", 0.2))
    assert message._is_placeholder
    assert repr(message).startswith("<waiting for the agent s of the agent server at unix:")
    with pytest.raises(TimeoutError):
        message.result(0.01)
    assert message.content == "s slept", "a wait that timed out has ended nothing"
    assert not message._is_placeholder
    chained = PlaceholderMessage(client=own, x=PlaceholderMessage(client=own, x=Msg("user", 0.01)))
    with pytest.raises(ValueError, match="could not convert"):
        chained.result(10)


def test_a_placeholder_can_be_fetched_by_its_address(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Echo, Failing]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Echo", "args": ["e"]}, "e")
        client.create_agent({"class_name": "Failing", "args": ["f"]}, "f")
        task = client.call_agent_func("_reply", Msg("user", "hi"), "e")
        message = PlaceholderMessage("localhost", launcher.port, task)
        assert message.content == "e heard hi"
        failing = client.call_agent_func("_reply", "ValueError", "f")
        address = {"__module__": "agentscope.message.placeholder", "__name__": "PlaceholderMessage"}
        address |= {"_host": "localhost", "_port": launcher.port, "_task_id": failing}
        with pytest.raises(ValueError, match="that went wrong"):
            PlaceholderMessage.from_dict(address).result(10)
        with pytest.raises(ResultExpiredError):
            PlaceholderMessage("localhost", launcher.port, 999).result(10)

        async def wait() -> str:
            return (await PlaceholderMessage("localhost", launcher.port, task)).content

        assert asyncio.run(wait()) == "e heard hi"


READ = """
import json, sys
from nbagents import PlaceholderMessage
message = PlaceholderMessage.from_dict(json.loads(sys.stdin.readline()))
print(type(message).__name__, message.content)
"""


def test_what_an_agent_will_say_is_fetched_wherever_it_was_written_down(remote):
    reply = remote(Slow, "s")(0.5)
    written = json.dumps(reply.to_dict())
    assert not reply.done()
    copy = PlaceholderMessage.from_dict(json.loads(written))
    assert type(copy) is PlaceholderMessage
    command = [sys.executable, "-c", READ]
    read = subprocess.run(command, input=written, capture_output=True, text=True, timeout=60)
    assert (read.returncode, read.stderr) == (0, "")
    assert read.stdout == "PlaceholderMessage s slept\n"
    assert (copy.content, copy.id, reply.content) == ("s slept", reply.id, "s slept")


def test_a_server_that_nobody_knows_has_no_messages(runtime: Path):
    address = {"_server": "no-such", "_epoch": "e", "_call": "c-1"}
    head = {"__module__": "nbagents.message", "__name__": "PlaceholderMessage"}
    with pytest.raises(AgentServerNotAliveError, match="no-such"):
        PlaceholderMessage.from_dict(head | address).result(20)


def test_an_unfinished_placeholder_tells_its_address(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Slow, Mirror]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Slow", "args": ["s"]}, "s")
        task = client.call_agent_func("_reply", 0.3, "s")
        message = PlaceholderMessage("localhost", launcher.port, task)
        address = message.to_dict()
        assert (address["_host"], address["_port"], address["_task_id"]) == ("localhost", launcher.port, task)
        copy = PlaceholderMessage.from_dict(address)
        assert (message.content, copy.content) == ("s slept", "s slept")
        assert message.id == copy.id


def test_cancelling_a_fetch_leaves_the_agent_alone(runtime: Path):
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Slow, Probe]) as launcher:
        client = RpcAgentClient("localhost", launcher.port)
        client.create_agent({"class_name": "Slow", "args": ["patient"]}, "s")
        client.create_agent({"class_name": "Probe", "args": ["p"]}, "p")
        task = client.call_agent_func("_reply", 0.3, "s")
        message = PlaceholderMessage("localhost", launcher.port, task)
        message.cancel()
        with pytest.raises(CallCancelledError):
            message.result(5)
        assert client.update_placeholder(task).content == "patient slept"
        told = client.update_placeholder(client.call_agent_func("_reply", "patient", "p"))
        assert told.content == "ended"


def test_a_placeholder_needs_an_address_or_a_client():
    with pytest.raises(UsageError, match="made of host, port and task_id, or of client and x"):
        PlaceholderMessage()
