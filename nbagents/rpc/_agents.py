"""`AgentTable`: the agents of one server, by id and by name in their workspace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .. import models
from .._ids import check_id, new_id
from ..agents import REVISE, AgentBase, scheduler
from ..exceptions import AgentCreationError, AgentNotFoundError, NbAgentsError, StorageError, UsageError
from ..memory import arrived
from ..models import MODEL_KEYWORDS
from ._anew import CHANGES, become, is_made_anew
from ._codec import from_json, to_json
from ._hosted import Hosted
from ._keeper import Keeper
from ._keys import give_keys
from ._loader import AgentClasses
from ._maker import Maker
from ._printable import printable
from ._roster import Roster

if TYPE_CHECKING:
    from ._revival import Lost
    from ._unit import Unit

__all__ = ["AgentTable", "checked"]

LONGEST_NAME, LONGEST_WORKSPACE = 200, 4096
SETTINGS = ("class_name", "args", "kwargs", "import_path", "source")


class AgentTable:
    """Creates, finds, copies and deletes agents. On the loop only."""

    def __init__(self, classes: AgentClasses, keeper: Keeper | None = None) -> None:
        self.classes, self.keeper = classes, keeper
        self.lost: list[Lost] = []
        """Agents of the journal that could not be brought back."""
        self._maker: Maker[Any] = Maker(scheduler().post)
        self._agents = Roster()
        self.named = self._agents.named
        self._names: dict[tuple[str, str], str] = {}
        self._making: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._agents)

    def __contains__(self, agent_id: object) -> bool:
        return agent_id in self._agents

    def all(self) -> list[Hosted]:
        """Return all agents, in the order of their creation."""
        return list(self._agents.values())

    def get(self, agent_id: str) -> Hosted:
        """Return the agent of that id.

        Raises:
            AgentNotFoundError: there is none.
        """
        hosted = self._agents.get(agent_id)
        if hosted is None:
            raise AgentNotFoundError(f"Agent [{printable(agent_id, 130)}] not exists.")
        return hosted

    async def create(
        self, agent_id: str, settings: dict[str, Any], state: dict[str, Any] | None = None
    ) -> Hosted:
        """Make an agent under an id that is free; ``state`` is what it has become elsewhere.

        Raises:
            AgentCreationError: the id is taken, the class is unknown, or its constructor failed.
        """
        settings = checked(settings)
        if agent_id in self._agents:
            if give_keys(self._agents[agent_id], settings):
                return self._agents[agent_id]  # whoever made it before brings its key
            raise AgentCreationError(f"Agent with agent_id [{printable(agent_id, 130)}] already exists")
        agent = await self._make(agent_id, settings, state)
        if agent_id in self._agents:
            raise AgentCreationError(f"Agent with agent_id [{printable(agent_id, 130)}] already exists")
        hosted = Hosted(agent, agent_id, settings, name=agent._name, color=len(self._agents))
        self._agents[agent_id] = hosted
        await self._keep(hosted)
        return hosted

    async def create_many(self, agent_ids: Sequence[str], settings: dict[str, Any]) -> None:
        """Make agents alike under ids that are free: all of them, or none.

        Raises:
            AgentCreationError: an id is taken, the class is unknown, or its constructor failed.
        """
        self._check_free(agent_ids)
        settings = checked(settings)
        made = await self._make_all(agent_ids, settings)
        self._check_free(agent_ids)
        fresh = []
        for agent_id, agent in zip(agent_ids, made, strict=True):
            fresh.append(Hosted(agent, agent_id, settings, name=agent._name, color=len(self._agents)))
            self._agents[agent_id] = fresh[-1]
        await self._keep(*fresh)

    def _check_free(self, agent_ids: Sequence[str]) -> None:
        for agent_id in agent_ids:
            if agent_id in self._agents:
                raise AgentCreationError(f"Agent with agent_id [{printable(agent_id, 130)}] already exists")

    async def define(
        self,
        workspace: str,
        name: str,
        settings: dict[str, Any],
        *,
        agent_id: str = "",
        fresh: bool = False,
        state: dict[str, Any] | None = None,
    ) -> tuple[Hosted, str]:
        """Make the agent of that name in a workspace, or bring the one that lives there up to date.

        Returns it and "created", "updated" or "unchanged". An update keeps the memory unless ``fresh``; so
        does one that gives an agent tools, others, or none.
        ``agent_id`` is the id of one that is made, so that proxies of an earlier server stay good;
        ``state`` what it has become elsewhere.
        """
        if len(name) > LONGEST_NAME or len(workspace) > LONGEST_WORKSPACE:
            raise UsageError(
                f"the name of an agent has at most {LONGEST_NAME} characters,"
                f" that of its workspace {LONGEST_WORKSPACE}"
            )
        settings = checked(settings)
        key = (workspace, name)
        making = self._making.setdefault(key, asyncio.Lock())
        async with making:  # two cells may define it at once
            known = self._agents.get(self._names.get(key, ""))
            anew = known is not None and is_made_anew(known.settings, settings)
            if known is None or not (anew or known.settings["class_name"] == settings["class_name"]):
                agent_id = agent_id if agent_id and agent_id not in self._agents else new_id()
                agent = await self._make(agent_id, settings, state)
                color = known.color if known else self._next_color(workspace)
                if known is not None:
                    self._agents.pop(known.agent_id, None)
                hosted = Hosted(agent, agent_id, settings, workspace, name, color, defined=True)
                self._agents[agent_id], self._names[key] = hosted, agent_id
                await self._keep(hosted, instead=known)
                return hosted, "created"
            give_keys(known, settings)
            changed = any(known.settings[part] != settings[part] for part in ("args", "kwargs"))
            if changed or fresh or anew:
                new = await self._make(known.agent_id, settings) if anew else None
                await self._update(known, settings, fresh, new)
            return known, "updated" if changed or fresh or anew else "unchanged"

    async def clone(self, agent_id: str) -> Hosted:
        """Make a new agent as this one was made; its memory is not copied."""
        origin = self.get(agent_id)
        return await self.create(new_id(), from_json(to_json(origin.settings)))

    async def fork(self, agent_id: str, name: str, after: str | None = None) -> Hosted:
        """Make an agent ``name`` beside this one that has become what this one is, after its calls so far.

        It remembers what came up to the message of the id ``after``, "" for nothing, None for all.

        Raises:
            AgentNotFoundError: there is no such agent.
            UsageError: the name is taken, or no such message is remembered.
        """
        origin = self.get(agent_id)
        if (origin.workspace, name) in self._names:
            raise UsageError(f"there is an agent {name} already: fork {origin.name} under another name")
        state = (await scheduler().issue(origin.agent, origin.agent._whole_state, (), method=REVISE)).content
        if after is not None and isinstance(state.get("memory"), list):
            ids = [message.get("id") for message in state["memory"]]
            if after and after not in ids:
                raise UsageError(f"{origin.name} remembers no message of the id {after[:60]!r}")
            state["memory"] = state["memory"][: ids.index(after) + 1 if after else 0]
        settings = from_json(to_json(origin.settings))
        if settings["args"]:
            settings["args"][0] = name
        else:
            settings["kwargs"]["name"] = name
        return (await self.define(origin.workspace, name, settings, state=state))[0]

    def delete(self, agent_id: str) -> bool:
        """Forget an agent; False if there is none."""
        hosted = self._agents.pop(agent_id, None)
        if hosted is None:
            return False
        if self._names.get((hosted.workspace, hosted.name)) == agent_id:
            del self._names[hosted.workspace, hosted.name]
        if self.keeper is not None:
            self.keeper.forgotten(hosted.agent)
        return True

    def delete_all(self) -> int:
        """Forget all agents; return how many there were."""
        found = list(self._agents)
        for agent_id in found:
            self.delete(agent_id)
        return len(found)

    async def saved(self) -> None:
        """Wait until all that was made and deleted before is kept; raises StorageError if it cannot be."""
        if self.keeper is not None:
            await self.keeper.saved()

    def configured(self, given: dict[str, Any] | list[dict[str, Any]]) -> None:
        """Give the agents that lack a key those of these model configurations, and keep the rest of them."""
        configs = given if isinstance(given, list) else [given]
        for hosted in self._agents.values():
            give_keys(hosted, configs)
        if self.keeper is not None:
            self.keeper.configured(configs)

    def restored(self, hosted: list[Hosted], lost: list[Lost]) -> None:
        """Take in the agents that came out of a journal."""
        self.lost = lost
        for one in hosted:
            self._agents[one.agent_id] = one
            if one.defined:
                self._names[one.workspace, one.name] = one.agent_id

    def find_class(self, settings: dict[str, Any]) -> type[AgentBase]:
        """Return the class of an agent that is made by these settings. Blocking: it may import.

        Raises:
            AgentCreationError: there is none.
        """
        source, folders = settings.get("source"), settings.get("import_path", [])
        if source is not None:
            from ._unit import Unit

            return self.classes.make(Unit.of(source), folders)
        return self.classes.find(settings["class_name"], folders)

    async def _keep(self, *fresh: Hosted, instead: Hosted | None = None) -> None:
        """Have new agents kept; if they cannot be, they are gone again, and the one before is back."""
        if self.keeper is None:
            return
        try:
            if instead is not None:
                self.keeper.forgotten(instead.agent)
            for hosted in fresh:
                self._find_again(hosted, self.keeper)
                self.keeper.kept(hosted)
            await self.keeper.saved()
        except StorageError:
            for hosted in fresh:
                self.delete(hosted.agent_id)
            if instead is not None:
                self._agents[instead.agent_id] = instead
                self._names[instead.workspace, instead.name] = instead.agent_id
                self.keeper.kept(instead)
            raise

    def _find_again(self, hosted: Hosted, keeper: Keeper) -> None:
        """Give an agent that could not be brought back before, and is made anew, what is kept of it."""
        for lost in list(self.lost):
            row = lost.row
            named = (
                hosted.defined
                and row.defined
                and (row.workspace, row.name) == (hosted.workspace, hosted.name)
            )
            if named or row.agent_id == hosted.agent_id:
                self.lost.remove(lost)
                keeper.dropped(row.n)
                lost.give(hosted.agent)

    def _next_color(self, workspace: str) -> int:
        taken = [self._agents[known].color for (place, _), known in self._names.items() if place == workspace]
        return max(taken, default=-1) + 1

    async def _update(
        self, hosted: Hosted, settings: dict[str, Any], fresh: bool, new: AgentBase | None
    ) -> None:
        """Change an agent, or put a new one in its place, in a turn: calls made before meet it as it was.

        Waits for that turn unless the agent is busy now; then the change comes after what it does.
        """
        kwargs, before = settings["kwargs"], hosted.settings
        config, had = ([given.get(key) for key in MODEL_KEYWORDS] for given in (kwargs, before["kwargs"]))
        named = next(filter(None, config), None)
        model = models.load_model(named) if new is None and named is not None and config != had else None

        async def change() -> None:
            if new is not None:
                become(hosted.agent, new)
                hosted.agent = new
            agent = hosted.agent
            if model is not None:
                agent.model = model
            for name in CHANGES & kwargs.keys():
                setattr(agent, name, kwargs[name])
            memory = agent.__dict__.get("memory")
            if fresh and memory is not None:
                await arrived(memory.clear())
            if self.keeper is not None:
                self.keeper.kept(hosted)  # written together with what has changed

        busy = bool(hosted.agent.__dict__.get("_open"))
        turn = scheduler().issue(hosted.agent, change, (), kind="change")
        hosted.settings = settings
        if model is not None or new is not None:
            hosted.without_key = ()
        if not busy:
            try:
                await turn
            except StorageError:
                hosted.settings = before
                raise

    def make_class(self, unit: Unit, import_path: list[str]) -> asyncio.Future[type[AgentBase]]:
        """Define a class that was written in a notebook, off the loop."""
        return self._maker.make(lambda: self.classes.make(unit, import_path))

    def make_off_the_loop(self, make: Callable[[], AgentBase]) -> asyncio.Future[AgentBase]:
        """Have an agent made where its constructor may block."""
        return self._maker.make(make)

    def change_source(self, hosted: Hosted, unit: Unit) -> None:
        """Remember that an agent is made by this source from now on; clones are too."""
        hosted.settings = hosted.settings | {"class_name": unit.target, "source": unit.to_dict()}
        hosted.agent._init_settings = hosted.settings
        if self.keeper is not None:
            self.keeper.kept(hosted)  # in the turn of the change, which is over when it is written

    async def _make(
        self, agent_id: str, settings: dict[str, Any], state: dict[str, Any] | None = None
    ) -> AgentBase:
        return (await self._make_all([agent_id], settings, state))[0]

    async def _make_all(
        self, agent_ids: Sequence[str], settings: dict[str, Any], state: dict[str, Any] | None = None
    ) -> list[AgentBase]:
        for agent_id in agent_ids:
            check_id(agent_id, "agent_id")
        name = settings["class_name"]
        if "source" in settings:
            from ._unit import Unit

            Unit.of(settings["source"])  # one that is malformed is refused as such

        def construct() -> list[AgentBase]:
            cls = self.find_class(settings)
            return [self._made(cls, agent_id, settings, state) for agent_id in agent_ids]

        try:
            made: list[AgentBase] = await self._maker.make(construct)
            return made
        except (AgentCreationError, UsageError):
            raise
        except NbAgentsError as error:
            raise AgentCreationError(f"{name}: {error}", hint=error.hint) from error
        except (Exception, SystemExit) as error:
            raise AgentCreationError(f"{name} could not be made: {type(error).__name__}: {error}") from error

    @staticmethod
    def _made(
        cls: type[AgentBase], agent_id: str, settings: dict[str, Any], state: dict[str, Any] | None
    ) -> AgentBase:
        agent: AgentBase = cls(*settings["args"], **settings["kwargs"])
        if state is not None:
            agent.load_state_dict(state)
        agent.agent_id = agent_id
        agent._init_settings = settings  # as it is kept here: one is enough
        return agent


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what makes an agent, where its class may be imported from or its source included.

    Raises:
        AgentCreationError: it is malformed.
    """
    name, args, kwargs = settings.get("class_name"), settings.get("args", []), settings.get("kwargs", {})
    if not isinstance(name, str) or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise AgentCreationError(
            "an agent is made from a class_name, a list of args and a dictionary of kwargs"
        )
    odd = settings.keys() - SETTINGS
    if odd:
        shown = ", ".join(printable(key, 40) for key in sorted(odd)[:5])
        raise AgentCreationError(f"agent_init_args has no field {shown}; known: {', '.join(SETTINGS)}")
    kwargs.pop("to_dist", None)
    folders, source = settings.get("import_path"), settings.get("source")
    made = {"class_name": name, "args": args, "kwargs": kwargs}
    if isinstance(folders, list) and folders:
        # A folder that cannot be would stand in the way of every later import.
        there = (f for f in folders if isinstance(f, str) and os.path.isabs(f))
        made["import_path"] = [folder for folder in there if os.path.exists(folder)]
    return made if source is None else made | {"source": source}
