"""What an agent says and A2A cannot carry ends its task, and does not keep it open for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from a2a.types import GetTaskRequest, TaskState

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._a2a import _tale

from .conftest import Client
from .test_a2a_doors import last_of, saying, sdk

Begin = Callable[[AgentApp], Client]
ODD = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "é"}}


def drawing() -> AgentApp:
    app = AgentApp(app_name="Draws")
    app.query()(lambda self, msgs: Msg("Draws", [{"type": "text", "text": "see"}, ODD], "assistant"))
    return app


async def state_of(client: Client) -> Any:
    async with asyncio.timeout(15), sdk(client) as a2a:
        said = await last_of(a2a.send_message(saying("draw")))
        task_id = next(event.task.id for event in said if event.HasField("task"))
        return (await a2a.get_task(GetTaskRequest(id=task_id))).status.state


def test_a_picture_that_is_no_base64_is_told_as_a_text(served: Begin) -> None:
    assert asyncio.run(state_of(served(drawing()))) == TaskState.TASK_STATE_COMPLETED


def test_what_cannot_be_told_is_a_task_that_failed(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(content: Any) -> Any:
        raise LookupError("a kind that nobody thought of")

    monkeypatch.setattr(_tale, "part_of", cannot)
    client = served(drawing())
    message = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "draw"}]}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    path = "/a2a"
    status, told = client.ask("POST", path, asked, **{"A2A-Version": "1.0"})
    assert status == 200
    assert told["result"]["task"]["status"]["state"] == "TASK_STATE_FAILED"
