"""Jupyter's own extension: it keeps the agent servers of its kernels, and lets a page steer them over HTTP.

Jupyter loads it by the file ``nbagents.json`` beside this one. It knows of agents what a client of
their servers can ask; nothing of notebooks, cells or widgets.
"""

from __future__ import annotations

from typing import Any

__all__ = ["_jupyter_server_extension_points"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from ._app import AgentsExtension

    return [{"module": "nbagents.serverext", "app": AgentsExtension}]
