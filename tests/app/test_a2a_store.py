"""Tasks are kept in memory: so many, so large, so long; and one that is gone says which of these it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from a2a.client import Client as A2AClient
from a2a.types import GetTaskRequest, ListTasksRequest
from a2a.utils.errors import TaskNotFoundError

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._a2a import _task_store

from .conftest import Client
from .test_a2a_doors import last_of, saying, sdk

Begin = Callable[[AgentApp], Client]


def echo(**settings: Any) -> AgentApp:
    app = AgentApp(**settings)
    app.query()(lambda self, msgs: Msg("a", f"You said: {msgs[-1].content}"))
    return app


async def say(client: A2AClient, *texts: str) -> list[str]:
    return [(await last_of(client.send_message(saying(text))))[0].task.id for text in texts]


async def kept(client: A2AClient) -> list[str]:
    return [task.id for task in (await client.list_tasks(ListTasksRequest())).tasks]


async def refusal(client: A2AClient, task_id: str) -> TaskNotFoundError:
    with pytest.raises(TaskNotFoundError) as raised:
        await client.get_task(GetTaskRequest(id=task_id))
    return raised.value


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_oldest_tasks_go_and_say_so(served: Begin, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(_task_store, "MOST_OF_ONE", 2)

    async def ask() -> None:
        served_at = served(echo())
        async with sdk(served_at) as client, sdk(served_at, version) as reader:
            ids = await say(client, "a", "b", "c", "d")
            assert await kept(client) == [ids[3], ids[2]]
            error = await refusal(reader, ids[0])
            assert f"the task {ids[0]} ended 0 s ago and is no longer kept" in str(error)
            assert "tasks are kept up to 2 of one user" in str(error)
            assert "no such task" in str(await refusal(reader, "another"))

    asyncio.run(ask())


def test_tasks_take_so_many_bytes_and_no_more(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_task_store, "LARGEST_OF_ONE", 5000)

    async def ask() -> None:
        async with sdk(served(echo())) as client:
            small, middle, last = await say(client, "a", "b" * 2000, "c")
            assert await kept(client) == [last, middle, small]
            (large,) = await say(client, "d" * 1000)
            assert await kept(client) == [large, last]
            for gone in (small, middle):
                error = await refusal(client, gone)
                assert "tasks are kept up to 5,000 bytes of one user" in str(error)
                assert int(error.data.pop("ageSeconds")) < 60
                assert error.data == {"code": "task_expired", "limit": "up to 5,000 bytes of one user"}
            (alone,) = await say(client, "e" * 9000)
            assert "bytes of one user" in str(await refusal(client, alone))

    asyncio.run(ask())


def test_a_task_is_kept_for_a_while(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_task_store, "KEPT", 0.5)

    async def ask() -> None:
        async with sdk(served(echo())) as client:
            (task_id,) = await say(client, "a")
            for _ in range(500):
                if not await kept(client):
                    break
                await asyncio.sleep(0.02)
            assert "tasks are kept for 0 s after their end" in str(await refusal(client, task_id))

    asyncio.run(ask())


def test_what_has_been_is_told_to_its_user_alone(served: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_task_store, "MOST_OF_ONE", 1)
    tokens = {"al": "token-of-al", "bob": "token-of-bob"}

    async def ask() -> None:
        client = served(echo(tokens=tokens))
        async with sdk(client, token=tokens["al"]) as al, sdk(client, token=tokens["bob"]) as bob:
            (of_bob,) = await say(bob, "?")
            first, _ = await say(al, "?", "?")
            assert "no longer kept" in str(await refusal(al, first))
            assert str(await refusal(bob, first)) == str(await refusal(bob, "never"))
            assert await kept(bob) == [of_bob]

    asyncio.run(ask())
