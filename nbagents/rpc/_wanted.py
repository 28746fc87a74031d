"""`Wanted`: the messages that this process fetches from a server, where somebody else called for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..exceptions import NbAgentsError
from ._codec import decode
from ._faults import decode_error
from ._lost import same
from ._proto import agent_pb2 as pb
from ._results import Promised

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["Wanted"]


class Wanted:
    """What one attachment has asked for. On the loop only."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._waiting: dict[str, list[Promised]] = {}

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._waiting

    def fetch(self, promised: Promised) -> None:
        """Ask for how a call ended; the promise is settled with it."""
        error = self._attachment.error
        if error is not None:
            promised.settle(None, same(error))
            return
        promised.maker = self._attachment
        waiting = self._waiting.setdefault(promised.id, [])
        waiting.append(promised)
        if len(waiting) == 1:
            self._attachment.put(pb.Frame(fetch=pb.Fetch(call=promised.id)))

    def drop(self, promised: Promised) -> None:
        """Nobody needs this message any more."""
        waiting = self._waiting.get(promised.id, [])
        if promised in waiting:
            waiting.remove(promised)
            if not waiting and self._attachment.error is None:
                del self._waiting[promised.id]
                self._attachment.strays.expect()  # it may be on its way
                self._attachment.put(pb.Frame(fetch=pb.Fetch(call=promised.id, drop=True)))

    def update(self, update: pb.Update) -> None:
        """It is there, or never will be."""
        value, error = None, None
        if update.WhichOneof("outcome") == "done":
            try:
                value = decode(update.done)
            except NbAgentsError as unfit:
                error = unfit
        else:
            error = decode_error(update.error, "another agent")
        for promised in self._waiting.pop(update.call, ()):
            promised.settle(value, error)

    def end(self, error: NbAgentsError) -> None:
        """Nothing will come any more."""
        ended, self._waiting = self._waiting, {}
        for waiting in ended.values():
            for promised in waiting:
                promised.settle(None, same(error))
