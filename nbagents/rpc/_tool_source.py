"""An agent with tools, as source: a class that makes them again in the server, around the functions.

So tools take the way that classes of a notebook take, with its doors, its journal and its limits. A
function travels as the import of it, or with its source where a notebook has it.
"""

from __future__ import annotations

from typing import Any

from ..agents import AgentBase, ReActAgent
from ..exceptions import AgentCreationError
from ..memory import InMemoryMemory, LongTermMemory, TemporaryMemory
from ..message import Msg
from ..tools import Toolkit
from ._source import Collector, importable
from ._unit import Part, Unit

__all__ = ["held", "named_settings", "with_tools"]

TOOLS, FORMATTER, MEMORY, LASTING, PARSER = "_tools", "formatter", "memory", "long_term_memory", "parser"
MEMORIES = (TemporaryMemory, InMemoryMemory)
"""Those that travel: what one holds is state, and follows its agent as such."""
CLASS = """\
class {name}({name}):
    def __init__(self, *args, _tools, **kwargs):
        parts = _parts_from(_tools, {values})
        parser = parts.pop("parser", None)
        super().__init__(*args, **kwargs, **parts)
        if parser is not None:
            self.set_parser(parser)
"""


def named_settings(
    cls: type[AgentBase], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of an agent with tools by their names; those of others as they are."""
    if not issubclass(cls, ReActAgent):
        return args, kwargs
    if args and cls.__init__ is ReActAgent.__init__:
        args, kwargs = (), ReActAgent.named(*args, **kwargs)
    kind = type(kwargs.get(MEMORY))
    if kind is TemporaryMemory or (kind in MEMORIES and cls is ReActAgent):  # it has one as good there
        kwargs = {key: value for key, value in kwargs.items() if key != MEMORY}
    return args, kwargs


def held(cls: type[AgentBase], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Msg]:
    """Return the messages in a memory that a new agent is given."""
    if not issubclass(cls, ReActAgent):
        return []
    if args and cls.__init__ is ReActAgent.__init__:
        kwargs = ReActAgent.named(*args, **kwargs)
    memory: Any = kwargs.get(MEMORY)
    return list(memory) if type(memory) in MEMORIES else []


def with_tools(cls: type[AgentBase], kwargs: dict[str, Any]) -> tuple[dict[str, Any], Unit] | None:
    """Return the keywords, tools described in them, and the source that makes an agent of these.

    None where there are no tools among them.

    Raises:
        AgentCreationError: a tool cannot travel, or the class has a source of its own.
    """
    toolkits = {key: value for key, value in kwargs.items() if isinstance(value, Toolkit)}
    formatter = kwargs.get(FORMATTER)
    memory = kwargs.get(MEMORY) if type(kwargs.get(MEMORY)) in MEMORIES else None
    lasting, parser = kwargs.get(LASTING), kwargs.get(PARSER)
    if not toolkits and all(part is None for part in (formatter, memory, lasting, parser)):
        return None
    place = importable(cls)
    if place is None:
        raise AgentCreationError(
            f"{cls.__qualname__} is written in a notebook, and tools, formatters, parsers and memories that"
            " are given to it cannot go along to a server: make them in the __init__ of"
            f" {cls.__qualname__}, then they travel together"
        )
    collected = _Values()
    described: dict[str, Any] = {
        key: toolkit.described(lambda value, whose: collected.name_of(value, f"the tool {whose}"))
        for key, toolkit in toolkits.items()
    }
    for key, part in ((FORMATTER, formatter), (PARSER, parser)):
        if part is not None:  # made again from its attributes, where these are its arguments
            made_by = collected.name_of(type(part), f"the {key}")
            described[key] = {"made_by": made_by, "given": dict(getattr(part, "__dict__", {}))}
    if memory is not None:
        described[MEMORY] = {"made_by": collected.name_of(type(memory), "the memory"), "given": {}}
    if lasting is not None:
        described[LASTING] = _lasting(lasting, collected)
    left = {key: value for key, value in kwargs.items() if key not in described}
    return {**left, TOOLS: described}, collected.unit(cls.__name__, place)


def _lasting(memory: Any, collected: _Values) -> dict[str, Any]:
    """Return how a long-term memory is made again: over the same file, by the same model or function."""
    if type(memory) is not LongTermMemory or memory.path is None:
        raise AgentCreationError(
            "the long_term_memory cannot go to a server: only a LongTermMemory in a file does; give it"
            " a path="
        )
    made: dict[str, Any] = {"made_by": collected.name_of(LongTermMemory, "the long_term_memory")}
    made["given"] = {"path": str(memory.path.absolute())}
    model = memory.embedding_model
    name = getattr(model, "config_name", None)
    if isinstance(name, str):
        return made | {"models": {"embedding_model": name}}
    return made | {"values": {"embedding_model": collected.name_of(model, "the embedding_model")}}


class _Values:
    """Functions and classes that travel together, each under its own name."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._imports: dict[str, tuple[str, str, str]] = {}
        self._more: set[tuple[str, str, str]] = set()
        self._constants: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._names: dict[int, tuple[str, str, Any]] = {}

    def name_of(self, value: Any, whose: str) -> str:
        """Take a value along and return the name by which it is known over there.

        Raises:
            AgentCreationError: it cannot travel.
        """
        known = self._names.get(id(value))
        if known is not None:
            return known[0]
        name = f"_value_{len(self._names)}"
        place = importable(value)
        if place is not None:
            self._imports[name] = (name, *place)
            own = name
        else:
            own = self._collected(value, whose)
        self._names[id(value)] = (name, own, value)
        return name

    def _collected(self, value: Any, whose: str) -> str:
        qualified = getattr(value, "__qualname__", None)
        if qualified is None or getattr(value, "__self__", None) is not None:
            raise AgentCreationError(
                f"{whose} cannot go to a server: it is a {type(value).__name__}, and only functions travel;"
                " write one around it, or make the toolkit in the __init__ of a class of your own"
            )
        if "<lambda>" in qualified or "<locals>" in qualified:
            raise AgentCreationError(
                f"{whose} cannot go to a server: {qualified} is made inside something else; define it at the"
                " top of a cell or of a module"
            )
        unit = Collector(value).unit("")
        for part in unit.parts:
            if self._parts.setdefault(part.name, part).text != part.text:
                raise AgentCreationError(
                    f"{whose} cannot go to a server: there are two definitions of {part.name}"
                )
        self._more |= set(unit.imports)
        self._constants |= unit.constants
        self._aliases |= unit.aliases
        return unit.target

    def unit(self, name: str, place: tuple[str, str]) -> Unit:
        """Return all of it, and the class of that name made from the one that can be imported."""
        listed = ", ".join(f"{name!r}: {own}" for name, own, _ in self._names.values())
        text = CLASS.format(name=name, values="{" + listed + "}")
        makers = {(name, *place), ("_parts_from", "nbagents.tools._remade", "parts_from")}
        imports = self._more | set(self._imports.values()) | makers
        if name in self._parts:
            raise AgentCreationError(
                f"a tool uses something named {name}, as the agent's class is: rename it"
            )
        return Unit(
            name,
            (*self._parts.values(), Part(name, text, "tools", 1)),
            tuple(sorted(imports)),
            self._constants,
            self._aliases,
        )
