"""`fetched`: a message that another server of the same user makes, fetched from there.

The other server is found by its id in this user's own registry; an address is never taken from a message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..exceptions import InternalError, NbAgentsError
from ._results import Promised

if TYPE_CHECKING:
    from ._attachment import Attachment

__all__ = ["fetched"]

_known: dict[str, Attachment] = {}
_finding: set[asyncio.Task[None]] = set()


def fetched(server_id: str, call_id: str) -> Promised:
    """Return the promise of the reply to a call that another server answers. On the loop only.

    It fails if there is no such server, or it ends before the reply is there.
    """
    promised = Promised(call_id)
    there = _known.get(server_id)
    if there is not None and there.is_open():
        there.fetch(promised)
    else:
        task = asyncio.ensure_future(_find(server_id, promised))
        _finding.add(task)
        task.add_done_callback(_finding.discard)
    return promised


async def _find(server_id: str, promised: Promised) -> None:
    from ._directory import peer  # it knows attachments, which know sessions' promises

    try:
        there = await asyncio.to_thread(peer, server_id)  # it reads files
        _known[server_id] = there
        there.fetch(promised)
    except NbAgentsError as error:
        promised.settle(None, error)
    except Exception as error:  # noqa: BLE001  # whoever waits must hear of it
        promised.settle(None, InternalError(f"the server {server_id[:60]!r} could not be reached: {error}"))
