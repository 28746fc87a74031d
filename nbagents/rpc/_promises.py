"""`Promises`: the messages that the arguments of one client refer to, and where each of them comes from."""

from __future__ import annotations

from typing import Any

from ..exceptions import AgentServerNotAliveError, ProtocolError
from ..message import PlaceholderMessage, Promise
from ._codec import decode
from ._faults import decode_error
from ._peers import fetched
from ._proto import agent_pb2 as pb
from ._results import Promised, Results

__all__ = ["Promises"]


class Promises:
    """Finds what a reference stands for. On the loop only."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._promised: dict[str, Promised] = {}
        self.found: list[Promise] = []
        """What `refer` has found since this was last emptied."""

    def refer(self, tree: dict[str, Any]) -> Any:
        """Return the message behind a reference: a call of this server, or one that somebody will send."""
        call_id, server = tree.get("__promise__"), tree.get("server")
        epoch, agent = tree.get("epoch", ""), tree.get("agent", "")
        if not isinstance(call_id, str) or not isinstance(server, str | None):
            raise ProtocolError("a reference to a message has no id")
        if not isinstance(epoch, str) or not isinstance(agent, str):
            raise ProtocolError("a reference to a message is malformed")
        call = self._results.find(call_id)
        if call is not None:
            promise: Promise = call
        elif server is not None:
            promise = fetched(server, call_id, epoch, agent)
        elif tree.get("sent"):
            promise = self._promised.setdefault(call_id, Promised(call_id))
        else:
            promise = Promised(call_id)
            promise.settle(None, self._results.expired(call_id))
        self.found.append(promise)
        return PlaceholderMessage.of(promise)

    def arrived(self, update: pb.Update) -> None:
        """The client sends what it has promised."""
        promised = self._promised.pop(update.call, None)
        if promised is None:
            return  # of a call that was refused
        if update.WhichOneof("outcome") == "done":
            try:
                promised.settle(decode(update.done))
            except ProtocolError as error:
                promised.settle(None, error)
        else:
            promised.settle(None, decode_error(update.error, "another agent"))

    def close(self) -> None:
        """What the client has promised will never come."""
        ended, self._promised = self._promised, {}
        for promise in ended.values():
            promise.settle(None, AgentServerNotAliveError("the client that promised this message is gone"))
