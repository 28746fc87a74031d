"""Servers with a journal, killed and brought back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbagents.agents import AgentBase
from nbagents.rpc import RpcAgent, RpcAgentClient, ServerOptions, Spawned
from nbagents.rpc._places import journal_path


class Home:
    """One server after the other, under one id and with one journal."""

    def __init__(self, **options: Any) -> None:
        self.options = ServerOptions(server_id="kept", journal=str(journal_path("kept")), **options)
        self.journal = Path(self.options.journal)
        self.start()

    def start(self) -> None:
        self.server = Spawned.start(self.options)
        self.client = RpcAgentClient(self.server.connection.address, token=self.server.connection.token)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        self.server.let_go()

    def revive(self) -> None:
        self.kill()
        self.start()

    def make(self, cls: type[AgentBase], name: str, *args: Any, **kwargs: Any) -> RpcAgent:
        settings = {
            "class_name": f"journal_agents:{cls.__name__}",
            "args": [name, *args],
            "kwargs": kwargs,
            "import_path": sys.path,
        }
        self.client.create_agent(settings, name)
        return self.find(name)

    def find(self, name: str) -> RpcAgent:
        client = self.client
        return RpcAgent(name, name, connect=lambda: client.attachment)

    def memory(self, name: str) -> list[Any]:
        return [message.to_dict() for message in self.client.get_agent_memory(name)]

    def digest(self, name: str) -> str:
        text = json.dumps(self.memory(name), sort_keys=True, ensure_ascii=False, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()

    def contents(self) -> bytes:
        """All bytes of the journal's files."""
        return b"".join(path.read_bytes() for path in self.journal.parent.glob(f"{self.journal.name}*"))

    def rows(self, query: str) -> list[Any]:
        """Ask the journal of a server that does not run."""
        with sqlite3.connect(self.journal) as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found


@contextmanager
def home(**options: Any) -> Iterator[Home]:
    made = Home(**options)
    try:
        yield made
    finally:
        made.server.stop()
