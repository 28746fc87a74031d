"""Finds the class of an agent. The one place that imports by name.

A class is one of ours, one that the server was given at its start (``custom_agent_classes``,
``agent_dir``), or, on a private socket only, an agent class of a module that the server can import or
one that its user wrote in a notebook (`_workshop`). Whatever else a name says is refused; nothing is
looked up inside an object.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import agents
from ..agents import AgentBase
from ..exceptions import AgentCallError, AgentCreationError
from ._workshop import PACKAGE, Workshop

if TYPE_CHECKING:
    from ._unit import Unit

__all__ = ["AgentClasses", "class_name"]

log = logging.getLogger(__name__)
BUILT_IN = ("AgentBase", "DialogAgent", "DictDialogAgent", "ReActAgent", "TextToImageAgent", "UserAgent")
_QUALIFIED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)\Z")


def class_name(cls: type[AgentBase]) -> str:
    """Return the name by which a server finds a class.

    Raises:
        AgentCreationError: the class cannot be imported by anybody else.
    """
    if (
        cls.__module__ in ("__main__", "__mp_main__")
        or "<locals>" in cls.__qualname__
        or "." in cls.__qualname__
    ):
        raise AgentCreationError(
            f"{cls.__qualname__} is defined in {cls.__module__}, where a server cannot import it: "
            "move the class to the top level of a module and import it from there"
        )
    return f"{cls.__module__}:{cls.__qualname__}"


class AgentClasses:
    """The agent classes that one server knows, by name."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._workshop = Workshop(_imported)
        # It calls whatever address it is given, from here: for the user whose server it is.
        self._built_in = (*BUILT_IN, "A2AAgent") if private else BUILT_IN
        self._known: dict[str, type[AgentBase]] = {}

    def register(self, cls: type[AgentBase]) -> None:
        """Make a class known under its own name, and under that with its module."""
        self._known[cls.__name__] = cls
        with contextlib.suppress(AgentCreationError):
            self._known[class_name(cls)] = cls

    def load_folder(self, folder: str) -> None:
        """Import every Python file of a folder, hidden ones aside; one that fails is logged and skipped.

        The files can import each other by their names.
        """
        root = Path(folder).resolve()
        sys.path.append(str(root))  # last: an http.py there must not hide the real one
        try:
            for path in sorted(root.glob("**/*.py")):
                parts = path.relative_to(root).parts
                if path.resolve().is_relative_to(root) and not any(p.startswith((".", "__")) for p in parts):
                    self._load_file(path, "_".join(parts).removesuffix(".py"))
        finally:
            sys.path.remove(str(root))

    def _load_file(self, path: Path, label: str) -> None:
        name = f"nbagents_agent_dir_{label}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            return
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit):
            log.exception("the agent file %s could not be loaded", path.name)
            sys.modules.pop(name, None)
            return
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, AgentBase) and value.__module__ == name:
                self.register(value)

    def find(self, name: str, import_path: list[str] | None = None) -> type[AgentBase]:
        """Return the class of that name. Blocking: it may import a module.

        Raises:
            AgentCreationError: it is not registered, cannot be imported, or is no agent class.
        """
        if name in self._built_in and name not in self._known:
            self._known[name] = getattr(agents, name)  # loaded with the first of them
        if name in self._known:
            return self._known[name]
        match = _QUALIFIED.match(name)
        if match is None or not self._private:
            names = {*self._built_in, *self._known}
            known = ", ".join(sorted(known for known in names if ":" not in known))
            raise AgentCreationError(f"class {name[:80]!r} is not registered on this server; known: {known}")
        cls = _class_of(match[1], match[2], import_path or [])
        self._known[name] = cls
        return cls

    def check_source(self) -> None:
        """Raise AgentCallError if this server takes no classes as source text."""
        if not self._private:
            raise AgentCallError(
                "agent_source_code is not taken by this server, which listens on TCP: put the class into a"
                " module, or launch a server without a port"
            )

    def make(self, unit: Unit, import_path: list[str]) -> type[AgentBase]:
        """Return the class that was written in a notebook. Blocking: it may import modules.

        Raises:
            AgentCallError: this server takes none.
            AgentCreationError: it cannot be defined here; the message tells where and why.
        """
        self.check_source()
        return self._workshop.make(unit, import_path)


def _imported(module_name: str, import_path: list[str]) -> Any:
    for folder in import_path:
        if folder not in sys.path:
            sys.path.append(folder)  # last: a user's json.py must not hide the real one
    importlib.invalidate_caches()  # the module may be a minute old
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        raise AgentCreationError(f"the server cannot import {module_name}: {why}") from error


def _class_of(module_name: str, attribute: str, import_path: list[str]) -> type[AgentBase]:
    found = None
    if module_name.partition(".")[0] != PACKAGE:  # those come as source, never by a name
        found = vars(_imported(module_name, import_path)).get(attribute)
    if not (isinstance(found, type) and issubclass(found, AgentBase)):
        raise AgentCreationError(f"{module_name} has no agent class {attribute}")
    return found
