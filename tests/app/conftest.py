"""An app that serves at a port of its own, and a plain client for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nbagents.app import AgentApp, Serving
from nbagents.app._serving import serve


@dataclass
class Client:
    """Sends requests as any program would."""

    serving: Serving

    def open(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection, response = self.open_later(method, path, body, **headers)
        return connection, response()

    def open_later(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPConnection, Callable[[], http.client.HTTPResponse]]:
        """Send a request; what is returned second waits for its response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.serving.port, timeout=20)
        sent = {"Authorization": f"Bearer {self.serving.token}"} if self.serving.token else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, {**sent, **headers})
        return connection, connection.getresponse

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Return the status and the JSON that came; text where it is none."""
        connection, response = self.open(method, path, body, **headers)
        text = response.read().decode()
        connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def say(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the events of an answer."""
        body = {"input": [{"role": "user", "content": [{"type": "text", "text": text}]}], **fields}
        status, told = self.ask("POST", "/process", body)
        assert status == 200, told
        return events_in(told)


def events_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.fixture
def served() -> Iterator[Callable[[AgentApp], Client]]:
    begun: list[Serving] = []

    def begin(app: AgentApp) -> Client:
        begun.append(serve(app, "127.0.0.1", 0))
        return Client(begun[-1])

    yield begin
    for serving in begun:
        serving.stop()
