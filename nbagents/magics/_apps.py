"""The apps that ``%agents`` lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..render import TableView
from ._serving_card import served_here

if TYPE_CHECKING:
    from ..app import Serving

__all__ = ["app_table"]


def app_table() -> TableView | None:
    """Return the table of what serves, None if nothing does."""
    rows = [_row(serving) for serving in served_here()]
    return TableView(("app", "address", "doing", "where"), tuple(rows), "apps") if rows else None


def _row(serving: Serving) -> tuple[str, str, str, str]:
    running = len(serving.app.book.running)
    doing = f"{running} under way" if running else "idle"
    return (serving.app.app_name or "an app", serving.url, doing, "in this kernel")
