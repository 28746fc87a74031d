"""The root of the tree, and whose fault it is: the caller's, or ours."""

from __future__ import annotations


class NbAgentsError(Exception):
    """Base of everything that nbagents raises on purpose."""

    remote_traceback: str | None = None
    """The traceback of the process that raised, where that was another one."""
    hint: str | None = None
    """The line to type next, where there is one."""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint

    @property
    def __notes__(self) -> list[str]:
        """What stands below the message in a traceback outside of notebooks: the hint, and what was noted."""
        notes: list[str] = self.__dict__.setdefault("_noted", [])  # `add_note` appends to it
        if self.hint and (line := f"Try: {self.hint}") not in notes:
            notes.insert(0, line)
        return notes

    @__notes__.setter
    def __notes__(self, notes: list[str]) -> None:
        self.__dict__["_noted"] = notes

    def _render_traceback_(self) -> list[str]:
        """Show one readable line in a notebook, not our own frames."""
        return [f"{type(self).__name__}: {self}", *([f"Try: {self.hint}"] if self.hint else [])]


class UsageError(NbAgentsError, ValueError):
    """The call was wrong; the message names what to change."""


class AgentNotFoundError(UsageError, LookupError):
    """Nobody of that name lives there."""


class AnswerRefusedError(UsageError):
    """What a person has answered does not fit the question; each line names a field and what it wants."""


class FileNotExportedError(UsageError, FileNotFoundError):
    """The server gives no such file away, whether there is one or not."""


class MethodMissingError(UsageError, NotImplementedError):
    """A class lacks a method that a subclass of its base must write."""


class ModelChoiceError(UsageError):
    """No model can be picked from what was given."""


class ReplayMismatchError(UsageError, LookupError):
    """A replay was asked what was not asked when it was recorded; the message says who asked, and what.

    Nobody else is asked in its place: no model, no tool, no person.
    """


class RunNotFoundError(UsageError, LookupError):
    """The server knows no such run, or no longer."""


class ServiceNotStartedError(UsageError, RuntimeError):
    """A service was asked before its start, or after its stop."""

    hint = "await service.start(), or: async with service: ..."


class RuntimeStateError(UsageError, RuntimeError):
    """A runtime was started twice, or asked for what it only does while it runs, or while it does not."""


class WouldBlockLoopError(UsageError, RuntimeError):
    """A blocking read was made on an event loop; only ``await`` can work there."""


class InternalError(NbAgentsError):
    """A fault of nbagents itself; please report it with the traceback."""
