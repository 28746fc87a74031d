"""`fetched`: a message that another server of the same user makes, fetched from there.

The other server is found by its id in this user's own registry; an address is never taken from a message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..exceptions import InternalError, NbAgentsError, ResultExpiredError
from ._printable import printable
from ._results import Promised

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["fetched"]

_known: dict[str, Attachment] = {}
_finding: set[asyncio.Task[None]] = set()


def fetched(server_id: str, call_id: str, epoch: str = "", whose: str = "") -> Promised:
    """Return the promise of the reply to a call that another server answers. On the loop only.

    It fails if there is no such server, or it ends before the reply is there; with a `ResultExpiredError`
    where the call was made in another ``epoch`` of that server: what an earlier start has promised is gone.
    ``whose`` names the agent, for its text.
    """
    promised = Promised(call_id)
    there = _known.get(server_id)
    if there is not None and there.is_open() and (there.epoch or not epoch):
        _ask(there, promised, epoch, whose)
    else:
        task = asyncio.ensure_future(_find(server_id, promised, epoch, whose))
        _finding.add(task)
        task.add_done_callback(_finding.discard)
    return promised


def _ask(there: Attachment, promised: Promised, epoch: str, whose: str) -> None:
    if epoch and there.epoch != epoch:
        by = f", by {printable(whose, 200)}," if whose else ""
        text = f"a message passed on by reference{by} is gone: the agent server {there.server_id}"
        promised.settle(None, ResultExpiredError(f"{text} was started again since it promised it"))
    else:
        there.wanted.fetch(promised)


async def _find(server_id: str, promised: Promised, epoch: str, whose: str) -> None:
    from ._directory import peer  # it knows attachments, which know sessions' promises

    try:
        there = await asyncio.to_thread(peer, server_id)  # it reads files
        _known[server_id] = there
        if epoch:
            await there.open()
        _ask(there, promised, epoch, whose)
    except NbAgentsError as error:
        promised.settle(None, error)
    except Exception as error:  # noqa: BLE001  # whoever waits must hear of it
        promised.settle(None, InternalError(f"the server {server_id[:60]!r} could not be reached: {error}"))
