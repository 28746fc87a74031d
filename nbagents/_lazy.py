"""`lazy`: names of a package that are loaded when they are first used. Knows no package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy"]


def lazy(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package whose names are in modules below it.

    ``places`` has for each module, by its name below the package, the names that it has, with spaces between
    them. The module is loaded when one of them is first asked for; from then on the package has that name as
    any other. What the package lists, for whoever completes names, is its ``__all__``. Type checkers read
    none of this: for them the same names are imported under ``TYPE_CHECKING``. Safe from any thread.
    """
    modules = {name: module for module, names in places.items() for name in names.split()}

    def load(name: str) -> Any:
        """Return what has that name.

        Raises:
            AttributeError: nothing has.
            ImportError: its module cannot be loaded.
        """
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value = getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        """Return the public names, those too that are not loaded yet."""
        return sorted(sys.modules[package].__all__)

    return load, listed
