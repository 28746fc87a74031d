"""A model behind real HTTP, which can be stopped; and agents in real servers that ask it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents import DialogAgent
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher

sys.path.append(str(Path(__file__).parent))  # so that servers, which get this path, find later_agents too


class Endpoint:
    """A process that answers as the demo model does, under the name of another; `stop` ends it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nbagents.demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"speed": 0, "stand_in": "demo-fast"}).encode() + b"\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        self.config = {
            "config_name": "far",
            "model_type": "openai_chat",
            "model_name": "gpt-4o-mini",
            "base_url": told["base_url"],
            "api_key": told["key"],
            "max_retries": 0,
        }

    def stop(self) -> None:
        """End it; from then on nobody answers there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.stop()


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, RpcAgentClient]]:
    """Two servers, as one client each."""
    with RpcAgentServerLauncher() as first, RpcAgentServerLauncher() as second:
        yield {
            "first": RpcAgentClient(first.address, token=first.token),
            "second": RpcAgentClient(second.address, token=second.token),
        }


@pytest.fixture
def place(servers: dict[str, RpcAgentClient]) -> Callable[..., Any]:
    """Make a fresh agent: "here", or in the "first" or the "second" server."""

    def make(where: str, name: str, prompt: str, config: dict[str, Any]) -> Any:
        if where == "here":
            return DialogAgent(name, prompt, config)
        client, agent_id = servers[where], uuid.uuid4().hex
        settings = {"class_name": "DialogAgent", "args": [name, prompt, config], "kwargs": {}}
        client.create_agent(settings, agent_id)
        return RpcAgent(name, agent_id, kind="DialogAgent", connect=lambda: client.attachment)

    return make
