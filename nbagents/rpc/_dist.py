"""`to_dist`: put an agent into a server; `DistConf` says where."""

from __future__ import annotations

import inspect
import threading
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .._ids import new_id
from ..agents import (
    FAR_KINDS,
    AgentBase,
    DialogAgent,
    DictDialogAgent,
    ReActAgent,
    hooks_of,
    own_parser,
    remembered,
)
from ..config import model_configs
from ..exceptions import AgentServerNotAliveError, UsageError
from ._client import RpcAgentClient
from ._launcher import RpcAgentServerLauncher, import_path
from ._loader import class_name
from ._proxy import RpcAgent
from ._redefined import NotebookAgent, NotebookClass
from ._tool_source import held, named_settings, with_tools
from ._unit import Unit
from ._workshop import unit_of

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["DistConf", "make_proxy", "settings_of"]

OPTIONS = (
    "host",
    "port",
    "max_pool_size",
    "max_timeout_seconds",
    "local_mode",
    "lazy_launch",
    "launch_server",
)
MODEL_KEYS = ("model_config_name", "model_or_config_name")


@dataclass(frozen=True)
class DistConf:
    """Where ``to_dist`` puts an agent. Never changed by using it; fine for any number of agents.

    Without ``port`` the agent gets a server process of its own, which ends with this process, and as
    soon as neither the proxy nor a clone of it is left. With ``host`` and ``port`` it goes to the server
    there. ``lazy_launch`` puts off both until the first call, and with them what can go wrong; it is what
    ``Cls(..., to_dist=...)`` does unless told otherwise, and ``agent.to_dist()`` does not.
    """

    host: str = "localhost"
    port: int | None = None
    max_pool_size: int = 8192
    max_timeout_seconds: float = 7200
    local_mode: bool = True
    lazy_launch: bool = True

    def __post_init__(self) -> None:
        if self.port is not None and not (isinstance(self.port, int) and 0 < self.port <= 65535):
            raise UsageError(f"port {self.port} is not a port: give that of a server, or none to launch one")

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
            if given.get("launch_server") is not None:
                text = "launch_server is deprecated: without a port a server is launched, with one it is not"
                warnings.warn(text, DeprecationWarning, stacklevel=5)
            odd = sorted(set(given) - known - {"launch_server"})
            if odd:
                raise UsageError(f"to_dist has no option {', '.join(odd)}; known: {', '.join(sorted(known))}")
            return cls(**{key: value for key, value in given.items() if key in known})
        raise UsageError(f"to_dist is True, a DistConf or a dictionary of its fields, not {given!r}")


class Home:
    """Where one agent is made: in a server of its own, or in one that is there already.

    ``state`` is what it has become here. The proxies among its arguments live as long as this does.
    """

    def __init__(
        self,
        where: DistConf,
        agent_id: str,
        settings: dict[str, Any],
        state: dict[str, Any] | None = None,
    ) -> None:
        self._where, self._agent_id, self._settings, self._state = where, agent_id, settings, state
        self._newer: dict[str, Any] = {}
        self._made: _Made | None = None
        self._launcher: RpcAgentServerLauncher | None = None
        self._client: RpcAgentClient | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def connect(self) -> Attachment | None:
        """Return the attachment; None before the agent is made. Never waits."""
        if self._stopped:
            raise AgentServerNotAliveError("the server of this agent was stopped; make the agent anew")
        if self._client is None:
            return None
        return self._client.attachment if self._launcher is None else self._launcher.attach()

    def check(self) -> None:
        """Raise UsageError if an argument cannot travel or an option is wrong. Contacts nobody."""
        from ._codec import encode

        if self._where.port is None:
            self._launcher_here()
        encode(self._settings, reference=lambda _: None)

    def bring_up(self) -> None:
        """Launch the server where that is due, and make the agent. Blocking."""
        with self._lock:
            if self._client is not None or self._stopped:
                if self._launcher is not None:
                    self._launcher.bring_up()
                return
            if self._where.port:
                client = RpcAgentClient(self._where.host, self._where.port)
                client.create_agent(self._settings, self._agent_id, state=self._state)
            else:
                client = self._launch()
            self._client = client
            self._renewed(self._newer)  # for a server that is started again

    def renew(self, unit: Unit, *, idle: bool) -> bool:
        """Make the agent by this source from now on; return whether one that is there must be told.

        ``idle`` says that no call waits for the agent to be made.
        """
        newer = {"class_name": unit.target, "source": unit.to_dict()}
        if idle and self._lock.acquire(blocking=False):
            made = self._client is not None
            self._renewed(newer)
            self._lock.release()
            return made
        if self._client is not None:
            self._renewed(newer)
        else:  # it is being made, for calls that were made before
            self._newer = newer
        return True

    def _renewed(self, newer: dict[str, Any]) -> None:
        self._settings = self._settings | newer
        if self._made is not None:
            self._made.settings = self._settings

    def stop(self) -> None:
        """End the server that was launched for this agent. Twice is fine."""
        with self._lock:
            if self._launcher is not None:
                self._stopped = True
                self._launcher.shutdown()

    def _launcher_here(self) -> RpcAgentServerLauncher:
        return RpcAgentServerLauncher(
            self._where.host,
            max_pool_size=self._where.max_pool_size,
            max_timeout_seconds=self._where.max_timeout_seconds,
            local_mode=self._where.local_mode,
        )

    def _launch(self) -> RpcAgentClient:
        self._launcher = launcher = self._launcher_here()
        launcher.on_ready = self._made = _Made(self._agent_id, self._settings, self._state)
        try:
            launcher.launch()
            launcher.bring_up()
        except BaseException:
            launcher.shutdown()
            raise
        weakref.finalize(self, launcher.release).atexit = False
        return RpcAgentClient(launcher.address, token=launcher.token)


