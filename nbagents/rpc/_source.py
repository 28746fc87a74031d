"""Collects the source of a class that was written in a notebook's cell, and of all that it needs.

What a class takes from its notebook is looked up by its name, now, and travels if it can: an import as
the import; a function, a class or a name for a type that the notebook defines, as its own source; a
constant in capitals, as its literal. Anything else is an error that names it. Runs nothing.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

from ..exceptions import AgentCreationError, NbAgentsError
from ._cells import Definition, Notebook
from ._names import FreeNames, local_names
from ._unit import Part, Unit

__all__ = ["MISSING", "Collector", "code_of", "importable", "namespace_of"]

MISSING = object()
NOTEBOOKS = ("__main__", "__mp_main__")
EVERYWHERE = frozenset(dir(builtins)) - {"display", "get_ipython"} | {"__name__", "__doc__"}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def namespace_of(cls: Any) -> Mapping[str, Any]:
    """Return the namespace that a class, or a function, was written in."""
    if not isinstance(cls, type):
        function = code_of(cls)
        return {} if function is None else function.__globals__
    for code in _functions(cls):
        if code.__module__ == cls.__module__:
            return code.__globals__
    return vars(sys.modules.get(cls.__module__, sys.modules["__main__"]))


def code_of(value: Any) -> types.FunctionType | None:
    """Return the function behind a method, a property, or what a decorator made of one."""
    for _ in range(20):
        if isinstance(value, types.FunctionType) and not hasattr(value, "__wrapped__"):
            return value
        places = [getattr(value, "__dict__", {}), *map(vars, type(value).__mro__)]
        for name in ("__wrapped__", "__func__", "fget", "func"):
            inner = getattr(value, name) if any(name in place for place in places) else None
            if callable(inner):
                value = inner
                break
        else:
            return value if isinstance(value, types.FunctionType) else None
    return None


def _functions(cls: type) -> Iterator[types.FunctionType]:
    """Yield the functions written in the body of a class, and in that of classes inside it."""
    for value in vars(cls).values():
        if isinstance(value, type):
            if value.__qualname__.startswith(f"{cls.__qualname__}."):
                yield from _functions(value)
            continue
        function = code_of(value)
        if function is not None and function.__qualname__.startswith(f"{cls.__qualname__}."):
            yield function


class Collector:
    """Collects what one class or function needs. ``seen`` tells which names it met, and what they meant."""

    there, instead, owner = "a server", "pass it to __init__", "an agent"
    """Where it goes, what to do with what cannot go along, and to whom belongs what changes."""

    def __init__(self, cls: Any) -> None:
        self._cls, self._namespace = cls, namespace_of(cls)
        if type(self) is Collector and not isinstance(cls, type):
            self.instead = "let it be an argument"
        self._notebook = Notebook(self._namespace)
        self._root = ""
        self._parts: dict[str, Part] = {}
        self._needs: dict[str, FreeNames] = {}
        self._imports: set[tuple[str, str, str]] = set()
        self._constants: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self.seen: dict[str, Any] = {}

    def unit(self, home: str) -> Unit:
        """Return all that a server needs.

        Raises:
            AgentCreationError: something cannot travel; the message names it.
        """
        *around, path = self._cls.__qualname__.split("<locals>.")
        root = self._root = path.partition(".")[0]
        value = MISSING if around else self._look_up(root)
        self._take(root, self._cls if around or path == root else value, self._cls)
        return Unit(
            path,
            tuple(self._ordered(root)),
            tuple(sorted(self._imports)),
            self._constants,
            self._aliases,
            home,
        )

    def _look_up(self, name: str) -> Any:
        value = self.seen[name] = self._namespace.get(name, MISSING)
        return value

    # ---- one name

    def _name(self, name: str, user: str, dotted: frozenset[tuple[str, ...]]) -> None:
        if name in self.seen:
            return
        value = self._look_up(name)
        if name in EVERYWHERE and (value is MISSING or name[:2] == "__" or _from_ipython(value)):
            return
        if value is MISSING:
            raise self._error(user, f"{name}, which is not defined in the notebook: define it, or import it")
        if self._goes_otherwise(name, value, user):
            return
        if isinstance(value, types.ModuleType):
            self._module(name, value, user, dotted)
        elif (known := importable(value)) is not None:
            self._imports.add((name, *known))
        elif (found := self._imported(name, value)) is not None:
            self._imports.add((name, *found))
        elif isinstance(value, type | types.FunctionType) or _is_alias(value) or code_of(value) is not None:
            self._take(name, value, user)
        elif name.isupper() and _is_constant(value):
            self._constants[name] = repr(value)
        else:
            advice = f"{self.instead}, or import {name} from a module"
            if _is_constant(value):
                advice += ", or write its name in capitals if it is a constant"
            raise self._error(
                user, f"{name}, {_article(type(value).__name__)}, which cannot travel: {advice}"
            )

    def _goes_otherwise(self, name: str, value: Any, user: str) -> bool:
        """Take along what only a subclass knows how to; was it that?"""
        return False

    def _error(self, user: str, what: str) -> NbAgentsError:
        cls = self._cls.__qualname__
        who = "it" if user == self._root else user
        what = (
            f"its {what.partition(', whose ')[2]}"
            if what.startswith(f"{user}, whose ")
            else f"{who} uses {what}"
        )
        return AgentCreationError(f"{cls} cannot go to {self.there}: {what}")

    def _module(self, name: str, module: Any, user: str, dotted: frozenset[tuple[str, ...]]) -> None:
        known = sys.modules.get(module.__name__)
        if known is None or known is not module or module.__name__ in NOTEBOOKS:
            raise self._error(user, f"{name}, a module that {self.there} cannot import: put it into a file")
        self._imports.add((name, module.__name__, ""))
        for chain in dotted:
            inner: Any = module
            path = module.__name__
            for attribute in chain[1:] if chain[0] == name else ():
                inner, path = getattr(inner, attribute, None), f"{path}.{attribute}"
                if not isinstance(inner, types.ModuleType) or sys.modules.get(path) is not inner:
                    break
                self._imports.add(("", path, ""))

    def _imported(self, name: str, value: Any) -> tuple[str, str] | None:
        """Find the import statement that gave the name what it means."""
        if getattr(value, "__module__", None) in NOTEBOOKS:
            return None
        for module, attribute in self._notebook.imports(name):
            known = sys.modules.get(module)
            if known is not None and module not in NOTEBOOKS and getattr(known, attribute, MISSING) is value:
                return module, attribute
        return None

    # ---- one definition

    def _take(self, name: str, value: Any, user: Any) -> None:
        user = user if isinstance(user, str) else name
        found = self._definition(name, value)
        if found is None:
            functions = list(_functions(value)) if isinstance(value, type) else [code_of(value)]
            where = f" ({functions[0].__code__.co_filename})" if functions and functions[0] else ""
            raise self._error(
                user,
                f"{name}, whose source cannot be found{where}: write it in a notebook's cell, in a script,"
                " or in a module, and import it from there",
            )
        own = getattr(found.statement, "name", name)
        own = own if isinstance(own, str) else name
        if own != name:
            self._aliases[name] = own
        part = found.part(own)
        if own in self._parts:
            if self._parts[own].text != part.text:
                raise self._error(user, f"two different definitions of {own}: give them different names")
            return
        needs = FreeNames.of(found.statement, lazy_annotations=found.lazy_annotations)
        self._check_closure(own, value, found, needs)
        if needs.changed:
            changed = ", ".join(sorted(needs.changed))
            raise self._error(
                own, f"`global {changed}`: what changes belongs to {self.owner}, so keep it on self"
            )
        if isinstance(value, type):
            self._check_body(own, value, found)
        self._parts[own], self._needs[own] = part, needs
        for free in sorted(needs.used - {own}):
            self._name(free, own, needs.dotted)

    def _definition(self, name: str, value: Any) -> Definition | None:
        if isinstance(value, type):
            for method in _functions(value):
                found = self._notebook.by_code(method.__code__, value.__qualname__, around=True)
                if found is not None:
                    return found
            name = value.__name__
        elif (function := code_of(value)) is not None and function.__name__ != "<lambda>":
            found = self._notebook.by_code(function.__code__, function.__qualname__)
            if found is not None and ("<locals>" not in function.__qualname__ or function.__name__ == name):
                return found
        return self._notebook.by_name(name, lambda node: _fits(node, value))

    def _check_closure(self, own: str, value: Any, found: Definition, needs: FreeNames) -> None:
        for function in found.inside:
            free = sorted(needs.used & local_names(function) - {own})
            if free:
                raise self._error(
                    own,
                    f"{free[0]}, a variable of the function {function.name} around it, which cannot travel:"
                    f" {self.instead}, or define it at the top of a cell",
                )

    def _check_body(self, own: str, cls: type, found: Definition) -> None:
        """Refuse what was put onto a class after its definition: its source does not tell."""
        written = {
            node.name
            for node in ast.walk(found.statement)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        names = {node.id for node in ast.walk(found.statement) if isinstance(node, ast.Name)}
        for name, method in vars(cls).items():
            if not isinstance(method, types.FunctionType) or "." in method.__qualname__:
                continue
            if method.__module__ in NOTEBOOKS and (name in written or method.__name__ not in names):
                raise self._error(
                    own, f"{name}, which was set on {own} after its definition: write it in the class"
                )

    # ---- all together

    def _ordered(self, root: str) -> list[Part]:
        """Return the parts so that each comes after those that defining it takes."""
        at_once = {name: needs.at_once for name, needs in self._needs.items()}
        placed: dict[str, Part] = {}
        doing: set[str] = set()

        def needed(names: frozenset[str], own: str) -> list[str]:
            found = {self._aliases.get(name, name) for name in names}
            return sorted(name for name in found if name in self._parts and name != own)

        def visit(name: str) -> None:
            if name in placed or name in doing:
                return
            doing.add(name)
            first = needed(at_once[name], name)
            for other in first:
                visit(other)
            if all(other in placed for other in first):
                placed[name] = self._parts[name]
                for other in needed(self._needs[name].used, name):
                    visit(other)
            doing.discard(name)

        before = -1
        while before < len(placed):
            before = len(placed)
            for name in [*self._parts, root]:
                visit(name)
        return [*placed.values(), *(part for name, part in self._parts.items() if name not in placed)]


def importable(value: Any) -> tuple[str, str] | None:
    """Return the module and the name by which anybody can import a value, if there are such."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module in NOTEBOOKS:
        return None
    found: Any = sys.modules.get(module)
    for step in name.split("."):
        found = getattr(found, step, None)
    return (module, name) if found is value and value is not None else None


