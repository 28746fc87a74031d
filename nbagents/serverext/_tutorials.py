"""The tutorials, as notebooks that have not been run.

Nothing is written: the page saves the notebook where its reader is, by what that reader may write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado import web

from .._tutorials import title, tutorials
from ._handler import AgentsHandler
from ._threads import in_thread

__all__ = ["Tutorial", "Tutorials"]


class Tutorials(AgentsHandler):
    """All tutorials."""

    async def read(self, *place: str) -> Any:
        """List them in reading order."""
        return [{"name": name, "title": title(path)} for name, path in tutorials().items()]


class Tutorial(AgentsHandler):
    """One tutorial."""

    async def read(self, *place: str) -> Any:
        """Return it in the notebook format."""
        path = tutorials().get(place[0])
        if path is None:
            raise web.HTTPError(404)
        return await in_thread(lambda: _notebook(path))


def _notebook(path: Path) -> dict[str, Any]:
    import jupytext  # takes a second, and only who opens a tutorial needs it

    notebook: dict[str, Any] = jupytext.read(path)
    return notebook
