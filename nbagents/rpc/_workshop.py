"""`Workshop`: defines in a server the classes that were written in a notebook. The one place that compiles.

Only what came over the stream of a private socket gets here (`AgentServerServicer.create_agent`,
`_exchange`). Each version of a class is a module of its own, under a name that a hash of its source
gives: agents of the version before keep theirs, with all that it uses, until they are exchanged.
"""

from __future__ import annotations

import ast
import linecache
import sys
import threading
import traceback
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..agents import AgentBase
from ..exceptions import AgentCreationError

if TYPE_CHECKING:
    from ._unit import Part, Unit

__all__ = ["EXCHANGE", "PACKAGE", "Workshop", "unit_of"]

EXCHANGE = "_exchange"
"""The method of a call by which an agent gets its new class."""
PACKAGE = "nbagents_cells"
MOST = 512
"""Versions of classes that are kept for agents to come; agents that live keep theirs anyway."""
_modules: OrderedDict[str, Unit] = OrderedDict()
_lock = threading.Lock()


def unit_of(cls: type) -> Unit | None:
    """Return the unit that a class of this process was made from, if it was."""
    from ._unit import Unit

    unit = _modules.get(cls.__module__)
    return None if unit is None else Unit(cls.__qualname__, *_rest(unit))


def _rest(unit: Unit) -> tuple[Any, ...]:
    return unit.parts, unit.imports, unit.constants, unit.aliases, unit.home


class Workshop:
    """Makes classes of units. ``import_module`` imports by name. Blocking: never on the loop."""

    def __init__(self, import_module: Callable[[str, list[str]], Any]) -> None:
        self._import = import_module

    def make(self, unit: Unit, import_path: list[str]) -> type[AgentBase]:
        """Return the class of a unit, defined once.

        Raises:
            AgentCreationError: it cannot be defined here; the message tells where and why.
        """
        name = f"{PACKAGE}.{unit.key}"
        with _lock:
            module = sys.modules.get(name)
            if module is None:
                module = self._define(name, unit, import_path)
            _modules[name] = unit
            _modules.move_to_end(name)
            while len(_modules) > MOST:
                _forget(_modules.popitem(last=False))
        found: Any = module
        for step in unit.target.split("."):
            found = vars(found).get(step)
        if not (isinstance(found, type) and issubclass(found, AgentBase)):
            raise AgentCreationError(f"{unit.target} is no agent class")
        return found

    def _define(self, name: str, unit: Unit, import_path: list[str]) -> types.ModuleType:
        module = types.ModuleType(name, f"Written in a notebook: {unit.target}.")
        space = vars(module)
        for bound, place, attribute in unit.imports:
            value = self._import(place, import_path)
            for step in attribute.split(".") if attribute else ():
                value = getattr(value, step, None)
                if value is None:
                    raise AgentCreationError(f"{unit.target}: {place} has no {attribute} in the server")
            if bound:
                space[bound] = value
        space |= {constant: ast.literal_eval(text) for constant, text in unit.constants.items()}
        files = _shown(unit)
        sys.modules[name] = module  # dataclasses look there
        try:
            for part in unit.parts:
                exec(_compiled(part, files[part.file]), space)  # this is what the workshop is for
                space |= {alias: space[own] for alias, own in unit.aliases.items() if own == part.name}
        except BaseException as error:
            _forget((name, unit))
            raise AgentCreationError(
                f"{unit.target} cannot be defined in the server: {_told(error)}"
            ) from error
        return module


def _compiled(part: Part, file: str) -> types.CodeType:
    inside = part.text[:1].isspace()  # it stood in a block
    tree = ast.parse(f"if 1:\n{part.text}" if inside else part.text, file)
    if inside:
        tree.body = getattr(tree.body[0], "body", [])
    ast.increment_lineno(tree, part.line - (2 if inside else 1))
    code: types.CodeType = compile(tree, file, "exec", part.flags, dont_inherit=True)
    return code


def _shown(unit: Unit) -> dict[str, str]:
    """Make tracebacks show the notebook's lines; return the name of each file in them."""
    lines: dict[str, list[str]] = {}
    for part in unit.parts:
        known, text = lines.setdefault(part.file, []), part.text.splitlines(keepends=True)
        known += ["\n"] * (part.line - 1 + len(text) - len(known))
        known[part.line - 1 : part.line - 1 + len(text)] = text
    names = {file: f"<{file} {unit.key[:8]}>" for file in lines}
    for file, text in lines.items():
        linecache.cache[names[file]] = (sum(map(len, text)), None, text, names[file])
    return names


def _forget(known: tuple[str, Unit]) -> None:
    name, unit = known
    sys.modules.pop(name, None)
    for part in unit.parts:
        linecache.cache.pop(f"<{part.file} {unit.key[:8]}>", None)


def _told(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<")]
    where = f" (line {frames[-1].lineno} of {frames[-1].filename[1:-10]})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
