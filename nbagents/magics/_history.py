"""`watch_cells`: what the cells of this notebook were, told to those who keep it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from IPython.core.getipython import get_ipython

__all__ = ["watch_cells"]


def watch_cells(listener: Callable[[Sequence[str]], object]) -> Callable[[], None]:
    """Call ``listener`` with the source of all cells that have run, now and after each; return its end.

    Without a shell of IPython's it is never called.
    """
    shell: Any = get_ipython()
    if shell is None:
        return lambda: None

    def tell(*_: Any) -> None:
        listener([cell for cell in shell.history_manager.input_hist_raw if cell.strip()])

    shell.events.register("post_run_cell", tell)
    tell()

    def end() -> None:
        if tell in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", tell)

    return end
