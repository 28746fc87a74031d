"""`Kept`: whoever keeps what an agent becomes in a safe place, as the agents' clockwork sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._call import Call

__all__ = ["Kept", "answered", "kept"]


class Kept(Protocol):
    """Keeps one agent. On the loop only; an agent has one as its ``_kept``, or none.

    Each method is asked when something is over and before anybody is told. False: nothing has changed, tell
    them now. True: what is given last will be called, soon and once, when the change is safe, with the
    error of the failure if it could not be kept.
    """

    def answered(self, call: Call) -> bool:
        """Settle a call that carries a key with how an attempt before it ended; False if it is to run."""

    def observed(self, error: BaseException | None, then: Callable[[BaseException | None], object]) -> bool:
        """The agent has taken a message into its memory, or has refused it."""

    def over(
        self,
        call: Call,
        value: Any,
        error: BaseException | None,
        then: Callable[[Call, Any, BaseException | None], object],
    ) -> bool:
        """The body of a call is over. The agent begins no other before ``then`` has been called."""


def kept(agent: Any) -> Kept | None:
    """Return who keeps an agent."""
    found: Kept | None = object.__getattribute__(agent, "__dict__").get("_kept")
    return found


def answered(call: Call) -> bool:
    """Settle a call with what its agent answered to an attempt before it; False if it is to run."""
    keeper = kept(call.agent) if call.agent is not None else None
    return keeper is not None and keeper.answered(call)
