"""Loading an app that somebody names: ``module:app``, or a file that was written for it.

The name is the user's own, from a command line or a call; nothing that came by wire gets here.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..config import Secret
from ..exceptions import UsageError
from ._agent_app import AgentApp

__all__ = ["MODULE", "check_target", "give_tokens", "load_file", "load_target"]

MODULE = "nbagents_app"
"""The name of a module that was made of cells."""
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)\Z")


def check_target(text: str) -> tuple[str, str]:
    """Return the module and the name in it that a text like ``module:app`` says.

    Raises:
        UsageError: it says none.
    """
    match = _TARGET.match(text)
    if match is None:
        raise UsageError(
            f"{text[:80]!r} names no app",
            hint="name the module and what the app is called in it: service:app, for app = AgentApp()"
            " in service.py",
        )
    return match[1], match[2]


def load_target(text: str, folders: Iterable[str] = ()) -> AgentApp:
    """Import the app that ``module:app`` names; modules are looked for in ``folders``, last of all, too.

    Raises:
        UsageError: the module cannot be imported, or there is no app of that name in it.
    """
    module_name, name = check_target(text)
    _look_in(folders)
    importlib.invalidate_caches()  # the module may be a minute old
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise _failed(module_name, error) from error
    return _app_in(module, name)


def load_file(path: Path, name: str, folders: Iterable[str] = ()) -> AgentApp:
    """Run a file that an app was written to, and return the app of that name.

    Raises:
        UsageError: it fails.
    """
    _look_in(folders)
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # dataclasses, and pydantic, look there
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _failed("what was written in the notebook", error) from error
    finally:
        sys.dont_write_bytecode = before
    return _app_in(module, name)


def give_tokens(app: AgentApp, tokens: Mapping[str, str]) -> None:
    """Have an app that does not serve yet know these tokens instead of its own, by the user's name."""
    app._tokens = {user: Secret(text) for user, text in tokens.items()}
    app._token = app._tokens.get("")


def _look_in(folders: Iterable[str]) -> None:
    # Last: a json.py there must not hide the real one.
    sys.path.extend(folder for folder in dict.fromkeys(folders) if folder not in sys.path)


def _app_in(module: ModuleType, name: str) -> AgentApp:
    found: Any = getattr(module, name, None)
    if isinstance(found, AgentApp):
        return found
    place = getattr(module, "__file__", None) or module.__name__
    known = sorted(key for key, value in vars(module).items() if isinstance(value, AgentApp))
    what = "has no such name" if found is None else f"has a {type(found).__name__} of that name"
    raise UsageError(
        f"{name} in {module.__name__} is no AgentApp: {place} {what}",
        hint=f"{module.__name__}:{known[0]}" if known else "app = AgentApp() makes one",
    )


def _failed(what: str, error: Exception) -> UsageError:
    passed = (Path(__file__).parent, Path(importlib.__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and Path(frame.filename).parent not in passed
    ]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return UsageError(f"{what} cannot be imported: {type(error).__name__}: {error}{where}")
