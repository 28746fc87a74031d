"""Where in a notebook, or in a script, something was defined. Reads what Python kept of it; runs nothing.

IPython keeps each cell that was run in ``_ih`` and in `linecache`; of a script there is the file.
"""

from __future__ import annotations

import ast
import functools
import linecache
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ._unit import LAZY_ANNOTATIONS, Part

__all__ = ["Definition", "Notebook"]

CELLS = ("<ipython-input-", "<python-input-", "<stdin>-")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINING = (*FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement that defines something, with the text around it."""

    statement: ast.stmt
    text: str
    label: str
    inside: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...] = ()
    """The functions around it."""
    lazy_annotations: bool = False

    def part(self, name: str) -> Part:
        """Return it as it travels."""
        node, flags = self.statement, LAZY_ANNOTATIONS if self.lazy_annotations else 0
        if not isinstance(node, DEFINING):
            return Part(name, ast.get_source_segment(self.text, node) or "", self.label, node.lineno, flags)
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        lines = self.text.splitlines()[first - 1 : node.end_lineno]
        return Part(name, "\n".join(lines) + "\n", self.label, first, flags)


class Notebook:
    """The cells, or the script, in whose namespace something is defined."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace

    def by_code(self, code: CodeType, qualified_name: str, *, around: bool = False) -> Definition | None:
        """Return the definition of that name in the file of ``code``: at its line, or around it."""
        text = "".join(linecache.getlines(code.co_filename))
        lazy = bool(code.co_flags & LAZY_ANNOTATIONS)
        for name, node, inside in _definitions(_parsed(text)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            last = (node.end_lineno or first) if around else node.lineno
            if name == qualified_name and first <= code.co_firstlineno <= last:
                return Definition(node, text, self._label(code.co_filename, text), inside, lazy)
        return None

    def by_name(self, name: str, fits: Callable[[ast.stmt], bool]) -> Definition | None:
        """Return the newest statement at the top of a cell that binds ``name`` and fits."""
        for label, text in self._texts():
            tree = _parsed(text)
            for node in reversed(list(_statements(tree))):
                if name in _bound(node) and fits(node):
                    return Definition(node, text, label, (), _is_lazy(tree))
        return None

    def imports(self, name: str) -> Iterator[tuple[str, str]]:
        """Tell what may have been imported under a name, newest first: a module, and what of it."""
        for _, text in self._texts():
            for node in reversed(list(_statements(_parsed(text)))):
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    for alias in node.names:
                        if alias.name == "*" or (alias.asname or alias.name) == name:
                            yield node.module, name if alias.name == "*" else alias.name

    def _texts(self) -> Iterator[tuple[str, str]]:
        cells = self._cells()
        for number in range(len(cells) - 1, 0, -1):
            yield f"cell [{number}]", _body(cells[number])
        for file in reversed(list(linecache.cache)):
            if file.startswith(CELLS) or "ipykernel_" in file:
                yield "cell", "".join(linecache.getlines(file))
        script = self._namespace.get("__file__")
        if isinstance(script, str):
            yield os.path.basename(script), "".join(linecache.getlines(script))

    def _cells(self) -> list[str]:
        cells = self._namespace.get("_ih")
        return [str(cell) for cell in cells] if isinstance(cells, list) else []

    def _label(self, file: str, text: str) -> str:
        cells = self._cells()
        for number in range(len(cells) - 1, 0, -1):
            if cells[number].strip() == text.strip():
                return f"cell [{number}]"
        return "cell" if file.startswith(CELLS) or "ipykernel_" in file else os.path.basename(file)


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _body(text: str) -> str:
    """Return what a cell runs: of one that ``%%time`` or another magic runs, its body."""
    statements = _parsed(text).body
    called = getattr(statements[0], "value", None) if len(statements) == 1 else None
    if isinstance(called, ast.Call) and getattr(called.func, "attr", "") == "run_cell_magic":
        *_, body = called.args
        if isinstance(body, ast.Constant) and isinstance(body.value, str):
            return f"\n{body.value}"  # below the line of the magic
    return text


def _is_lazy(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements that run as those of the module, inside ``if`` and ``try`` too."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(
            child, DEFINING
        ):
            yield from _statements(child)


def _definitions(tree: ast.AST, prefix: str = "", inside: tuple[Any, ...] = ()) -> Iterator[Any]:
    for node in _statements(tree):
        if isinstance(node, DEFINING):
            name = f"{prefix}{node.name}"
            yield name, node, inside
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, f"{name}.", inside)
            else:
                yield from _definitions(node, f"{name}.<locals>.", (*inside, node))


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, DEFINING):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    name = getattr(node, "target", None) if isinstance(node, ast.AnnAssign) else getattr(node, "name", None)
    return {name.id} if isinstance(name, ast.Name) else set()
