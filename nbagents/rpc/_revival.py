"""Brings the agents of a server that died back from its journal. Blocking: constructors may do anything."""

from __future__ import annotations

import asyncio
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import models
from ..agents import AgentBase, thaw
from ..config import model_configs
from ..exceptions import ModelChoiceError, NbAgentsError, StateCorruptError
from ..message import Msg
from ..store import AgentRow
from ._agents import AgentTable, checked
from ._codec import from_json
from ._hosted import Hosted
from ._keeper import Keeper
from ._keys import TAKEN, has_gaps
from ._record import Record, become

if TYPE_CHECKING:
    from ._model_without_key import ModelWithoutKey

__all__ = ["Lost", "restore", "revive"]

log = logging.getLogger(__name__)
MODEL_KEYS = ("model_config_name", "model_or_config_name")

FindClass = Callable[[dict[str, Any]], type[AgentBase]]


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent that could not be brought back. The journal goes on holding it until it is made anew."""

    row: AgentRow
    messages: list[Msg]
    why: str

    def give(self, agent: AgentBase) -> None:
        """Have an agent that is made anew become what is kept; where it cannot, that is logged."""
        try:
            become(agent, self.row.state, self.messages)
        except Exception:
            log.exception("%s could not become what is kept of it", self.row.name)

    def about(self) -> dict[str, str]:
        """Describe it, for lists."""
        row = self.row
        return {"agent_id": row.agent_id, "workspace": row.workspace, "name": row.name, "why": self.why}


async def restore(agents: AgentTable, models: list[dict[str, Any]]) -> None:
    """Bring back the agents of a server's journal, before anybody calls. On the loop.

    ``models`` are configurations that the server has been given, with their keys.

    Raises:
        StorageError: the journal cannot be read; `StateCorruptError` names the damaged row.
    """
    keeper = agents.keeper
    if keeper is not None and not keeper.journal.is_new:
        agents.restored(*await asyncio.to_thread(revive, keeper, agents.find_class))
    agents.configured(models)


def revive(keeper: Keeper, find_class: FindClass) -> tuple[list[Hosted], list[Lost]]:
    """Return the agents of a journal, with their memory, and those that cannot be made again.

    Raises:
        StateCorruptError: a row is damaged; the message names it.
        StorageError: the journal cannot be read.
    """
    journal = keeper.journal
    configs = dict(journal.configs())
    with warnings.catch_warnings(action="ignore"):
        model_configs.load(
            [one for name, one in configs.items() if not has_gaps(one) and model_configs.find(name) is None]
        )
    rows = journal.agents()
    memories = _memories(keeper, rows)
    hosted: list[Hosted] = []
    lost: list[Lost] = []
    for row in rows:
        messages = memories.get(row.n, [])
        settings = _settings(keeper, row)
        try:
            cls = find_class(settings)
            if cls.load_state_dict is AgentBase.load_state_dict:
                _check_state(keeper, row)
            one = _made(row, settings, cls, configs)
            become(one.agent, row.state, messages)
            Record(keeper, one.agent, row.n).adopt(len(messages))
        except StateCorruptError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  # one agent must not cost the others
            why = str(error) if isinstance(error, NbAgentsError) else f"{type(error).__name__}: {error}"
            log.warning("the agent %s (%s) could not be brought back: %s", row.name, row.agent_id, why)
            lost.append(Lost(row, messages, why))
        else:
            hosted.append(one)
    return hosted, lost


def _memories(keeper: Keeper, rows: list[AgentRow]) -> dict[int, list[Msg]]:
    journal = keeper.journal
    messages = {n: _message(keeper, n, body) for n, body in journal.messages()}
    begins = {row.n: row.begins for row in rows}
    memories: dict[int, list[Msg]] = {n: [] for n in begins}
    for place, agent, message in journal.memories():
        begin = begins.get(agent)
        if begin is None or place < begin:
            journal.dead += 1  # forgotten
            continue
        found = messages.get(message)
        if found is None:
            raise journal.corrupt("memories", place, f"there is no message {message}")
        memories[agent].append(found)
        journal.live += 1
    keeper.adopt((message, n) for n, message in messages.items())
    return memories


def _message(keeper: Keeper, n: int, body: str) -> Msg:
    try:
        found = from_json(body)
    except NbAgentsError as error:
        raise keeper.journal.corrupt("messages", n, str(error)) from None
    if not isinstance(found, Msg):
        raise keeper.journal.corrupt("messages", n, "it is no message")
    return found


def _settings(keeper: Keeper, row: AgentRow) -> dict[str, Any]:
    try:
        found = from_json(row.settings)
        if not isinstance(found, dict):
            raise ValueError("they are no JSON object")
        return checked(found)
    except (NbAgentsError, ValueError) as error:
        raise keeper.journal.corrupt("agents", row.n, f"its settings: {error}") from None


def _check_state(keeper: Keeper, row: AgentRow) -> None:
    try:
        thaw(row.state)
    except (ValueError, TypeError, LookupError) as error:
        raise keeper.journal.corrupt("agents", row.n, f"its state: {error}") from None


def _made(
    row: AgentRow, settings: dict[str, Any], cls: type[AgentBase], configs: Mapping[str, dict[str, Any]]
) -> Hosted:
    whose = row.name or row.agent_id
    without_key: list[ModelWithoutKey] = []

    def stand_in(config: Mapping[str, Any]) -> ModelWithoutKey:
        from ._model_without_key import ModelWithoutKey  # with it comes all that asks models

        without_key.append(ModelWithoutKey(config, whose))
        return without_key[-1]

    def without_gaps(value: Any) -> Any:
        if value == TAKEN:
            return None
        if isinstance(value, dict):
            if "config_name" in value and has_gaps(value):
                return stand_in(value)
            return {key: without_gaps(item) for key, item in value.items()}
        return [without_gaps(item) for item in value] if isinstance(value, list) else value

    args, kwargs = without_gaps(settings["args"]), without_gaps(settings["kwargs"])
    for place, name in _model_names(cls, args, kwargs):
        try:
            models.load_model(name)
        except ModelChoiceError:
            config = configs.get(name, {"config_name": name})
            (kwargs if isinstance(place, str) else args)[place] = stand_in(config)
    agent: AgentBase = cls(*args, **kwargs)
    agent.agent_id = row.agent_id
    agent._init_settings = settings
    hosted = Hosted(agent, row.agent_id, settings, row.workspace, row.name, row.color, row.defined)
    hosted.without_key = without_key
    return hosted


def _model_names(cls: type[AgentBase], args: list[Any], kwargs: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield where a model is named rather than described: the key or the place, and the name."""
    for key in MODEL_KEYS:
        if isinstance(kwargs.get(key), str):
            yield key, kwargs[key]
    third = list(inspect.signature(cls.__init__).parameters)[3:4]
    if third == [MODEL_KEYS[0]] and len(args) > 2 and isinstance(args[2], str):
        yield 2, args[2]
