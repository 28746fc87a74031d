"""`ManyCalls`: the same call to many agents of one server, as one frame, and the reply of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .._ids import PROCESS
from ..agents import scheduler
from ..exceptions import NbAgentsError
from ._faults import decode_error
from ._forks import check_fork
from ._limits import LONGEST_MS
from ._lost import same
from ._proto import agent_pb2 as pb

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["Many", "ManyCalls"]


class Many(Protocol):
    """Who waits for the replies of many agents, each known by a number."""

    def arrived(self, index: int, payload: pb.Payload) -> None:
        """The reply of that number is there."""

    def failed(self, index: int, error: BaseException) -> None:
        """There will be none."""

    def label(self, index: int) -> str:
        """Name the agent, for error texts."""


class ManyCalls:
    """The calls of this kind that one attachment has under way. On the loop only."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._waiting: dict[str, tuple[Many, int]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._waiting

    def ask(
        self,
        call_id: str,
        payload: pb.Payload,
        keys: Sequence[str],
        reply: Many,
        first: int,
        deadline: float | None = None,
    ) -> None:
        """Call the agents of these ids, of which the first has the number ``first``. Never waits.

        ``deadline`` is in seconds of ``time.monotonic``.

        Raises:
            UsageError: this is a fork of the process that the attachment belongs to.
        """
        check_fork()
        error = self._attachment.error
        if error is not None:
            for index in range(first, first + len(keys)):
                reply.failed(index, same(error))
            return
        self._waiting[call_id] = (reply, first)
        for number in range(1, len(keys)):
            self._waiting[f"{call_id}.{number}"] = (reply, first + number)
        frame = pb.Call(
            agent=pb.Agent(key=keys[0]), call=call_id, method="_reply", arguments=payload, client=PROCESS
        )
        if deadline is not None:
            frame.timeout_ms = max(1, min(int((deadline - time.monotonic()) * 1000), LONGEST_MS))
        frame.path.append(next(scheduler().counter))
        frame.others.extend(keys[1:])
        self._attachment.put(pb.Frame(call=frame))

    def cancel(self, reply: Many) -> None:
        """Tell the server that nobody wants what ``reply`` still waits for."""
        for call_id in [call_id for call_id, (whose, _) in self._waiting.items() if whose is reply]:
            del self._waiting[call_id]
            if self._attachment.error is None:
                self._attachment.strays.expect()
                self._attachment.put(pb.Frame(cancel=pb.Cancel(call=call_id, why="cancelled")))

    def update(self, update: pb.Update) -> bool:
        """A call has ended; False, and nothing happens, if it is none of these."""
        waiting = self._waiting.pop(update.call, None)
        if waiting is None:
            return False
        reply, index = waiting
        if update.WhichOneof("outcome") == "done":
            reply.arrived(index, update.done)
        else:
            reply.failed(index, decode_error(update.error, reply.label(index)))
        return True

    def end(self, error: BaseException) -> None:
        """There will be no more replies."""
        waiting, self._waiting = list(self._waiting.values()), {}
        for reply, index in waiting:
            reply.failed(index, same(error) if isinstance(error, NbAgentsError) else error)