def _is_alias(value: Any) -> bool:
    """Is it a name for a type: ``list[int]``, ``int | None``, what `typing` makes?"""
    return isinstance(value, types.GenericAlias | types.UnionType) or type(value).__module__ == "typing"


def _is_constant(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_constant, value))
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (str, int, bool, bytes)


def _fits(node: ast.stmt, value: Any) -> bool:
    """Could this statement have made that value?"""
    if isinstance(node, ast.ClassDef):
        body = {
            name for inner in node.body for name in ([inner.name] if isinstance(inner, DEFINITIONS) else [])
        }
        return isinstance(value, type) and body <= vars(value).keys()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = code_of(value)
        return not isinstance(value, type) and (bool(node.decorator_list) or _was_timed(node, function))
    if isinstance(value, types.FunctionType):
        return isinstance(getattr(node, "value", None), ast.Lambda)
    return isinstance(node, ast.Assign | ast.AnnAssign) or type(node).__name__ == "TypeAlias"


def _was_timed(node: ast.FunctionDef | ast.AsyncFunctionDef, function: types.FunctionType | None) -> bool:
    """Is it a function of a cell that a magic ran, ``%%time`` say, which leaves no lines behind?"""
    if function is None or linecache.getlines(function.__code__.co_filename):
        return False
    names = function.__code__.co_varnames[: len(node.args.posonlyargs) + len(node.args.args)]
    return names == tuple(argument.arg for argument in [*node.args.posonlyargs, *node.args.args])


def _from_ipython(value: Any) -> bool:
    """Is it what IPython puts in the place of a builtin, ``open`` or ``exit``?"""
    # Its ``open`` says that it is of another module; where it was written it cannot hide.
    places = getattr(value, "__module__", ""), getattr(value, "__globals__", {}).get("__name__", "")
    return any(str(place).partition(".")[0] in ("IPython", "ipykernel") for place in places)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
