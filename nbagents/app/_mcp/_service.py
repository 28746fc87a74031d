"""`Service`: one app as an MCP server with one tool. This module loads the protocol's package."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import (
    AudioContent,
    CallToolRequestParams,
    CallToolResult,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from starlette.types import Receive, Scope, Send

from ..._version import __version__
from .._answer import Answer
from .._begin import begin
from .._disconnect import cancelled_on_disconnect
from .._failure import Refusal
from .._names import ContentType, MessageType, RunStatus
from .._sequence import Event
from .._stream import well_formed
from . import _quota

if TYPE_CHECKING:
    from .._agent_app import AgentApp

__all__ = ["Service"]

END = 5.0
"""Seconds that sessions get to end."""
LARGEST = 2**31
"""Bytes of a request: the gate has measured it before."""
SCHEMA = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What is said to the agent."},
        "session_id": {
            "type": "string",
            "description": "A name of your choice for the conversation; given again, it goes on with it."
            " Left out, the agent remembers nothing.",
        },
    },
    "required": ["message"],
    "additionalProperties": False,
}
_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_Content = TextContent | ImageContent | AudioContent


class Service:
    """Lives on the loop of the app, in a task of its own, from the first request on."""

    def __init__(self, app: AgentApp) -> None:
        self._app = app
        name = app.app_name or "agent"
        self._tool = Tool(
            name=_ODD.sub("_", name).strip("_")[:64] or "agent",
            description=app.app_description or f"Ask the agent {name}.",
            input_schema=SCHEMA,
        )
        server = Server(name, version=__version__, on_list_tools=self._list, on_call_tool=self._call)
        self._sessions = StreamableHTTPSessionManager(
            server,
            # Host and origin are the gate's, which is in front of everything.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            session_idle_timeout=_quota.IDLE,
            max_request_body_size=LARGEST,
            max_sessions=None,
        )
        self._served = _quota.SessionQuota(self._sessions.handle_request)
        self._ready, self._stop = asyncio.Event(), asyncio.Event()
        # One task for the whole life of it: its library wants it closed by who has opened it.
        self._life = asyncio.create_task(self._live(), name="nbagents-mcp")

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A session is its user's: another one's token does not open it."""
        await self._ready.wait()
        user = str(scope["nbagents.user"])
        who = AuthenticatedUser(AccessToken(token="-", client_id=f"user {user}", scopes=[]))  # noqa: S106
        await self._served({**scope, "user": who}, receive, send)

    async def stop(self) -> None:
        """End all sessions, and what they have asked."""
        self._stop.set()
        await asyncio.wait([self._life], timeout=END)

    async def _live(self) -> None:
        try:
            async with self._sessions.run():
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    async def _list(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[self._tool])

    async def _call(
        self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        request = context.request
        assert request is not None  # nobody comes here but by HTTP
        try:
            body = _body_of(self._tool.name, params)
            user = str(request.scope["nbagents.user"])
            answer = await begin(self._app, user, body, patience=0.0)
        except Refusal as refusal:
            return _failed(f"{refusal.code}: {refusal.message}")
        async with cancelled_on_disconnect(request.receive, answer):
            last = await _read(answer, context)
        if last["status"] == RunStatus.Completed:
            return CallToolResult(content=list(_content_of(last)))
        error = last["error"]
        return _failed("the answer was stopped" if error is None else f"{error['code']}: {error['message']}")


def _body_of(tool: str, params: CallToolRequestParams) -> dict[str, Any]:
    given = params.arguments or {}
    if params.name != tool:
        raise Refusal(404, "unknown_tool", f"there is one tool, {tool}")
    if odd := sorted(given.keys() - SCHEMA["properties"]):  # type: ignore[operator]
        raise Refusal(422, "invalid_arguments", f"there is no argument {odd[0][:80]!r}")
    if not isinstance(given.get("message"), str):
        raise Refusal(422, "invalid_arguments", "message: a text is needed")
    session = {} if given.get("session_id") is None else {"session_id": given["session_id"]}
    return {"input": [{"role": "user", "content": given["message"]}], **session}


async def _read(answer: Answer, context: ServerRequestContext[Any, Any]) -> Event:
    """Read to the end, and tell what is said as progress; a call that is cancelled ends the answer."""
    size, said, last = 0, set[str](), {}
    async with aclosing(answer.read()) as batches:
        async for events in batches:
            pieces = []
            for last in events:
                if last["object"] == "message" and last["type"] == MessageType.MESSAGE:
                    said.add(last["id"])
                elif last["object"] == "content" and last["delta"] and last["msg_id"] in said:
                    pieces.append(last["text"])
            if pieces:
                text = well_formed("".join(pieces))
                size += len(text)
                await context.session.report_progress(size, message=text)
    return last


def _content_of(last: Event) -> list[_Content]:
    parts = [
        part
        for message in last["output"]
        if message["type"] == MessageType.MESSAGE
        for part in message["content"]
    ]
    return [_part_of(part) for part in parts] or [TextContent(text="")]


def _part_of(part: dict[str, Any]) -> _Content:
    kind = part["type"]
    if kind == ContentType.TEXT:
        return TextContent(text=well_formed(part["text"]))
    where = str(part.get(f"{kind}_url", ""))
    if where.startswith("data:") and ";base64," in where[:200]:
        head, _, data = where.partition(";base64,")
        if kind == ContentType.IMAGE:
            return ImageContent(data=data, mime_type=head[5:])
        if kind == ContentType.AUDIO:
            return AudioContent(data=data, mime_type=head[5:])
        return TextContent(text=f"[a {kind}]")
    return TextContent(text=f"[{kind}: {where}]")


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=well_formed(text))], is_error=True)
