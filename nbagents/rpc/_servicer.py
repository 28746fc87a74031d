"""`AgentServerServicer`: what an agent server does, behind both of its services.

Knows nothing of sockets, tokens or processes. Every method takes and returns the messages of
`agent.proto`, whether it is reached as a unary call or through the Attach stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from threading import Event as StopEvent
from typing import Any

import grpc
from google.protobuf.message import Message

from .. import asking
from ..agents import AgentBase, scheduler
from ..exceptions import CallCancelledError, ProtocolError
from ..memory import messages_of
from ._admission import admit_call, checked_settings, told
from ._agents import AgentTable
from ._anywhere import anywhere, streamed_anywhere
from ._codec import from_json, to_json
from ._exports import Exports
from ._faults import AgentFailed, decode_error, encode_error
from ._handles import host_agents
from ._keeper import Keeper
from ._loader import AgentClasses
from ._methods import parsed_request
from ._model_configs import take_model_configs
from ._options import check_studio_url
from ._printable import printable
from ._proto import agent_pb2 as pb
from ._proto.agent_pb2_grpc import AgentServerServicer as _AttachServicer
from ._proto.agent_pb2_grpc import RpcAgentServicer
from ._results import Results
from ._session import Session
from ._sessions import Sessions
from ._steering import Steering
from ._studio import Studio
from ._topics._host import TopicHost
from ._usage import Usage
from ._waits import answer_waits

__all__ = ["AgentServerServicer"]


class AgentServerServicer(RpcAgentServicer, _AttachServicer):
    """The methods of one agent server. All of them run on the background loop; call them from any thread.

    ``stop_event`` is set when a client asks the server to stop. Replies are kept by number
    (``max_pool_size``) and age (``max_timeout_seconds``), the oldest finished ones dropped first. Replies
    are told to the studio at ``studio_url``, if there is one. ``custom_agent_classes`` can be made here.
    ``keeper`` keeps what the agents become.

    `RpcAgentServerLauncher` makes one and guards it. Whoever makes one by hand can call its methods, or
    register it at a gRPC server of their own, which must then ask for a token itself.
    """

    def __init__(
        self,
        stop_event: StopEvent,
        host: str = "localhost",
        port: int | None = None,
        server_id: str | None = None,
        studio_url: str | None = None,
        max_pool_size: int = 8192,
        max_timeout_seconds: float = 7200,
        *,
        custom_agent_classes: Sequence[type[AgentBase]] = (),
        classes: AgentClasses | None = None,
        exports: Exports | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.stop_event, self.host, self.port, self.studio_url = stop_event, host, port, studio_url
        self.server_id = server_id or secrets.token_hex(4)
        self.epoch = secrets.token_hex(8)
        self.last_active = time.monotonic()
        self._sessions = Sessions(self.server_id, self.epoch, stop_event, self._new_session, self._active)
        classes = classes or AgentClasses(private=False)
        for cls in custom_agent_classes:
            classes.register(cls)
        self.keeper = keeper
        self._agents = AgentTable(classes, keeper)
        self._exports = exports or Exports()
        host_agents(self.server_id, self._agents)
        self._results = Results(max_pool_size, max_timeout_seconds)
        self._steering = Steering(self._results, self._agents)
        self._topics = TopicHost(self._agents, self._results, self._steering.book)
        self.refuse_calls = self._results.refuse
        self._usage = Usage()
        self.studio: Studio | None = None
        if studio_url is not None:
            check_studio_url(studio_url)
            if port is not None:
                self.listens_at(f"{host}:{port}")

    def close(self) -> None:
        """End all calls, and the sessions once all is told. On the loop only; twice is fine."""
        for call in self._results.unfinished():
            scheduler().end(call, CallCancelledError(f"the call of {call.label()} ended: the server stops"))
        self._steering.book.close()
        if self.studio is not None:
            self.studio.end()

    def logs_to(self, path: Path) -> None:
        """Know where this process's log is, for those who ask to see it."""
        self._steering.log = path

    def listens_at(self, address: str) -> None:
        """Tell the studio, where there is one, of the server at that address and of its replies."""
        if self.studio_url is not None and self.studio is None:
            self.studio = Studio.of_server(self.studio_url, self.server_id, address, self.agent_exists)

    @property
    def sessions(self) -> list[Session]:
        """The sessions of clients that are connected now."""
        return self._sessions.connected()

    # ---- what upstream's callers use in process

    def get_task_id(self) -> int:
        """Return a new task id; each reply has one."""
        return self._results.new_task_id()

    def agent_exists(self, agent_id: str) -> bool:
        """Does an agent of that id live here?"""
        return agent_id in self._agents

    def get_agent(self, agent_id: str) -> AgentBase:
        """Return the agent of that id.

        Raises:
            AgentNotFoundError: there is none.
        """
        return self._agents.get(agent_id).agent

    def pending(self) -> int:
        """Return how many calls have not ended."""
        return self._results.pending()

    # ---- the thirteen methods

    @anywhere
    async def is_alive(self, request: Any, context: Any = None) -> pb.GeneralResponse:
        """Answer that the server lives."""
        return pb.GeneralResponse(ok=True)

    @anywhere
    async def stop(self, request: Any, context: Any = None) -> pb.GeneralResponse:
        """Stop the server, soon after this answer."""
        asyncio.get_running_loop().call_later(0.02, self.stop_event.set)
        return pb.GeneralResponse(ok=True)

    @anywhere
    async def create_agent(self, request: pb.CreateAgentRequest, context: Any = None) -> pb.GeneralResponse:
        """Make an agent, or several alike; with a workspace and a name bring the one there up to date."""
        settings = checked_settings(request, self._agents, attached=context is None)
        if request.more:
            await self._agents.create_many([request.agent_id, *request.more], settings)
            return told({"created": 1 + len(request.more)})
        state = from_json(request.state, "state") if request.state else None
        if not isinstance(state, dict | None):
            raise ProtocolError("state is not a JSON object")
        if request.name:
            hosted, change = await self._agents.define(
                request.workspace,
                request.name,
                settings,
                agent_id=request.agent_id,
                fresh=request.fresh,
                state=state,
            )
        else:
            hosted, change = await self._agents.create(request.agent_id, settings, state), "created"
        return told(hosted.about() | {"change": change})

    @anywhere
    async def delete_agent(self, request: pb.StringMsg, context: Any = None) -> pb.GeneralResponse:
        """Delete an agent."""
        if self._agents.delete(request.value):
            await self._agents.saved()
            return pb.GeneralResponse(ok=True)
        return pb.GeneralResponse(
            ok=False, message=f"try to delete a non-existent agent [{printable(request.value, 130)}]."
        )

    @anywhere
    async def delete_all_agents(self, request: Any, context: Any = None) -> pb.GeneralResponse:
        """Delete every agent."""
        self._agents.delete_all()
        await self._agents.saved()
        return pb.GeneralResponse(ok=True)

    @anywhere
    async def clone_agent(self, request: pb.StringMsg, context: Any = None) -> pb.GeneralResponse:
        """Make a new agent like another one; the message is its id."""
        if request.value not in self._agents:
            text = f"Try to clone a non-existent agent [{printable(request.value, 130)}]."
            return pb.GeneralResponse(ok=False, message=text)
        return pb.GeneralResponse(ok=True, message=(await self._agents.clone(request.value)).agent_id)

    @anywhere
    async def call_agent_func(self, request: pb.RpcMsg, context: Any = None) -> pb.GeneralResponse:
        """Call an agent; the message is the task id under which the reply can be fetched.

        ``_observe`` is answered when the agent has observed.
        """
        self._results.check_open()
        value = from_json(request.value or "null", "value")
        call = admit_call(self._agents, request.target_func, request.agent_id, [[value], {}])
        task_id = self._results.add_task(call)
        scheduler().admit(call, run="", workspace="", timeout=None)
        if call.kind != "call":
            await self._ended(task_id)
        return pb.GeneralResponse(ok=True, message=str(task_id))

    @anywhere
    async def update_placeholder(
        self, request: pb.UpdatePlaceholderRequest, context: Any = None
    ) -> pb.GeneralResponse:
        """Wait for the reply of a task; the message is its JSON.

        If the agent failed, a unary caller gets ``ok=False`` and the traceback, as AgentScope's does,
        an attached one the error itself.
        """
        try:
            return pb.GeneralResponse(ok=True, message=to_json(await self._ended(request.task_id)))
        except AgentFailed as failed:
            if context is None:
                raise decode_error(failed.error, failed.who) from None
            text = failed.error.traceback or f"{failed.error.type}: {failed.error.message}"
            return pb.GeneralResponse(ok=False, message=text)

    async def _ended(self, task_id: int) -> Any:
        call = self._results.by_task(task_id)
        if not call.done:  # if the caller goes, the call stays
            await scheduler().signal(call.on_done)
        call.read = True
        if call.error is not None:
            raise AgentFailed(encode_error(call.error), call.label())
        return call.value

    @anywhere
    async def get_agent_list(self, request: Any, context: Any = None) -> pb.GeneralResponse:
        """List the agents; the message is a JSON list."""
        return told([hosted.about() for hosted in self._agents.all()])

    @anywhere
    async def get_server_info(self, request: Any, context: Any = None) -> pb.GeneralResponse:
        """Tell who the server is and what it uses; the message is a JSON object.

        ``cpu`` is in percent of one core, since the last time that it was asked for; ``mem`` in MiB.
        """
        return told(
            {
                "pid": os.getpid(),
                "id": self.server_id,
                "epoch": self.epoch,
                **self._usage.told(),
                "size": len(self._agents),
                "pending": self.pending(),
                "questions": len(asking.open_questions()),
                "clients": len(self.sessions),
                "lost": [lost.about() for lost in self._agents.lost],
            }
        )

    @anywhere
    async def set_model_configs(self, request: pb.StringMsg, context: Any = None) -> pb.GeneralResponse:
        """Load model configurations, a JSON object or list of them, and warm up what they need."""
        refusal = take_model_configs(request.value)
        if not refusal:
            self._agents.configured(json.loads(request.value))
        return pb.GeneralResponse(ok=not refusal, message=refusal)

    @anywhere
    async def get_agent_memory(self, request: pb.StringMsg, context: Any = None) -> pb.GeneralResponse:
        """Return what an agent remembers; the message is a JSON list."""
        if request.value not in self._agents:
            return pb.GeneralResponse(
                ok=False, message=f"Agent [{printable(request.value, 130)}] has not found"
            )
        memory = self._agents.get(request.value).agent.__dict__.get("memory")
        if memory is None:
            return pb.GeneralResponse(ok=False, message=f"Agent [{request.value}] has no memory")
        messages = messages_of(memory)
        if messages is None:
            return pb.GeneralResponse(
                ok=False, message=f"Agent [{request.value}] has a memory that only it can read"
            )
        return pb.GeneralResponse(ok=True, message=to_json(messages))

    @streamed_anywhere
    async def download_file(self, request: pb.StringMsg, context: Any = None) -> AsyncIterator[pb.ByteMsg]:
        """Send an exported file in parts of a mebibyte.

        Raises:
            FileNotExportedError: no such file is exported, whether it exists or not.
            MessageTooLargeError: it exceeds the limit.
        """
        async with contextlib.aclosing(self._exports.parts(request.value)) as parts:
            async for data in parts:
                yield pb.ByteMsg(data=data)

    # ---- the stream

    async def waits(self, request: pb.StringMsg) -> pb.GeneralResponse:
        """Say which ring of waiting calls a call closes, with the way that led to it; see `agents._rings`."""
        return told(await answer_waits(self._results, request.value))

    async def request(self, method: str, body: bytes) -> bytes:
        """Answer one method by name, in bytes: the stream's way to the thirteen methods."""
        message = parsed_request(method, body)  # first, since it refuses what is no method
        answer: Message = await getattr(self, method)(message)
        return answer.SerializeToString()

    async def attach(self, stream: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        """Serve one connection of an attached client until it leaves, or the connection breaks.

        Raises:
            ProtocolError: it sent what is no frame, or none of this version.
        """
        await self._sessions.serve(stream)

    def _new_session(self, name: str) -> Session:
        return Session(name, self._agents, self._results, self.request, self._steering, self._topics)

    def _active(self) -> None:
        self.last_active = time.monotonic()