class _Made:
    """Makes an agent in each server that comes up for it without it."""

    def __init__(self, agent_id: str, settings: dict[str, Any], state: dict[str, Any] | None) -> None:
        self.agent_id, self.settings, self.state = agent_id, settings, state

    def __call__(self, client: RpcAgentClient, before: str) -> None:
        there = {about["agent_id"]: about for about in client.get_agent_list()} if before else {}
        if there.get(self.agent_id, {"needs_key": True}).get("needs_key"):
            client.create_agent(self.settings, self.agent_id, state=self.state)


def make_proxy(what: Any, args: tuple[Any, ...], kwargs: dict[str, Any], where: Any) -> RpcAgent:
    """Put an agent, or a new one of a class, into a server; return its proxy. Blocking, unless lazy.

    Raises:
        AgentCreationError: the server cannot make it; the message says why.
        UsageError: the options are wrong, or an argument of its constructor cannot travel.
    """
    state = None
    if isinstance(what, AgentBase):
        given = dict(zip(OPTIONS, args, strict=False)) | kwargs
        where = DistConf.of({"lazy_launch": False} | given)
        made = what._init_settings
        cls, args, kwargs, agent_id = type(what), made["args"], made["kwargs"], what.agent_id
        name, state = what._name, _state_of(what)
        if isinstance(what, DictDialogAgent) and (parser := own_parser(what)) is not None:
            kwargs = {**kwargs, "parser": parser}
    else:
        cls, where, agent_id = what, DistConf.of(where), new_id()
        name = str(kwargs.get("name", args[0] if args else cls.__name__))
        if given_messages := held(cls, args, kwargs):
            state = {"memory": remembered(given_messages, name)}
    written = NotebookClass.of(cls) if unit_of(cls) is None else None
    if written is not None:
        cls = written.newest
    home = Home(where, agent_id, settings_of(cls, tuple(args), kwargs), state)
    if written is not None:
        proxy: RpcAgent = NotebookAgent(
            name, agent_id, kind=cls.__name__, written=written, home=home, stop=home.stop
        )
    else:
        proxy = RpcAgent(
            name, agent_id, kind=cls.__name__, connect=home.connect, bring_up=home.bring_up, stop=home.stop
        )
    if isinstance(what, AgentBase):
        for hook_type in FAR_KINDS:
            for hook_name, hook in hooks_of(what.__dict__, hook_type).items():
                proxy.register_instance_hook(hook_type, hook_name, hook)
    if where.lazy_launch:
        home.check()
    else:
        home.bring_up()
    return proxy


def _state_of(agent: AgentBase) -> dict[str, Any]:
    """Return what an agent has become by the calls made before."""
    if agent.__dict__.get("_open"):
        agent._settle_first()
    return agent.state_dict()


def settings_of(cls: type[AgentBase], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return how a server makes an agent, with its model's configuration resolved here, key and all.

    Raises:
        AgentCreationError: no server can import the class, or what it needs cannot travel.
        ModelChoiceError: its model cannot be had.
    """
    args, kwargs = named_settings(cls, args, dict(kwargs))
    keys = (*MODEL_KEYS, "model") if issubclass(cls, ReActAgent) else MODEL_KEYS
    for key in keys:
        if kwargs.get(key) is not None:
            kwargs[key] = _model_on_the_wire(kwargs[key])
    named = any(kwargs.get(key) is not None for key in keys)
    if not named and cls is ReActAgent:
        kwargs[ReActAgent.model_key(kwargs)] = _chosen()
    if not named and _takes_model(cls):
        model = args[2] if len(args) > 2 else None
        if model is not None or issubclass(cls, DialogAgent):
            config = _model_on_the_wire(model) if model is not None else _chosen()
            if len(args) > 2:
                args = (*args[:2], config, *args[3:])
            else:
                kwargs[MODEL_KEYS[0]] = config
    settings: dict[str, Any]
    tooled = with_tools(cls, kwargs)
    if tooled is not None:
        kwargs, made = tooled
        settings = {"class_name": made.target, "args": list(args), "kwargs": kwargs}
        return settings | {"source": made.to_dict(), "import_path": import_path()}
    builtin = cls.__module__.startswith("nbagents.")
    settings = {"class_name": cls.__name__, "args": list(args), "kwargs": kwargs}
    if builtin:
        return settings
    unit = unit_of(cls)
    if unit is None and (written := NotebookClass.of(cls)) is not None:
        unit = written.unit
    if unit is not None:
        settings |= {"class_name": unit.target, "source": unit.to_dict()}
    else:
        settings["class_name"] = class_name(cls)
    return settings | {"import_path": import_path()}


def _takes_model(cls: type[AgentBase]) -> bool:
    """Is its constructor's third argument the model, as `AgentBase` has it?"""
    names = list(inspect.signature(cls.__init__).parameters)
    return names[3:4] == [MODEL_KEYS[0]]


def _chosen() -> dict[str, Any]:
    from ..models import choose_model, model_config_to_wire

    return model_config_to_wire(choose_model().config)


def _model_on_the_wire(given: Any) -> Any:
    from ..models import load_model, model_config_to_wire

    if isinstance(given, Mapping):
        return model_config_to_wire(given)
    known = model_configs.find(given) if isinstance(given, str) else None
    return model_config_to_wire(known if known is not None else load_model(given).config)
