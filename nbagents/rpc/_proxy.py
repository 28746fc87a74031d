"""`RpcAgent`: an agent of another process, called like one of this process. `to_dist` makes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .. import _loop
from .._ids import new_id
from ..agents import AgentBase, Call, DialogAgent, Remote
from ..config import model_configs
from ..exceptions import AgentServerError, UsageError
from ..memory import TemporaryMemory
from ..models import choose_model, load_model, model_config_to_wire
from ._attachment import Attachment
from ._client import RpcAgentClient
from ._directory import attachment
from ._launcher import RpcAgentServerLauncher
from ._loader import class_name

__all__ = ["DistConf", "RpcAgent", "make_proxy", "settings_of"]

MODEL_KEYS = ("model_config_name", "model_or_config_name")


@dataclass(frozen=True)
class DistConf:
    """Where ``to_dist`` puts an agent. Never changed by using it; fine for any number of agents.

    Without ``port`` the agent gets a server process of its own, which ends with this process. With
    ``host`` and ``port`` it goes to the server there. ``lazy_launch`` puts off both until the first call.
    """

    host: str = "localhost"
    port: int | None = None
    max_pool_size: int = 8192
    max_timeout_seconds: float = 7200
    local_mode: bool = True
    lazy_launch: bool = False

    @classmethod
    def of(cls, given: Any) -> DistConf:
        """Make one of True, a `DistConf`, or a dictionary of its fields.

        Raises:
            UsageError: it is none of these, or has unknown fields.
        """
        if isinstance(given, DistConf):
            return given
        if given is True:
            return cls()
        if isinstance(given, Mapping):
            known = {field.name for field in fields(cls)}
            odd = sorted(set(given) - known - {"launch_server"})
            if odd:
                raise UsageError(f"to_dist has no option {', '.join(odd)}; known: {', '.join(sorted(known))}")
            return cls(**{key: value for key, value in given.items() if key in known})
        raise UsageError(f"to_dist is True, a DistConf or a dictionary of its fields, not {given!r}")


class AgentLink(Remote):
    """The way to one agent of one server."""

    def __init__(self, agent_id: str, kind: str, connect: Callable[[], Attachment]) -> None:
        self.agent_id, self.kind, self.connect = agent_id, kind, connect

    def send(self, call: Call) -> None:
        """Send a call; connects first where nothing is connected."""
        try:
            there = self.connect()
        except AgentServerError as error:
            call.scheduler.settle(call, None, error)
            return
        opening = call.scheduler.loop.create_task(there.open())
        opening.add_done_callback(lambda task: task.cancelled() or task.exception())  # the call gets the error
        there.send(call, self.agent_id, self.kind)

    def cancel(self, call: Call) -> None:
        """Tell the server that nobody wants this call any more."""
        try:
            self.connect().cancel(call)
        except AgentServerError:
            return  # the server is gone, and the call with it

    def address(self, call: Call) -> dict[str, Any]:
        """Say where another process can fetch the reply."""
        there = self.connect()
        host, _, port = there.server_address.rpartition(":")
        tcp = not there.server_address.startswith("unix:")
        return {
            "_call": call.id,
            "_server": there.server_id,
            "_epoch": there.epoch,
            "_host": host if tcp else None,
            "_port": int(port) if tcp else None,
            "_task_id": None,
        }


class RpcAgent(AgentBase):
    """A proxy. Calling it, observing and hubs work as with any agent; its code runs in the server.

    ``memory`` is a copy of what the agent remembers, complete up to the calls made before.
    """

    def __init__(
        self,
        name: str,
        agent_id: str,
        *,
        kind: str = "",
        connect: Callable[[], Attachment],
        launcher: RpcAgentServerLauncher | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.agent_id = name, agent_id
        self._kind, self._launcher, self._settings = kind, launcher, settings
        self._remote = AgentLink(agent_id, kind, connect)

    async def reply(self, *args: Any, **kwargs: Any) -> Any:
        """Call the agent over there; what ``agent(x)`` does."""
        return await self(*args, **kwargs)

    @property
    def memory(self) -> TemporaryMemory:  # type: ignore[override]  # a copy, fetched at each reading
        """Return a copy of what the agent remembers; waits for the calls made before."""
        if self.__dict__.get("_open"):
            self._settle_first()
        copy = TemporaryMemory()
        copy.add(self._client().get_agent_memory(self.agent_id))
        return copy

    @property
    def server_address(self) -> str:
        """Return where its server listens."""
        return self._link().connect().server_address

    def to_dist(self, *args: Any, **kwargs: Any) -> RpcAgent:
        """Return itself: it is in a server already."""
        return self

    def clone_instances(self, num_instances: int, including_self: bool = True) -> list[RpcAgent]:
        """Return this many agents made as this one was, itself the first unless ``including_self`` is false."""
        made = [self] if including_self else []
        while len(made) < num_instances:
            agent_id = self._client().clone_agent(self.agent_id)
            if agent_id is None:
                raise AgentServerError(f"{self.name} no longer lives in its server and cannot be cloned")
            made.append(RpcAgent(self.name, agent_id, kind=self._kind, connect=self._link().connect))
        return made

    def delete(self) -> bool:
        """Delete the agent in its server; False if it is not there any more."""
        return self._client().delete_agent(self.agent_id)

    def stop(self) -> None:
        """End the server process that was launched for this agent, if one was. Twice is fine."""
        if self._launcher is not None:
            self._launcher.shutdown()

    def _link(self) -> AgentLink:
        assert isinstance(self._remote, AgentLink)
        return self._remote

    def _client(self) -> RpcAgentClient:
        there = self._link().connect()
        return RpcAgentClient(there.server_address, agent_id=self.agent_id, token=there._token)


def settings_of(cls: type[AgentBase], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return how a server makes an agent, with its model's configuration resolved here, key and all."""
    kwargs = dict(kwargs)
    for key in MODEL_KEYS:
        if kwargs.get(key) is not None:
            kwargs[key] = _model_on_the_wire(kwargs[key])
    named = any(kwargs.get(key) is not None for key in MODEL_KEYS)
    if issubclass(cls, DialogAgent) and not named:
        if len(args) > 2 and args[2] is not None:
            args = (*args[:2], _model_on_the_wire(args[2]), *args[3:])
        else:
            kwargs["model_config_name"] = model_config_to_wire(choose_model().config)
    builtin = cls.__module__.startswith("nbagents.")
    settings: dict[str, Any] = {
        "class_name": cls.__name__ if builtin else class_name(cls),
        "args": list(args),
        "kwargs": kwargs,
    }
    if not builtin:
        settings["import_path"] = [folder for folder in sys.path if folder]
    return settings


