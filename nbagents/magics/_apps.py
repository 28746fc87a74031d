"""The apps that ``%agents`` lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..render import TableView
from ..rpc._places import connection_folder
from ._serving_card import served_here

if TYPE_CHECKING:
    from ..app import Deployment, Serving

__all__ = ["app_table"]


def app_table() -> TableView | None:
    """Return the table of what serves here, and of what this user has deployed; None if nothing does."""
    rows = [_row(serving) for serving in served_here()]
    rows += [_deployed(one) for one in _deployments()]
    return TableView(("app", "address", "doing", "where"), tuple(rows), "apps") if rows else None


def _row(serving: Serving) -> tuple[str, str, str, str]:
    running = len(serving.app.book.running)
    doing = f"{running} under way" if running else "idle"
    return (serving.app.app_name or "an app", serving.url, doing, "in this kernel")


def _deployments() -> list[Deployment]:
    """Return what serves in a process of its own; without one, all that serves HTTP stays unloaded."""
    if not any(connection_folder().glob("apps/*/deployment.json")):
        return []
    from ..app import DeploymentMode, deployments

    return [one for one in deployments() if one.mode != DeploymentMode.DAEMON_THREAD]


def _deployed(one: Deployment) -> tuple[str, str, str, str]:
    doing = "serves" if one.alive else "not known" if one.foreign else "has died"
    where = f"on {one.machine}" if one.foreign else f"process {one.pid} · `nbagents app stop {one.deploy_id}`"
    return (one.name or "an app", one.url, doing, where)
