"""What a piece of a program takes from outside itself: its free names, by the compiler's own rules."""

from __future__ import annotations

import ast
import copy
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["FreeNames", "local_names"]


@dataclass(frozen=True, slots=True)
class FreeNames:
    """The names that a statement takes from its module.

    ``at_once`` are those needed when it runs, to define what it defines; ``changed`` those that its
    functions assign, by a ``global`` statement. ``dotted`` are the chains of attributes behind them.
    """

    used: frozenset[str]
    at_once: frozenset[str]
    changed: frozenset[str]
    dotted: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, statement: ast.stmt, *, lazy_annotations: bool) -> FreeNames:
        """Look through a statement; annotations count as far as Python evaluates them."""
        bare = _Bare(lazy_annotations).visit(copy.deepcopy(statement))
        top = _table(bare)
        used = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
        changed: set[str] = set()
        for table in _below(top):
            for symbol in table.get_symbols():
                if symbol.is_global():
                    used |= {symbol.get_name()} if symbol.is_referenced() else set()
                    changed |= {symbol.get_name()} if symbol.is_assigned() else set()
        now = _AtOnce()
        now.visit(bare)
        chains = frozenset(chain for node in ast.walk(bare) if (chain := _chain(node)))
        return cls(frozenset(used), frozenset(used & now.names), frozenset(changed), chains)


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names of a function's own variables, arguments included."""
    for table in _table(function).get_children():
        if isinstance(table, symtable.Function) and table.get_name() == function.name:
            return set(table.get_locals())
    return set()


def _table(statement: ast.AST) -> symtable.SymbolTable:
    return symtable.symtable(ast.unparse(ast.fix_missing_locations(statement)), "cell", "exec")


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _chain(node: ast.AST) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if names and isinstance(node, ast.Name) else ()


class _Bare(ast.NodeTransformer):
    """Takes away the annotations that are never evaluated."""

    def __init__(self, lazy: bool) -> None:
        self._lazy, self._functions = lazy, 0

    def _function(self, node: ast.AST) -> ast.AST:
        if self._lazy:
            vars(node)["returns"] = None
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function  # as `ast` calls them

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outside, self._functions = self._functions, 0
        self.generic_visit(node)
        self._functions = outside
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        if self._lazy:
            node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if self._lazy or self._functions:
            node.annotation = ast.Constant(None)
        return self.generic_visit(node)


class _AtOnce(ast.NodeVisitor):
    """Collects the names outside the bodies of functions."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        self.names.add(node.id)

    def _function(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name != "body":
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.visit(child)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function
