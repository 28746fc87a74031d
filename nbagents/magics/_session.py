"""Open the session of a notebook: which workspace it is, whether anybody watches, whose the server is."""

from __future__ import annotations

import os
from typing import Any

from .._ids import new_id
from ..setup import Session, open_session
from ..widgets import mode_of

__all__ = ["session_of"]

EDITORS_NAME = "__vsc_ipynb_file__"
"""Where an editor that is no Jupyter server tells a kernel its notebook."""

_opened: dict[str, Session] = {}


def session_of(shell: Any) -> Session:
    """Return the session of the notebook that ``shell`` runs, opened if it is not.

    The workspace is the notebook's path, else the working folder, so a restarted kernel finds its
    agents. A run that nobody watches gets a workspace and a server of its own.
    """
    headless = mode_of(shell) == "headless"
    notebook = str(os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get(EDITORS_NAME) or "")
    place = notebook or os.getcwd()
    key = f"{place} {headless}"
    if key not in _opened:
        workspace = f"{place}#{new_id()[:12]}" if headless else place
        folder = os.path.dirname(notebook) if notebook else os.getcwd()
        owner = "process" if headless else "user"
        _opened.clear()
        _opened[key] = open_session(workspace, headless=headless, owner=owner, folder=folder)
    return _opened[key]
