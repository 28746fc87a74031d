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
    """Return the table of what serves here, and elsewhere of this user's; None if nothing does."""
    rows = [_row(serving) for serving in served_here()]
    rows += [_deployed(one) for one in _deployments()]
    return TableView(("app", "address", "doing", "where"), tuple(rows), "apps") if rows else None


def _row(serving: Serving) -> tuple[str, str, str, str]:
    running = len(serving.app.book.running)
    doing = f"{running} under way" if running else "idle"
    stop = f" · `nbagents app stop {serving.deployment.deploy_id}`" if serving.deployment else ""
    return (serving.app.app_name or "an app", serving.url, doing, f"in this kernel{stop}")


def _deployments() -> list[Deployment]:
    """Return what other processes serve; without one, all that serves HTTP stays unloaded."""
    if not any(connection_folder().glob("apps/*/deployment.json")):
        return []
    from ..app import deployments

    return [one for one in deployments() if not one.is_of_this_process]


def _deployed(one: Deployment) -> tuple[str, str, str, str]:
    doing = "serves" if one.alive else "not known" if one.foreign else "has died"
    stop = f" · `nbagents app stop {one.deploy_id}`"
    where = f"on {one.machine}" if one.foreign else f"process {one.pid}{stop}"
    return (one.name or "an app", one.url, doing, where)