def _model_on_the_wire(given: Any) -> Any:
    if isinstance(given, str):
        found = model_configs.find(given)
        return model_config_to_wire(found) if found is not None else model_config_to_wire(load_model(given).config)
    if isinstance(given, Mapping):
        return model_config_to_wire(given)
    return given


def make_proxy(what: Any, args: tuple[Any, ...], kwargs: dict[str, Any], where: Any) -> RpcAgent:
    """Put an agent, or a new one of a class, into a server; return its proxy. Blocking.

    Raises:
        AgentCreationError: the server cannot make it; the message says why.
    """
    if isinstance(what, AgentBase):
        names = ("host", "port", "max_pool_size", "max_timeout_seconds", "local_mode", "lazy_launch")
        where = DistConf.of(dict(zip(names, args, strict=False)) | kwargs)
        made = what._init_settings
        cls, args, kwargs, agent_id = type(what), made["args"], made["kwargs"], what.agent_id
        name = what._name
    else:
        cls, where, agent_id = what, DistConf.of(where), new_id()
        name = str(kwargs.get("name", args[0] if args else cls.__name__))
    settings = settings_of(cls, tuple(args), kwargs)
    if where.port is not None:
        client = RpcAgentClient(where.host, where.port, agent_id)
        client.create_agent(settings)
        return RpcAgent(name, agent_id, kind=cls.__name__, connect=lambda: client.attachment, settings=settings)
    launcher = RpcAgentServerLauncher(
        max_pool_size=where.max_pool_size, max_timeout_seconds=where.max_timeout_seconds, local_mode=True
    )
    launcher.launch()
    address, token = launcher.address, launcher.token
    try:
        RpcAgentClient(address, agent_id=agent_id, token=token).create_agent(settings)
    except BaseException:
        launcher.shutdown()
        raise
    return RpcAgent(
        name,
        agent_id,
        kind=cls.__name__,
        connect=lambda: attachment(address, token),
        launcher=launcher,
        settings=settings,
    )
