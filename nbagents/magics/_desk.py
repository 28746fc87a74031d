"""`Desk`: one notebook's side of it all: its variables, its agents' names and colours, its outputs.

Everything that the magics share between cells lies here, and nothing else does.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from .. import events
from ..agents import REVISE, AgentBase, UserAgent, settled
from ..budget import Limits
from ..exceptions import AgentNotFoundError, NbAgentsError, UsageError
from ..message import Msg, PlaceholderMessage
from ..render import content_text
from ..runs import Run
from ..setup import Definition, Session
from ..widgets import Mode, Surface, mode_of
from ._fields import Field, scan
from ._interpolation import Interpolated, interpolate
from ._names import EVERYONE
from ._pace import apart, arrival, promised
from ._specs import CommonOptions, Spec

__all__ = ["Desk"]

LAST_COLOR = 7
SPECS = 50
"""How many cells ``%agents code`` remembers."""


class Desk:
    """What the magics of one shell share. Used on the main thread, but for `said`."""

    def __init__(self, shell: Any, session: Session) -> None:
        self.shell, self.session = shell, session
        session.watched = True
        self.said: dict[str, Msg] = {}
        """What each agent said last, for ``{poet}``."""
        self.specs: deque[tuple[Run | None, Spec]] = deque(maxlen=SPECS)
        """What the last cells asked for, with their run, where there was one."""
        self.looks: dict[str, tuple[float, dict[str, list[int]]]] = {}
        """When ``%agents topics`` last looked at each host, and what had passed there by then."""
        self._colors: dict[str, int] = {}
        self._unsubscribe = events.subscribe(self._hear)

    def close(self) -> None:
        """Listen no more."""
        self._unsubscribe()

    def _hear(self, event: events.Event) -> None:
        if getattr(event.source, "method", "") == REVISE:
            return  # a look at its memory; the agent has said nothing
        if event.kind == "done" and isinstance(event.data.get("message"), Msg):
            self.said[event.agent] = event.data["message"]

    # ---- who and where

    @property
    def mode(self) -> Mode:
        """Is somebody there, and at what?"""
        return mode_of(self.shell)

    @property
    def variables(self) -> dict[str, Any]:
        """The notebook's own variables, without what IPython puts there."""
        hidden = self.shell.user_ns_hidden
        return {
            name: value
            for name, value in self.shell.user_ns.items()
            if not (name in hidden and hidden[name] is value) and name not in ("In", "Out")
        }

    # ---- variables

    def bind(self, name: str, value: Any) -> None:
        """Set a variable of the notebook."""
        self.shell.push({name: value}, interactive=True)

    def check_free(self, name: str) -> None:
        """Make sure that an agent may take this name.

        Raises:
            UsageError: it is a variable that holds something else.
        """
        value = self.variables.get(name)
        if name in self.variables and not isinstance(value, AgentBase):
            raise UsageError(
                f"%%agent: {name} is a variable of yours ({type(value).__name__}). "
                f"Call the agent {self._free(name)!r}, or `del {name}` first"
            )

    def _free(self, name: str) -> str:
        taken = self.variables
        return next(
            new for new in (f"{name}_agent", *(f"{name}_{n}" for n in range(2, 10_000))) if new not in taken
        )

    def bind_agents(self, names: Sequence[str], magic: str) -> None:
        """Make sure that these agents can be called by their names.

        Raises:
            UsageError: a name is a variable that holds something else.
        """
        for name in names:
            agent, value = self.agent(name), self.variables.get(name)
            if name in self.variables and not isinstance(value, AgentBase):
                kind = type(value).__name__
                raise UsageError(
                    f"{magic}: {name} is a variable of yours ({kind}), not the agent; `del {name}` first"
                )
            if value is not agent:
                self.bind(name, agent)

    def give(self, value: Any, name: str | None) -> None:
        """Keep a cell's value as ``_``, in ``Out``, and under ``name`` if given, without showing it."""
        if name is not None:
            self.bind(name, value)
        self.shell.displayhook.update_user_ns(value)

    # ---- agents

    def own_agents(self) -> dict[str, AgentBase]:
        """Return the agents that the notebook's own code made, by the names of their variables."""
        return {
            name: value
            for name, value in self.variables.items()
            if isinstance(value, AgentBase) and not self.session.owns(value)
        }

    def agent(self, name: str) -> AgentBase:
        """Return the agent of that name: one that the notebook's own code made, else the session's.

        Raises:
            AgentNotFoundError: there is none; the message names those that are.
        """
        return self.own_agents().get(name) or self.session.find(name)

    def color(self, name: str) -> int | None:
        """Return an agent's colour number, None for a person. Never waits; any thread.

        Agents of the notebook's own code take theirs from the end, so as not to share one soon.
        """
        known = self.session.color(name)
        return self._colors.get(name) if known is None else known

    def agent_names(self) -> list[str]:
        """Return the names of all agents that can be addressed here. Asks nobody."""
        return list(dict.fromkeys([*self.session.names(), *self.own_agents()]))

    async def find(self, names: Sequence[str], magic: str) -> dict[str, AgentBase]:
        """Return the agents of these names; ``all`` stands for every one.

        Raises:
            UsageError: there is none of that name; the message guesses which was meant.
        """
        own = self.own_agents()

        def look() -> dict[str, AgentBase]:
            if EVERYONE not in names:
                return {name: own.get(name) or self.session.find(name) for name in names}
            self.session.revive()
            return {name: self.session.find(name) for name in self.session.names()} | own

        try:
            found: dict[str, AgentBase] = await apart(look)
        except AgentNotFoundError as error:
            raise UsageError(f"{magic}: {error}") from None
        for name, agent in own.items():
            if name in found and not isinstance(agent, UserAgent):
                self._colors.setdefault(agent._name, LAST_COLOR - len(self._colors) % LAST_COLOR)
        if not found:
            raise UsageError(f"{magic}: there are no agents yet; define one: %%agent poet")
        return found

    def take_in(self, definition: Definition, name: str) -> None:
        """Let an agent that was just defined be called by its name."""
        if definition.change == "created":
            self.said.pop(name, None)
        self.bind(name, definition.agent)

    # ---- filling in

    async def ready(self, *texts: str) -> None:
        """Wait for the messages that the ``{fields}`` of these texts name, and look up what agents said."""
        roots = {found.root for text in texts for found in scan(text) if isinstance(found, Field)}
        variables = self.variables
        for root in sorted(roots & variables.keys()):
            value = variables[root]
            for message in promised(value):
                await arrival(message)
            if isinstance(value, AgentBase):
                await arrival(settled(value))
            if isinstance(value, AgentBase) and value._name not in self.said:
                await apart(partial(self._recall, value))

    def _recall(self, agent: AgentBase) -> None:
        """Look up in an agent's memory what it said last: it may have been before this kernel."""
        with contextlib.suppress(NbAgentsError, AttributeError):
            messages = agent.memory.get_memory() if agent.memory is not None else []
            own = [message for message in messages if message.name == agent._name]
            if own:
                self.said.setdefault(agent._name, own[-1])

    def fill(self, text: str, *, raw: bool = False) -> Interpolated:
        """Fill a text's ``{fields}`` from the notebook's variables, unless ``raw``."""
        return Interpolated(text) if raw else interpolate(text, self.variables, render=self.as_text)

    def filler(self, chips: list[tuple[str, str]], notes: list[str]) -> Callable[[str], str]:
        """Return a function that fills a text and adds to ``chips`` and ``notes`` what it did."""

        def fill(text: str) -> str:
            filled = self.fill(text)
            chips.extend(chip for chip in filled.chips if chip not in chips)
            notes.extend(note for note in filled.notes if note not in notes)
            return filled.text

        return fill

    def as_text(self, value: Any) -> str:
        """Return how a value reads within a prompt: an agent as what it said last, a table as Markdown."""
        if isinstance(value, AgentBase):
            last = self.said.get(value._name)
            return value._name if last is None else content_text(last.content)
        if isinstance(value, PlaceholderMessage):
            return self.as_text(value.result())
        if isinstance(value, Msg):
            return content_text(value.content)
        if isinstance(value, Run):
            messages = value.messages
            return content_text(messages[-1].content) if messages else ""
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, Msg) for item in value):
            return "\n\n".join(f"{item.name}: {self.as_text(item)}" for item in value)
        if type(value).__module__.partition(".")[0] in ("pandas", "polars"):
            return _table(value)
        return str(value)

    # ---- limits

    def limits(self, options: CommonOptions) -> Limits | None:
        """Return what a run may ask of models, as its cell or the settings say."""
        return self.session.limits(options.budget, options.max_calls, ask=self.mode != "headless")

    def check_priced(self, agents: Collection[AgentBase], options: CommonOptions, magic: str) -> None:
        """Make sure that a budget can be kept with these agents.

        Raises:
            UsageError: nobody knows what one of their models costs.
        """
        unknown = self.session.unpriced(agents) if options.budget is not None else []
        if unknown:
            raise UsageError(
                f"{magic}: the price of {', '.join(unknown)} is not known, so --budget cannot be kept. "
                f"Limit the calls instead: --max-calls 20. Or say the price in nbagents.toml: "
                f'[prices] "{unknown[0]}" = [0.15, 0.60]'
            )

    # ---- telling

    def notices(self) -> list[str]:
        """Return what the person should hear, once."""
        told, self.session.notices[:] = list(self.session.notices), []
        return told

    def where(self, workspace: str | None = None) -> str:
        """Return a workspace's name as people know it; this notebook's by default."""
        path = self.session.workspace if workspace is None else workspace
        return "this notebook" if path == self.session.workspace else path.rpartition("/")[2] or path

    def surface(self) -> Surface:
        """Return a new output of the running cell."""
        return Surface(self.shell)


def _table(value: Any) -> str:
    try:
        return str(value.to_markdown())
    except (ImportError, AttributeError):  # pandas needs another package for it
        return str(value)
