"""``GET nbagents/api/tutorials`` and ``GET nbagents/api/tutorials/NAME``: the tutorials, as notebooks.

Writes nothing: the page saves the notebook where its reader is, as whatever that reader may write.
"""

from __future__ import annotations

import asyncio
import json

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from .._tutorials import title, tutorial, tutorials
from ..exceptions import NbAgentsError, UsageError

__all__ = ["TutorialHandler", "TutorialsHandler"]


class TutorialsHandler(APIHandler):
    """Lists the tutorials."""

    auth_resource = "nbagents"

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer with ``[{name, title}]``, in reading order."""
        self.finish(json.dumps([{"name": name, "title": title(path)} for name, path in tutorials().items()]))


class TutorialHandler(APIHandler):
    """Gives one tutorial."""

    auth_resource = "nbagents"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Answer with the tutorial as the JSON of a notebook that has not been run."""
        try:
            # Not on the loop: the first one to be read loads jupytext, which takes a second.
            text = await asyncio.to_thread(_notebook, name)
        except NbAgentsError as error:
            self.set_status(404 if isinstance(error, UsageError) else 500)
            about = {"type": type(error).__name__, "message": str(error), "hint": error.hint}
            self.finish(json.dumps({"error": about}))
        else:
            self.finish(text)


def _notebook(name: str) -> str:
    path = tutorial(name)
    import jupytext
    import nbformat

    text: str = nbformat.writes(jupytext.read(path))
    return text
