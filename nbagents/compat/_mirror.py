"""`Mirror`: a module that only knows where its names live, and fetches each at first use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

__all__ = ["Mirror", "mirror"]


class Mirror(ModuleType):
    """A module of another library, whose names are all somewhere in nbagents.

    ``found`` says where, by name: ``("agents", "DialogAgent")``. ``missing`` says what to do instead of
    names that nbagents does not have, and under an empty name what became of the module as a whole.
    """

    _found: Mapping[str, tuple[str, str]]
    _missing: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        """Return what has that name.

        Raises:
            ImportError: the other library has it and nbagents has not; it says what there is instead.
            AttributeError: neither has it.
        """
        if name == "__all__":
            return sorted(self._found)
        if name not in self._found:
            known = None if name.startswith("_") else self._missing.get(name) or self._missing.get("")
            if known is not None:
                raise ImportError(f"{self.__name__} has no {name!r}: {known}", name=self.__name__)
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        home, there = self._found[name]
        try:
            value = getattr(importlib.import_module(f"..{home}", __package__), there)
        except (AttributeError, ModuleNotFoundError) as error:
            if not str(getattr(error, "name", None)).startswith((there, __name__.partition(".")[0])):
                raise  # it is there, and lacks something of its own
            raise ImportError(
                f"{self.__name__}.{name} is nbagents.{home}.{there}, which this version does not have",
                name=self.__name__,
            ) from error
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted(self._found)


def mirror(
    root: str,
    modules: Mapping[str, Mapping[str, str]],
    *,
    also: Mapping[str, str],
    missing: Mapping[str, str],
    gone: Mapping[str, str],
) -> None:
    """Make the module ``root``, which is being imported, and all below it; see `agentscope._table`."""
    found = {path: _homes(places) for path, places in modules.items()}
    found |= {f"{path}.{part}": found[path] for path, parts in also.items() for part in parts.split()}
    instead = dict.fromkeys(found, missing) | {path: {"": why} for path, why in gone.items()}
    for path, advice in instead.items():
        name = f"{root}.{path}" if path else root
        module = sys.modules[name] if not path else Mirror(name, f"Passes on what ``{path}`` is elsewhere.")
        module.__class__ = Mirror
        vars(module).update(
            __path__=vars(module).get("__path__", []), _missing=advice, _found=found.get(path, {})
        )
        sys.modules[name] = module
    for path in instead:
        above, _, last = f"{root}.{path}".rpartition(".")
        if path and last not in vars(sys.modules[above])["_found"]:  # a function goes before a module
            setattr(sys.modules[above], last, sys.modules[f"{root}.{path}"])


def _homes(places: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return where each name lives.

    >>> _homes({"hub": "msghub MsgHubManager=MsgHub"})
    {'msghub': ('hub', 'msghub'), 'MsgHubManager': ('hub', 'MsgHub')}
    """
    found = {}
    for home, names in places.items():
        for entry in names.split():
            name, _, there = entry.partition("=")
            found[name] = (home, there or name)
    return found
