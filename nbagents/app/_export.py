"""Writes an app that was made in a notebook's cells, or in a script, to a Python file. Runs nothing.

What goes there are the statement that makes the app, its decorated functions, and all that these take from
the notebook: as source, from what Python kept of the cells. Nothing of what the cells have computed goes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..exceptions import DeploymentError, NbAgentsError
from ..rpc._source import Collector, code_of
from ..rpc._unit import LAZY_ANNOTATIONS, Part
from ._agent_app import AgentApp

__all__ = ["Exported", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """The text of a Python file, and what the app is called in it."""

    text: str
    name: str


def export(app: AgentApp) -> Exported:
    """Return an app as a Python file that makes it anew.

    Raises:
        DeploymentError: something that it uses cannot go there; the message names it and says what to do.
    """
    functions = {
        what: function
        for what, function in (
            ("@app.init", app._init),
            ("@app.query", app._query),
            ("@app.shutdown", app._shutdown),
            *((path, function) for path, function in app._written.items()),
        )
        if function is not None
    }
    if not functions:
        raise DeploymentError(
            "this app has no function yet, so that nothing can be deployed", hint="write one: @app.query()"
        )
    root = next(iter(functions.values()))
    if code_of(root) is None:
        raise _not_decorated(next(iter(functions)))
    return _Collector(root, app).exported(functions)


class _Collector(Collector):
    """Collects what the functions of an app need, and the statement that makes the app."""

    there, owner = "a new process", "the app"
    instead = "make it in the function of @app.init and keep it on self"

    def __init__(self, root: Callable[..., Any], app: AgentApp) -> None:
        super().__init__(root)
        self._app, self._name_of_app = app, ""

    def exported(self, functions: dict[str, Callable[..., Any]]) -> Exported:
        for what, function in functions.items():
            code = code_of(function)
            name = "" if code is None else code.__name__
            found = None if code is None else self._definition(name, function)
            if code is None or name == "<lambda>" or found is None or not self._is_decorated(found.statement):
                raise _not_decorated(what)
            self._take(name, function, function)
        return Exported(self._text(), self._name_of_app)

    def _is_decorated(self, statement: ast.stmt) -> bool:
        """Is it one that gives itself to the app when it is defined?"""
        for decorator in getattr(statement, "decorator_list", []):
            node = decorator
            while isinstance(node, ast.Attribute | ast.Call):
                node = node.value if isinstance(node, ast.Attribute) else node.func
            if isinstance(node, ast.Name) and self._namespace.get(node.id) is self._app:
                self._name_of_app = node.id
                return True
        return False

    def _goes_otherwise(self, name: str, value: Any, user: str) -> bool:
        if (found := self._imported(name, value)) is not None:  # as its author wrote it
            self._imports.add((name, *found))
            return True
        if value is self._app:
            self._take(name, value, user)
            return True
        return False

    def _error(self, user: str, what: str) -> NbAgentsError:
        self._root = user
        return DeploymentError(str(super()._error(user, what)).replace(self._cls.__qualname__, user, 1))

    def _text(self) -> str:
        parts = self._ordered(next(iter(self._parts)))
        lines = ['"""Written by nbagents from the cells of a notebook. Change those, and deploy anew."""', ""]
        if any(part.flags & LAZY_ANNOTATIONS for part in parts):
            lines += ["from __future__ import annotations", ""]
        imports = sorted(self._imports, key=lambda known: (bool(known[2]), known[1], known[2], known[0]))
        lines += [line for known in imports for line in _import(*known)]
        lines += ["", *(f"{name} = {text}" for name, text in sorted(self._constants.items()))]
        for part in parts:
            lines += ["", "", *_lines(part)]
            lines += [f"{alias} = {own}" for alias, own in sorted(self._aliases.items()) if own == part.name]
        return "\n".join(lines) + "\n"


def _import(name: str, module: str, attribute: str) -> list[str]:
    if not attribute:
        return [f"import {module} as {name}" if name and name != module else f"import {module}"]
    first, *steps = attribute.split(".")
    bound = f"from {module} import {first}" + (f" as {name}" if name != first else "")
    return [bound, f"{name} = {'.'.join([name, *steps])}"] if steps else [bound]


def _lines(part: Part) -> list[str]:
    text = part.text.rstrip("\n")
    inside = text[:1].isspace()  # it stood in a block
    return [f"# {part.file}, line {part.line}", *(["if True:"] if inside else []), *text.split("\n")]


def _not_decorated(what: str) -> DeploymentError:
    return DeploymentError(
        f"the function of {what} was given to the app by a call, which does not go to a new process",
        hint="write it with def, in a cell, and the decorator above it: @app.query()",
    )
