"""Runs: what agents said in one cell or one ``with``, who waited for whom, and how it ended.

Knows agents, events and views; knows no server, no notebook and no front-end.
"""

from ._export import exported
from ._failure import error_view, full_traceback
from ._run import Run, recent_runs

__all__ = ["Run", "error_view", "exported", "full_traceback", "recent_runs"]
