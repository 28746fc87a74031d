"""`Handler`: the methods of A2A, over an app's answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    ExtendedAgentCardNotConfiguredError,
    GetTaskRequest,
    InternalError,
    InvalidParamsError,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    PushNotificationNotSupportedError,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskNotCancelableError,
    UnsupportedOperationError,
)
from a2a.utils.errors import A2AError
from a2a.utils.proto_utils import validate_proto_required_fields

from .._begin import begin
from .._failure import Refusal
from ._parts import request_of
from ._stored_task import StoredTask
from ._task_store import TaskStore

if TYPE_CHECKING:
    from .._agent_app import AgentApp

__all__ = ["Handler"]

GLANCE = 1.0
"""Seconds between two looks whether a client that waits for a whole answer is still there."""
PAGE, LARGEST_PAGE = 50, 100
"""Tasks of one page of a list."""
_NO_PUSH = "push notifications are not sent: no address that comes from outside is called; read the stream"
_ERRORS: dict[int, type[A2AError]] = {
    400: InvalidParamsError,
    409: UnsupportedOperationError,
    422: InvalidParamsError,
    501: UnsupportedOperationError,
}
"""HTTP status of a refusal: what it is here. A2A has no error for limits: these are told by HTTP's status."""


class Handler(RequestHandler):
    """Tasks are answers of the app, contexts are its sessions. Lives on the loop of the app."""

    def __init__(self, app: AgentApp) -> None:
        self._app, self._tasks = app, TaskStore()

    # ---- asking

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """Answer, and return the task when it is over; or at once, if that is asked for."""
        stored = await self._begin(params, context)
        wanted = params.configuration
        length = wanted.history_length if wanted.HasField("history_length") else None
        if wanted.return_immediately:
            stored.detached = True
            return stored.tale.task(length)
        request = context.state["request"]
        with stored.watched():
            while not await stored.over(GLANCE) and not await request.is_disconnected():
                pass
        return stored.tale.task(length)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Answer, and yield the task and what happens in it."""
        stored = await self._begin(params, context)
        async with aclosing(stored.updates(anew=True)) as updates:
            async for update in updates:
                yield update

    async def _begin(self, params: SendMessageRequest, context: ServerCallContext) -> StoredTask:
        validate_proto_required_fields(params)
        if params.configuration.HasField("task_push_notification_config"):
            raise PushNotificationNotSupportedError(_NO_PUSH)
        owner, message = _owner(context), params.message
        if message.task_id:
            self._tasks.find(owner, message.task_id)
            raise UnsupportedOperationError(
                "a task takes one message; send the next one with its contextId, without taskId"
            )
        if message.context_id:
            await self._tasks.make_room(owner, message.context_id)
        try:
            answer = await begin(self._app, owner, request_of(params))
        except Refusal as refusal:
            raise _told(refusal, context) from None
        task = StoredTask(answer, owner, message, self._app.resume_seconds, self._tasks.ended)
        self._tasks.add(task)
        return task

    # ---- tasks

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """Return a task as it is; whoever looks for it wants it to go on."""
        stored = self._tasks.find(_owner(context), params.id)
        with stored.watched():
            return stored.tale.task(params.history_length if params.HasField("history_length") else None)

    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """Return the user's tasks, the newest first."""
        found = [
            stored
            for stored in self._tasks.of(_owner(context))
            if params.context_id in ("", stored.session) and params.status in (0, stored.tale.state)
        ]
        names = ["", *(stored.id for stored in found)]
        if params.page_token not in names:
            raise InvalidParamsError("pageToken: it is none of this list, or no longer")
        size = min(params.page_size if params.HasField("page_size") else PAGE, LARGEST_PAGE)
        if size < 1:
            raise InvalidParamsError(f"pageSize: from 1 to {LARGEST_PAGE}")
        first = names.index(params.page_token)
        page = found[first : first + size]
        length = params.history_length if params.HasField("history_length") else None
        tasks = [stored.tale.task(length) for stored in page]
        if not params.include_artifacts:
            for task in tasks:
                task.ClearField("artifacts")
        after = page[-1].id if first + size < len(found) else ""
        return ListTasksResponse(
            tasks=tasks, next_page_token=after, page_size=len(page), total_size=len(found)
        )

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """Stop an answer, and return its task."""
        stored = self._tasks.find(_owner(context), params.id)
        if stored.tale.over:
            raise TaskNotCancelableError("the task is over")
        if not await stored.cancel():
            raise TaskNotCancelableError("the agent was told to stop, and has not yet")
        return stored.tale.task()

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event, None]:
        """Yield a task as it is, and what happens in it from now on."""
        stored = self._tasks.find(_owner(context), params.id)
        if stored.tale.over:
            raise UnsupportedOperationError("the task is over; GetTask tells what became of it")
        async with aclosing(stored.updates(anew=False)) as updates:
            async for update in updates:
                yield update

    # ---- what is not done

    async def on_create_task_push_notification_config(self, params: Any, context: ServerCallContext) -> Any:
        """Refuse."""
        raise PushNotificationNotSupportedError(_NO_PUSH)

    on_get_task_push_notification_config = on_create_task_push_notification_config
    on_list_task_push_notification_configs = on_create_task_push_notification_config
    on_delete_task_push_notification_config = on_create_task_push_notification_config

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> AgentCard:
        """Refuse: the card says all there is."""
        raise ExtendedAgentCardNotConfiguredError("there is one card, and everybody with a token gets it")


def _owner(context: ServerCallContext) -> str:
    return str(context.state["request"].scope["nbagents.user"])


def _told(refusal: Refusal, context: ServerCallContext) -> A2AError:
    kind = _ERRORS.get(refusal.status)
    if kind is None:
        context.state["request"].state.refusal = refusal  # for `Service.respond`
    details = {"code": refusal.code, **refusal.details()}
    return (kind or InternalError)(f"{refusal.code}: {refusal.message}", details)
