"""`Session`: the agents of one workspace, by name."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from ..agents import AgentBase, revise, settled
from ..asking import OpenQuestion
from ..exceptions import AgentNotFoundError, NbAgentsError, UsageError
from ..message import Msg
from ..models import MODEL_KEYWORDS, ModelChoice, model_config_to_wire
from ..rpc import (
    CUSTODIAN,
    KeptServer,
    RpcAgent,
    RpcAgentClient,
    RunTeller,
    ServerOptions,
    ServerStatus,
    adopt_questions,
    connections,
    post_question,
)
from ..runs import numbers
from ._about import AgentInfo, Definition
from ._configs import loaded_configs
from ._doctor import Finding, examine
from ._making import changed_of, settings_for
from ._person import PERSON, Person, person_settings
from ._rewind import message_at
from ._runs import RunsThere
from ._settings import Settings

__all__ = ["AgentInfo", "Definition", "Session"]

log = logging.getLogger(__name__)
KINDS = ("chat", "react", "user")


@dataclass(slots=True)
class _Known:
    proxy: AgentBase
    settings: dict[str, Any] | None = field(repr=False)
    """How to make it again, with its key; None if another process made it."""
    color: int


class Session(Settings, RunsThere):
    """The agents of one workspace of the shared server. Methods block; they are safe from any thread.

    ``workspace`` is the notebook's path, or a folder. ``owner`` is who ends the server: "process",
    this one; "user", the Jupyter server that started this kernel, where it keeps agent servers, else nobody,
    until it is stopped or idle for hours. With ``headless`` the demo model does not pretend to type.
    """

    def __init__(
        self, workspace: str, *, headless: bool = False, owner: str = "process", folder: str = ""
    ) -> None:
        super().__init__(folder, headless=headless)
        self.workspace = workspace
        self.server = KeptServer.owned(ServerOptions(owner=owner), on_ready=self._on_ready)
        self.teller = RunTeller(workspace, self.server.attach)
        """Tells the server of the runs of this session; what `nbagents.runs.Run` takes."""
        self._agents: dict[str, _Known] = {}
        self._proxies: WeakSet[AgentBase] = WeakSet()
        self._warm: dict[str, Any] | None = None
        self.watched = False
        """Does somebody show the notices? Else they are logged."""
        self.notices: list[str] = []
        """What the person should hear at the next chance, oldest first; whoever shows it clears it."""

    # ---- the server

    def start(self, choice: ModelChoice | None = None) -> None:
        """Bring the server up in the background, and warm up the model that will be used; return at once."""
        if choice is not None:
            self._warm = model_config_to_wire(choice.config)
        self.server.start()

    def status(self) -> ServerStatus:
        """Return how the server is, without asking it."""
        return self.server.status()

    def on_status(self, listener: Callable[[ServerStatus], object]) -> None:
        """Call ``listener`` whenever the server's status changes."""
        self.server.on_status(listener)

    def server_list(self) -> list[dict[str, Any]]:
        """Return what is known of every server of this user; those of other machines are marked foreign."""
        mine = self.status().server_id
        return [
            {
                "server_id": c.server_id,
                "owner": c.owner,
                "pid": c.pid,
                "host": c.host,
                "version": c.version,
                "foreign": c.is_foreign(),
                "mine": c.server_id == mine,
            }
            for c in connections()
        ]

    def server_stop(self) -> None:
        """Stop the server and every agent in it."""
        self.server.stop()
        self._agents = {}

    def close(self) -> None:
        """Leave. A server of the owner "process" ends, a shared one goes on."""
        self.server.close()
        self.forget()

    def doctor(self) -> list[Finding]:
        """Look at everything that can be wrong, and say what to type."""
        return examine(self)

    # ---- people

    def ask_by_page(self, opened: OpenQuestion) -> str | None:
        """Let a page of this machine's jupyter-server answer a question, and any other session of the user.

        Returns the id of the server that takes the page's answer, or None. Waits for one that is starting.
        """
        try:
            there = self.server.attach()
            if there is None and self.status().state in ("starting", "ready"):
                self.server.ensure()
                there = self.server.attach()
        except NbAgentsError:
            return None
        if there is None:
            return None
        if not opened.server:
            post_question(there, opened)
            opened.server = opened.server or self.status().server_id
        extension = os.environ.get(CUSTODIAN)
        return (opened.server or None) if extension and os.path.exists(extension) else None

    def waiting(self) -> list[OpenQuestion]:
        """Open here what runs that outlived their kernel ask people. Blocking, until the server is up."""
        client, there = self.server.client(), self.server.attach()
        return [] if there is None else adopt_questions(there, client, self.workspace)

    # ---- agents

    def define(
        self,
        name: str,
        sys_prompt: str,
        *,
        model: str | None = None,
        kind: str = "chat",
        fresh: bool = False,
        generate_args: dict[str, Any] | None = None,
        tools: Sequence[Any] = (),
        approve: str | None = None,
    ) -> Definition:
        """Make the agent of that name, or bring it up to date; its memory stays unless ``fresh``.

        With ``tools``, functions or toolkits, it is one that calls them, as one of kind "react" always is;
        ``approve`` says who allows that.

        Raises:
            UsageError, ModelChoiceError: the kind, the model or a tool cannot be had.
            AgentCreationError: a tool cannot go to the server.
            AgentServerError: the server cannot be brought up, or cannot make the agent.
        """
        if kind not in KINDS:
            raise UsageError(
                f"an agent of kind {kind!r} is not available in this version; kinds: {', '.join(KINDS)}"
            )
        if (tools or approve is not None) and kind == "user":
            raise UsageError(f"{name} is a person, who calls no tools")
        if approve is not None and not tools:
            raise UsageError(f"approve={approve} is about tools, and {name} is given none: name them too")
        if kind == "user":
            return self._define_person(name, sys_prompt, fresh=fresh)
        choice = self.choose(model)
        listed = tools if tools or kind == "react" else None
        settings = settings_for(name, sys_prompt, choice.config, generate_args, listed, approve)
        before = self._agents[name].settings if name in self._agents else None
        about = self.server.client().define_agent(self.workspace, name, settings, fresh=fresh)
        known = self._remember(about, settings)
        return Definition(
            known.proxy,
            about["change"],
            about["messages"],
            known.color,
            choice,
            changed_of(before, settings) if about["change"] == "updated" else "",
            tuple(about.get("tools", ())),
        )

    def find(self, name: str) -> AgentBase:
        """Return the agent of that name in this workspace.

        Raises:
            AgentNotFoundError: there is none; the message names those that are.
        """
        self.server.ensure()
        if name not in self._agents:
            self._refresh()
        if name in self._agents:
            return self._agents[name].proxy
        names = self.names()
        close = difflib.get_close_matches(name, names, 1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        whom = f"   Known: {', '.join(names)}" if names else "   Define one: %%agent " + name
        raise AgentNotFoundError(f"no agent called {name!r}.{guess}{whom}")

    def owns(self, agent: AgentBase) -> bool:
        """Does it know this agent by name, or did it, until the agent ended with its server?"""
        return agent in self._proxies

    def defined(self, name: str) -> bool:
        """Was the agent of that name made, or brought up to date, by this process?"""
        known = self._agents.get(name)
        return known is not None and known.settings is not None

    def names(self) -> list[str]:
        """Return the names known here, without asking the server."""
        return list(self._agents)

    def color(self, name: str) -> int | None:
        """Return an agent's colour number; None for a person or a stranger. Never waits."""
        known = self._agents.get(name)
        return None if known is None or isinstance(known.proxy, Person) else known.color

    def agents(self, *, everywhere: bool = False) -> list[AgentInfo]:
        """Ask the server for the agents of this workspace, or of all."""
        listed = self.server.client().get_agent_list()
        return [AgentInfo.of(a) for a in listed if everywhere or a.get("workspace") == self.workspace]

    def unpriced(self, agents: Collection[AgentBase]) -> list[str]:
        """Return the names of those models of agents made here whose price nobody knows."""
        settings = [known.settings for known in list(self._agents.values()) if known.proxy in agents]
        found = [each["kwargs"].get(key) for each in settings if each is not None for key in MODEL_KEYWORDS]
        return self.without_price(config for config in found if isinstance(config, dict))

    def use(self, name: str, notebook: str, known_as: str) -> AgentBase:
        """Let an agent of another notebook be called here; ``notebook`` is its path, or how that ends.

        Raises:
            AgentNotFoundError: there is none, or more than one.
            UsageError: the name it would have here is taken.
        """
        if known_as in self._agents:
            raise UsageError(f"there is an agent {known_as} here: use {notebook}/{name} as another_name")
        tail = f"/{notebook.strip('/')}"
        found = [
            about
            for about in self.server.client().get_agent_list()
            if about["name"] == name and f"/{str(about.get('workspace', '')).strip('/')}".endswith(tail)
        ]
        if len(found) != 1:
            which = "no agent" if not found else f"{len(found)} agents"
            raise AgentNotFoundError(f"{which} called {name!r} in {notebook!r}: see %agents list")
        known = self._remember({**found[0], "name": known_as}, None)
        return known.proxy

    def clear(self, name: str) -> int:
        """Empty an agent's memory, after the calls made before; return how many messages it forgets.

        Raises:
            AgentNotFoundError: there is none of that name.
        """
        agent = self.find(name)
        count = len(revise(agent).result().content["entries"])
        revise(agent, {"op": "clear"}).result()
        return count

    def fork(self, name: str, known_as: str, number: int | None = None) -> AgentBase:
        """Make an agent like another one, memory and all; ``number`` is the last message that it keeps.

        Messages are numbered as a memory shows them, from 1, the system prompt first.

        Raises:
            AgentNotFoundError: there is none of that name.
            UsageError: the new name is taken, or there is no message of that number.
        """
        agent = self.find(name)
        if known_as in self._agents:
            raise UsageError(f"there is an agent {known_as} here: fork {name} under another name")
        after = None if number is None else message_at(agent, number)
        about = self.server.client().fork_agent(agent.agent_id, known_as, after)
        known = self._remember({**about, "name": known_as}, self._settings_as(name, known_as))
        return known.proxy

    def _settings_as(self, name: str, known_as: str) -> dict[str, Any] | None:
        settings = self._agents[name].settings
        return None if settings is None else {**settings, "args": [known_as, *settings["args"][1:]]}

    def revive(self) -> list[AgentInfo]:
        """Bind the agents that live in this workspace already, after a restart of the kernel; return them."""
        self._refresh()
        return self.agents()

    def memory(self, name: str) -> list[Msg]:
        """Return what an agent remembers, complete up to the calls made before."""
        agent = self.find(name)
        settled(agent).result()
        memory = agent.memory
        return [] if memory is None else memory.get_memory()

    def delete(self, name: str) -> None:
        """Delete an agent and its memory."""
        found = self.find(name)
        if isinstance(found, RpcAgent):
            found.delete()
        self._agents.pop(name, None)

    # ---- inside

    def _define_person(self, name: str, prompt: str, *, fresh: bool) -> Definition:
        settings = person_settings(name, prompt)
        about = self.server.client().define_agent(self.workspace, name, settings, fresh=fresh)
        known = self._remember(about, settings)
        return Definition(known.proxy, about["change"], about["messages"], known.color, None)

    def _remember(self, about: dict[str, Any], settings: dict[str, Any] | None) -> _Known:
        name = about["name"]
        known = self._agents.get(name)
        if known is None or known.proxy.agent_id != about["agent_id"]:
            proxy = (Person if about["type"] == PERSON else RpcAgent)(
                name,
                about["agent_id"],
                kind=about["type"],
                connect=self.server.attach,
                bring_up=self.server.ensure,
            )
            self._proxies.add(proxy)
            known = self._agents[name] = _Known(proxy, settings, about["color"])
        elif settings is not None:
            known.settings = settings
        return known

    def _refresh(self) -> None:
        for about in self.server.client().get_agent_list():
            if about.get("workspace") == self.workspace:
                self._remember(about, None)

    def _on_ready(self, client: RpcAgentClient, before: str) -> None:
        """Bring a server that has just come up to what is known here: agents, and the keys of their models.

        Raises:
            AgentServerError: the server does not answer.
        """
        for run in client.runs(self.workspace):  # those of this process count on from there
            numbers.reach(int(run["number"]))
        self.teller.again(client.attachment)
        there = {about["agent_id"]: about["messages"] for about in client.get_agent_list()}
        told: dict[str, list[str]] = {"remembers": [], "empty": [], "gone": []}
        for name, known in list(self._agents.items()):
            count = there.get(known.proxy.agent_id)
            if count is not None:
                told["remembers"].append(f"{name} remembers {count} message{'s' if count != 1 else ''}")
            made = self._made_again(client, name, known, keep=count is not None)
            if count is None:
                told["empty" if made else "gone"].append(name)
        if before:
            what = f"the agent server had {before}"
            parts = ["; ".join(told["remembers"])] if told["remembers"] else []
            if told["empty"]:
                parts.append(f"{', '.join(told['empty'])} began with an empty memory")
            if parts:
                self._notice(f"{what} and was started again: {'; '.join(parts)}")
            if told["gone"]:
                self._notice(f"{what}, and with it {', '.join(told['gone'])}: define them again")
        configs = [*([self._warm] if self._warm is not None else []), *loaded_configs()]
        if configs:
            try:
                client.set_model_configs(configs)
            except NbAgentsError as error:
                self._notice(f"the server did not take the model: {error}")

    def _notice(self, text: str) -> None:
        self.notices.append(text)
        if not self.watched:
            log.warning("%s", text)

    def _made_again(self, client: RpcAgentClient, name: str, known: _Known, *, keep: bool) -> bool:
        """Define an agent as it was last defined here, which changes no memory; False if that cannot be."""
        try:
            if known.settings is not None:
                client.define_agent(self.workspace, name, known.settings, agent_id=known.proxy.agent_id)
                return True
        except NbAgentsError as error:
            log.warning("%s could not be made again: %s", name, error)
        if not keep:
            self._agents.pop(name, None)
        return keep
