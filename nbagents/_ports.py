"""Sockets on the ground floor, which higher floors plug into.

A lower floor sometimes needs what only a higher one can do: an agent goes to another process
(`to_dist`), a placeholder that is only an address is fetched. It calls the socket; whoever can
do it has filled the socket with a *loader*, a function that imports the real thing at first use.
So the call goes up without an import going up, and nothing heavy is loaded before it is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .exceptions import InternalError

__all__ = [
    "Port",
    "embedding_model",
    "fetch_message",
    "find_agent",
    "look_for_tracer",
    "make_proxy",
    "mark_agent",
    "message_spans",
    "traced",
    "watch_cells",
]


class Port:
    """A socket for one function. Filled once, with a loader; called like the function."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._load: Callable[[], Callable[..., Any]] | None = None
        self._function: Callable[..., Any] | None = None

    def fill(self, load: Callable[[], Callable[..., Any]]) -> None:
        """Say how to get the function; ``load`` is called at most once, at first use."""
        self._load, self._function = load, None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function that fills this socket."""
        if self._function is None:
            if self._load is None:
                raise InternalError(f"nothing fills {self.name}; `import nbagents` does")
            self._function = self._load()
        return self._function(*args, **kwargs)


make_proxy = Port("make_proxy")
"""``(agent, **options) -> RpcAgent``: moves an agent into a server process."""
fetch_message = Port("fetch_message")
"""``(host, port, task_id, client, x, known_only=) -> Promise``: what an addressed placeholder waits for."""
mark_agent = Port("mark_agent")
"""``(agent) -> dict | None``: how an agent stands in another one's state, if it can."""
find_agent = Port("find_agent")
"""``(fields) -> agent``: the agent that such a mark names."""
watch_cells = Port("watch_cells")
"""``(listener) -> end``: tells what the cells of this notebook were, if this is one, now and after each."""
embedding_model = Port("embedding_model")
"""``(name or configuration) -> model``: what makes embeddings."""
look_for_tracer = Port("look_for_tracer")
"""``()``: begins to trace, if a tracer provider has been set in this process."""
message_spans = Port("message_spans")
"""``(tracer_provider) -> MessageSpans``: makes spans of typed messages."""


def traced() -> None:
    """Begin to trace where this process does; asked where something begins. Costs nothing elsewhere."""
    if "opentelemetry.trace" in sys.modules:
        look_for_tracer()
