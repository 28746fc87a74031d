"""What an app leaves behind, and what it does not let others do, when something around it goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._serving import serve

from .conftest import Client

Begin = Callable[[AgentApp], Client]
BODY = {"input": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}


def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nobody_says_to_be_another_caller(served: Begin) -> None:
    client = served(AgentApp(rate=5, insecure=True))
    statuses = [
        client.ask("GET", "/", **{"X-Forwarded-For": f"198.51.100.{number}"})[0] for number in range(30)
    ]
    assert 429 in statuses


def test_nobody_says_to_have_come_by_tls(served: Begin) -> None:
    client = served(AgentApp())
    headers = {"X-Forwarded-Proto": "https", "Origin": f"https://127.0.0.1:{client.serving.port}"}
    assert client.ask("GET", "/", **headers)[0] == 403


def test_without_a_folder_for_its_token_it_serves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "below"))
    app = AgentApp()
    app.query()(lambda self, msgs: Msg("a", "in"))
    with serve(app, "127.0.0.1", 0) as serving:
        assert Client(serving).ask("POST", "/process", BODY)[0] == 200
        assert "-H @" not in serving.curl
    assert "no file for curl" in caplog.text
    assert not serving.alive
