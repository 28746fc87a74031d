"""How one call may end without a reply."""

from __future__ import annotations

from ._base import NbAgentsError


class CallError(NbAgentsError):
    """One call ended without a reply."""


class BudgetExceededError(CallError):
    """The run has reached its limit of calls or dollars, and nobody has allowed more."""


class CallCancelledError(CallError):
    """The call was stopped: by a person, an interrupt, its caller's end, or the process's exit."""

    why = "cancelled"
    """How, in a few words."""


class CallStoppedError(CallCancelledError):
    """A person stopped the call; where its reply was to be one message of several, the others are used."""


class CallTimeoutError(CallError, TimeoutError):
    """The call's own deadline passed."""


class DeadlockError(CallError):
    """These calls wait for each other, and none of them can go first."""


class ResultExpiredError(CallError):
    """The reply was kept for its time and then dropped."""


class RemoteAgentError(CallError):
    """An agent's own code raised in another process.

    ``type_name`` is the class of the original error; ``remote_traceback`` its traceback.
    """

    def __init__(self, message: str = "", *, type_name: str = "Exception", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.type_name = type_name

    def _render_traceback_(self) -> list[str]:
        trace = (self.remote_traceback or "").rstrip().splitlines()
        return [f"{type(self).__name__}: {self}", *([""] if trace else []), *trace]
