"""The A2A SDK's own client against an app: both versions of the protocol, whole and in pieces."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from a2a.client import Client as A2AClient
from a2a.client import ClientConfig, create_client
from a2a.client.card_resolver import parse_agent_card
from a2a.helpers import get_data_parts, new_data_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import A2AError

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]
WORKING, COMPLETED = TaskState.TASK_STATE_WORKING, TaskState.TASK_STATE_COMPLETED
FAILED, CANCELED = TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED
VERSIONS = pytest.mark.parametrize("version", ["1.0", "0.3"])


@asynccontextmanager
async def sdk(client: Client, version: str = "1.0", token: str | None = None) -> AsyncIterator[A2AClient]:
    """A client of the SDK, which has read the card and keeps to one version of the protocol."""
    headers = {"Authorization": f"Bearer {token or client.serving.token}"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        card = (await http.get(f"{client.serving.url}/.well-known/agent-card.json")).json()
        parsed = parse_agent_card(card)
        ways = [way for way in parsed.supported_interfaces if way.protocol_version == version]
        del parsed.supported_interfaces[:]
        parsed.supported_interfaces.extend(ways)
        yield await create_client(parsed, client_config=ClientConfig(httpx_client=http))


def saying(text: str, *parts: Part, **fields: Any) -> SendMessageRequest:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[Part(text=text), *parts], **fields)
    return SendMessageRequest(message=message)


async def last_of(events: AsyncIterator[StreamResponse]) -> list[StreamResponse]:
    return [event async for event in events]


async def until_over(client: A2AClient, task_id: str) -> Task:
    for _ in range(1000):
        task = await client.get_task(GetTaskRequest(id=task_id))
        if task.status.state == COMPLETED:
            return task
        await asyncio.sleep(0.02)
    raise TimeoutError


def text_of(events: list[StreamResponse]) -> str:
    return "".join(
        part.text
        for event in events
        if event.HasField("artifact_update")
        for part in event.artifact_update.artifact.parts
    )


def said_in(task: Task) -> list[str]:
    return ["".join(part.text for part in artifact.parts) for artifact in task.artifacts]


class Slow:
    """An agent that says something, and then waits until it may go on, or is stopped."""

    def __init__(self) -> None:
        self.app = AgentApp(app_name="Slow", resume_seconds=0.2)
        self.may_end, self.began, self.stopped = threading.Event(), threading.Event(), threading.Event()

        @self.app.query()
        async def answer(_: Any, msgs: Any) -> Any:
            message = Msg("Slow", "so")
            yield message, False
            self.began.set()
            try:
                for _ in range(2000):
                    if self.may_end.is_set():
                        break
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.stopped.set()
                raise
            message.content = "so it is"
            yield message, True


@pytest.fixture
def friday() -> AgentApp:
    app = AgentApp(app_name="Friday", app_description="Helps.")

    @app.query()
    async def answer(self: Any, msgs: Any, request: Any = None) -> Any:
        (asked,) = msgs
        said = asked.content if isinstance(asked.content, str) else asked.get_content_blocks()
        if said == "fail":
            raise RuntimeError("broken in /srv/somebody/secret.py")
        message = Msg("Friday", "")
        message.content = [{"type": "thinking", "thinking": "hm"}]
        yield message, False
        use = {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "sky"}}
        message.content = [*message.content, use]
        yield message, True
        yield Msg("system", [{"type": "tool_result", "id": "c1", "name": "look", "output": "grey"}], "system")
        reply = Msg("Friday", "")
        for end in (3, 9, 100):
            reply.content = f"{said} ({request.session_id}, {getattr(request, 'tone', '-')})"[:end]
            yield reply, end == 100

    return app


@VERSIONS
def test_the_sdk_reads_a_stream(served: Begin, friday: AgentApp, version: str) -> None:
    async def ask() -> None:
        async with sdk(served(friday), version) as client:
            asked = saying("weather?", context_id="talk-1")
            asked.metadata["tone"] = "kind"
            events = await last_of(client.send_message(asked))
            assert text_of(events) == "weather? (talk-1, kind)"
            assert events[0].task.context_id == "talk-1"
            assert events[-1].status_update.status.state == COMPLETED
            steps = [
                event.status_update.status.message for event in events if event.HasField("status_update")
            ]
            kinds = [step.metadata["type"] for step in steps if step.parts]
            assert kinds == ["reasoning", "plugin_call", "plugin_call_output"]
            task = await client.get_task(GetTaskRequest(id=events[0].task.id))
            assert (task.status.state, said_in(task)) == (COMPLETED, ["weather? (talk-1, kind)"])
            assert task.history[0].parts[0].text == "weather?"
            calls = [data for message in task.history for data in get_data_parts(message.parts)]
            assert [call.get("output") for call in calls] == [None, "grey"]

    asyncio.run(ask())


@VERSIONS
def test_a_whole_answer_and_one_that_is_fetched_later(served: Begin, version: str) -> None:
    async def ask() -> None:
        slow = Slow()
        async with sdk(served(slow.app), version) as client:
            client._config.streaming = False  # type: ignore[attr-defined]  # as a client without streams asks
            asked = saying("?")
            asked.configuration.return_immediately = True
            (begun,) = await last_of(client.send_message(asked))
            assert begun.task.status.state != COMPLETED
            slow.may_end.set()
            task = await until_over(client, begun.task.id)
            assert said_in(task) == ["so it is"]
            (whole,) = await last_of(client.send_message(saying("?")))
            assert (whole.task.status.state, said_in(whole.task)) == (COMPLETED, ["so it is"])

    asyncio.run(ask())


@VERSIONS
def test_cancelling_a_task_stops_the_agent(served: Begin, version: str) -> None:
    async def ask() -> None:
        slow = Slow()
        async with sdk(served(slow.app), version) as client:
            stream = client.send_message(saying("?"))
            first = await anext(stream)
            await asyncio.to_thread(slow.began.wait, 10)
            told = await client.cancel_task(CancelTaskRequest(id=first.task.id))
            assert (told.status.state, said_in(told)) == (CANCELED, ["so"])
            assert slow.stopped.wait(5)
            rest = await last_of(stream)
            assert rest[-1].status_update.status.state == CANCELED
            with pytest.raises(A2AError, match="over"):
                await client.cancel_task(CancelTaskRequest(id=first.task.id))

    asyncio.run(ask())


@VERSIONS
def test_who_lost_the_stream_reads_on(served: Begin, version: str) -> None:
    async def ask() -> None:
        slow = Slow()
        slow.app.resume_seconds = 20.0
        async with sdk(served(slow.app), version) as client:
            stream = client.send_message(saying("?"))
            first = await anext(stream)
            while "so" not in text_of([await anext(stream)]):
                pass
            await stream.aclose()  # type: ignore[attr-defined]
            again = client.subscribe(SubscribeToTaskRequest(id=first.task.id))
            now = await anext(again)
            assert said_in(now.task) == ["so"]
            slow.may_end.set()
            rest = await last_of(again)
            assert text_of(rest) == " it is"
            assert rest[-1].status_update.status.state == COMPLETED
            with pytest.raises(A2AError):
                await anext(client.subscribe(SubscribeToTaskRequest(id=first.task.id)))

    asyncio.run(ask())


def test_a_client_that_leaves_for_good_ends_its_task(served: Begin) -> None:
    async def ask() -> None:
        slow = Slow()
        async with sdk(served(slow.app)) as client:
            stream = client.send_message(saying("?"))
            await anext(stream)
            assert await asyncio.to_thread(slow.began.wait, 10)
            await stream.aclose()  # type: ignore[attr-defined]
            assert await asyncio.to_thread(slow.stopped.wait, 10)

    asyncio.run(ask())


def test_a_context_that_is_asked_again_ends_what_nobody_reads(served: Begin) -> None:
    async def ask() -> None:
        slow = Slow()
        slow.app.resume_seconds = 60.0
        async with sdk(served(slow.app)) as client:
            stream = client.send_message(saying("?", context_id="talk"))
            await anext(stream)
            await asyncio.to_thread(slow.began.wait, 10)
            with pytest.raises(A2AError, match="session_busy"):
                await last_of(client.send_message(saying("?", context_id="talk")))
            await stream.aclose()  # type: ignore[attr-defined]
            slow.may_end.set()
            async with asyncio.timeout(20):
                while True:
                    with contextlib.suppress(A2AError):  # the server has yet to notice
                        events = await last_of(client.send_message(saying("?", context_id="talk")))
                        break
            assert text_of(events) == "so it is"

    asyncio.run(ask())


@VERSIONS
def test_parts_of_every_kind_go_in_and_out(served: Begin, version: str) -> None:
    app, picture = AgentApp(), base64.b64encode(b"a picture").decode()
    got: list[Any] = []

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        got.extend(msgs[0].get_content_blocks())
        source = {"type": "base64", "media_type": "image/png", "data": picture}
        yield Msg("a", [{"type": "text", "text": "see"}, {"type": "image", "source": source}])

    async def ask() -> None:
        async with sdk(served(app), version) as client:
            asked = saying(
                "look",
                new_data_part({"a": [1, {"b": None}]}),
                Part(raw=b"GIF", media_type="image/gif"),
                Part(url="https://example.com/a.pdf", media_type="application/pdf"),
            )
            events = await last_of(client.send_message(asked))
            task = await client.get_task(GetTaskRequest(id=events[0].task.id))
            text, image = task.artifacts[0].parts
            assert (text.text, image.raw, image.media_type) == ("see", b"a picture", "image/png")

    asyncio.run(ask())
    assert [block["type"] for block in got] == ["text", "text", "image", "file"]
    assert got[1]["text"] == '{"a": [1.0, {"b": null}]}'
    assert got[2]["source"] == {"type": "base64", "media_type": "image/gif", "data": "R0lG"}
    assert got[3]["source"] == {"type": "url", "url": "https://example.com/a.pdf"}


@VERSIONS
def test_a_failure_is_a_failed_task_without_what_is_nobodys_business(
    served: Begin, friday: AgentApp, version: str
) -> None:
    async def ask() -> None:
        async with sdk(served(friday), version) as client:
            status = (await last_of(client.send_message(saying("fail"))))[-1].status_update.status
            assert status.state == FAILED
            assert "RuntimeError: broken" in status.message.parts[0].text
            assert "somebody" not in status.message.parts[0].text

    asyncio.run(ask())


def test_tasks_belong_to_their_user(served: Begin) -> None:
    app = AgentApp(tokens={"al": "token-of-al", "bob": "token-of-bob"})
    app.query()(lambda self, msgs: Msg("a", "yes"))

    async def ask() -> None:
        client = served(app)
        async with sdk(client, token="token-of-al") as al, sdk(client, token="token-of-bob") as bob:
            ids = []
            for talk in ("one", "two", "three"):
                events = await last_of(al.send_message(saying("?", context_id=talk)))
                ids.append(events[0].task.id)
            for attempt in (
                bob.get_task(GetTaskRequest(id=ids[0])),
                bob.cancel_task(CancelTaskRequest(id=ids[0])),
                anext(bob.subscribe(SubscribeToTaskRequest(id=ids[0]))),
                last_of(bob.send_message(saying("?", task_id=ids[0]))),
            ):
                with pytest.raises(A2AError, match="no such task"):
                    await attempt
            assert (await bob.list_tasks(ListTasksRequest())).total_size == 0
            page = await al.list_tasks(ListTasksRequest(page_size=2))
            assert [task.id for task in page.tasks] == [ids[2], ids[1]]
            rest = await al.list_tasks(
                ListTasksRequest(page_size=2, page_token=page.next_page_token, include_artifacts=True)
            )
            assert [(task.id, said_in(task)) for task in rest.tasks] == [(ids[0], ["yes"])]
            assert not rest.next_page_token
            (two,) = (await al.list_tasks(ListTasksRequest(context_id="two"))).tasks
            assert two.id == ids[1]

    asyncio.run(ask())
