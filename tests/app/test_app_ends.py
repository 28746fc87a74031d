"""What an app leaves behind, and what it does not let others do, when something around it goes wrong."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._answer import Answer
from nbagents.app._serving import serve
from nbagents.exceptions import UsageError

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


def test_no_option_takes_tls_away() -> None:
    with pytest.raises(UsageError, match="unprotected"):
        AgentApp().serve("0.0.0.0", 0, unprotected=True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/process", {**BODY, "stream": False}),
        ("/compatible-mode/v1/responses", {"input": "hello"}),
        ("/compatible-mode/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    ],
    ids=["process", "responses", "chat"],
)
def test_a_client_that_leaves_stops_an_agent_that_says_nothing(
    served: Begin, path: str, body: dict[str, Any]
) -> None:
    app, began, stopped = AgentApp(resume_seconds=0), threading.Event(), threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise
        yield "never"

    client = served(app)
    connection, _ = client.open_later("POST", path, body)
    assert began.wait(15)
    assert not stopped.is_set()
    connection.close()
    assert stopped.wait(10)


def test_an_answer_that_is_cancelled_before_its_first_step_ends() -> None:
    async def say() -> Any:
        yield "never"

    async def check() -> None:
        over: list[Answer] = []
        answer = Answer("u", "s", say, patience=0, over=over.append, changed=lambda: None)
        answer.cancel()
        last = await asyncio.wait_for(answer.whole(), 10)
        assert (last["status"], answer.done, answer.state, over) == ("canceled", True, "stopped", [answer])

    asyncio.run(check())
