"""`References`: messages that have not arrived, as arguments of calls to a server.

The server makes such a message itself, or fetches it from the server that makes it, or, if it is made
here, gets it from here once it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._ids import PROCESS
from ..agents import Call, HookedWay
from ..message import PlaceholderMessage
from ._codec import encode
from ._faults import encode_error
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["ArgumentFailedError", "References"]


class ArgumentFailedError(Exception):
    """An argument of a call is a message that will never come."""

    def __init__(self, promise: Any, error: BaseException) -> None:
        super().__init__(str(error))
        self.promise, self.error = promise, error


class References:
    """What one attachment has promised to send. On the loop only."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._promised: set[str] = set()

    def refer(self, message: PlaceholderMessage) -> dict[str, Any]:
        """Return what stands for a message that has not arrived.

        Raises:
            ArgumentFailedError: it never will.
        """
        promise = message._promise
        if promise.error is not None:
            raise ArgumentFailedError(promise, promise.error)
        call_id = str(getattr(promise, "id", "") or f"{PROCESS}-m{id(promise):x}")
        if isinstance(getattr(promise, "remote", None), HookedWay):
            call_id += "-hooked"  # what the server makes by that id may be changed here
        if self._attachment.has_call(call_id):
            return {"__promise__": call_id}
        there = self._maker(promise)
        if there is not None:
            # One that is made again if its server dies keeps its id.
            epoch = "" if getattr(promise, "key", "") else there.epoch
            about = {
                "server": there.server_id,
                "epoch": epoch,
                "agent": str(getattr(promise, "agent_name", "")),
            }
            return {"__promise__": call_id} | about
        if call_id not in self._promised:
            self._promised.add(call_id)
            promise.add_done_callback(lambda: self._deliver(call_id, promise))
        return {"__promise__": call_id, "sent": True}

    def _maker(self, promise: Any) -> Attachment | None:
        """Return the way to the server that makes a message, if the other server can get it there itself."""
        here, there = self._attachment, getattr(getattr(promise, "remote", None), "there", None)
        if there is None or there is here or not (there.is_local and here.is_local):
            return None
        found: Attachment = there
        return found

    def _deliver(self, call_id: str, promise: Any) -> None:
        self._promised.discard(call_id)
        if not self._attachment.is_open():
            return
        update = pb.Update(call=call_id)
        try:
            if promise.error is not None:
                raise promise.error
            update.done.CopyFrom(encode(promise.value))
        except BaseException as error:  # noqa: BLE001  # the one who waits over there must hear of it
            if isinstance(promise, Call):
                promise.read = True
            update.error.CopyFrom(encode_error(error))
        self._attachment.put(pb.Frame(update=update))
