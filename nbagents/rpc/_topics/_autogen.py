"""`AutoGenFacade`: the service of AutoGen's own host, for its workers as they are.

They send no token, so whoever can reach it is let in: it has a listener of its own, on this machine only, and
is there only if it was asked for. What their host leaves without an answer has a typed one here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc

from ...exceptions import ProtocolError, UsageError
from .._limits import LONGEST_ID
from .._proto import autogen_pb2 as theirs
from .._shape import parse
from .._status import status_of
from ._autogen_client import AutoGenClient
from ._host import TopicHost
from ._routes import Subscribed

__all__ = ["SERVICE", "AutoGenFacade"]

SERVICE = "agents.AgentRpc"
MOST_CLIENTS = 1000
OPEN_SECONDS = 5.0
"""How long a request waits for the channel of its client, which may be on its way."""


class AutoGenFacade:
    """Lets AutoGen's own workers take part at a host. On the loop only."""

    def __init__(self, host: TopicHost) -> None:
        self._host = host
        self._clients: dict[str, AutoGenClient] = {}
        self._controls: dict[str, Any] = {}
        self._opened = asyncio.Event()

    def register(self, server: Any) -> None:
        """Register the service."""
        kind = grpc.unary_unary_rpc_method_handler
        handlers: dict[str, Any] = {
            "OpenChannel": grpc.stream_stream_rpc_method_handler(self._streaming(self._open)),
            "OpenControlChannel": grpc.stream_stream_rpc_method_handler(self._streaming(self._control)),
            "RegisterAgent": kind(self._asked(theirs.RegisterAgentTypeRequest, self._claim)),
            "AddSubscription": kind(self._asked(theirs.AddSubscriptionRequest, self._subscribe)),
            "RemoveSubscription": kind(self._asked(theirs.RemoveSubscriptionRequest, self._unsubscribe)),
            "GetSubscriptions": kind(self._asked(theirs.Nothing, self._subscriptions)),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))

    # ---- channels

    async def _open(self, client_id: str, stream: Any) -> None:
        if client_id in self._clients:
            raise UsageError("a client of that id is connected already")
        if len(self._clients) >= MOST_CLIENTS:
            raise UsageError(f"{MOST_CLIENTS:,} clients are connected, and no more are let in")
        client = self._clients[client_id] = AutoGenClient(self._host, f"autogen-{client_id}")
        self._opened.set()
        self._opened = asyncio.Event()
        writing = asyncio.ensure_future(client.write(stream))
        try:
            await stream.send_initial_metadata(())
            while (data := await stream.read()) is not grpc.aio.EOF:
                client.handle(parse(theirs.Message, data, "what came over the channel"))
        finally:
            del self._clients[client_id]
            writing.cancel()
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())
            client.close()

    async def _control(self, client_id: str, stream: Any) -> None:
        """Pass on what clients ask of each other's agents, to those that have such a channel."""
        if client_id in self._controls:
            raise UsageError("a client of that id has a control channel already")
        self._controls[client_id] = stream
        try:
            await stream.send_initial_metadata(())
            while (data := await stream.read()) is not grpc.aio.EOF:
                there = self._destination(parse(theirs.ControlMessage, data, "a control message"))
                with suppress(grpc.RpcError, asyncio.InvalidStateError):  # it is just leaving
                    await there.write(data)
        finally:
            del self._controls[client_id]

    def _destination(self, message: theirs.ControlMessage) -> Any:
        kind, _, name = message.destination.partition("=")
        owner = name if kind == "clientid" else ""
        if kind == "agentid":
            agent_type, _, key = name.partition("/")
            desk = self._host.routes.server_of(agent_type, key)
            owner = next((known for known, client in self._clients.items() if client.desk is desk), "")
        if owner not in self._controls:
            raise UsageError("nobody at that destination has a control channel")
        return self._controls[owner]

    # ---- requests

    async def _claim(self, client: AutoGenClient, request: theirs.RegisterAgentTypeRequest) -> Any:
        self._host.routes.claim(client.desk, request.type)
        self._host.rerouted()
        return theirs.Nothing()

    async def _subscribe(self, client: AutoGenClient, request: theirs.AddSubscriptionRequest) -> Any:
        given = request.subscription
        prefix = given.WhichOneof("subscription") == "prefix"
        if not 0 < len(given.id) <= LONGEST_ID or given.WhichOneof("subscription") is None:
            raise ProtocolError("a subscription has an id, and a topic type or its beginning")
        topic = given.prefix.topic_type_prefix if prefix else given.exact.topic_type
        agent_type = given.prefix.agent_type if prefix else given.exact.agent_type
        self._host.routes.subscribe(Subscribed(given.id, agent_type, topic, prefix, client.desk))
        self._host.rerouted()
        return theirs.Nothing()

    async def _unsubscribe(self, client: AutoGenClient, request: theirs.RemoveSubscriptionRequest) -> Any:
        self._host.routes.unsubscribe(client.desk, request.id)
        self._host.rerouted()
        return theirs.Nothing()

    async def _subscriptions(self, client: AutoGenClient, request: theirs.Nothing) -> Any:
        found = theirs.GetSubscriptionsResponse()
        for known in self._host.routes.subscriptions():
            told = found.subscriptions.add(id=known.id)
            if known.prefix:
                told.prefix.topic_type_prefix, told.prefix.agent_type = known.topic, known.agent_type
            else:
                told.exact.topic_type, told.exact.agent_type = known.topic, known.agent_type
        return found

    # ---- every call

    def _streaming(self, serve: Callable[[str, Any], Awaitable[None]]) -> Any:
        async def handler(_: Any, context: Any) -> None:
            try:
                await serve(_client_id(context), context)
            except Exception as error:
                await _abort(context, error)
                raise

        return handler

    def _asked(self, kind: Any, answer: Callable[[AutoGenClient, Any], Awaitable[Any]]) -> Any:
        async def handler(body: bytes, context: Any) -> Any:
            try:
                client = await self._client(_client_id(context))
                return (await answer(client, parse(kind, body, "the body"))).SerializeToString()
            except Exception as error:
                await _abort(context, error)
                raise

        return handler

    async def _client(self, client_id: str) -> AutoGenClient:
        """Return a client whose channel is open, or about to be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                while client_id not in self._clients:
                    await self._opened.wait()
        if client_id not in self._clients:
            raise UsageError("a client opens its channel first")
        return self._clients[client_id]


async def _abort(context: Any, error: Exception) -> None:
    """End the call with the status that stands for the error; raises."""
    if not isinstance(error, grpc.aio.AbortError):
        await context.abort(*status_of(error))


def _client_id(context: Any) -> str:
    given = dict(context.invocation_metadata() or ()).get("client-id")
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID:
        raise ProtocolError("the metadata of every call has a client-id")
    return given
