"""Runs: what agents said in one cell or one ``with``, who waited for whom, and how it ended.

Knows agents, events and views; knows no server, no notebook and no front-end.
"""

from ._chat import Chat
from ._export import exported
from ._failure import error_view, full_traceback
from ._graph import graph_of
from ._numbers import numbers
from ._replay import Replay
from ._run import Run, recent_runs
from ._taped import put_on_tape, record, replay
from ._teller import Teller, tell

__all__ = [
    "Chat",
    "Replay",
    "Run",
    "Teller",
    "error_view",
    "exported",
    "full_traceback",
    "graph_of",
    "numbers",
    "put_on_tape",
    "recent_runs",
    "record",
    "replay",
    "tell",
]
