"""Turns exceptions into what travels, and back into exceptions. Knows nothing of channels or agents.

Our own errors keep their class. What an agent's code raised arrives as a `RemoteAgentError` that is an
instance of the built-in class as well, so that ``except ValueError`` works as it did at home. Keys are
masked, since all of it ends in a notebook.
"""

from __future__ import annotations

import builtins
import traceback
from pathlib import Path
from types import TracebackType

from .. import exceptions
from ..config import redact
from ..exceptions import NbAgentsError, ProtocolError, RemoteAgentError
from ._printable import printable
from ._proto import agent_pb2 as pb

__all__ = ["AgentFailed", "decode_error", "encode_error"]

OURS: dict[str, type[NbAgentsError]] = {
    name: getattr(exceptions, name) for name in exceptions.__all__ if name != "RemoteAgentError"
}
# Not those whose constructors want more than a text, nor those that end a generator.
_ODD = {"BaseExceptionGroup", "ExceptionGroup", "StopAsyncIteration", "StopIteration"}
_ODD |= {"UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError", "Exception"}
BUILT_IN: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__name__ not in _ODD
}
TEXT, TRACE = 20_000, 20_000
"""Characters that travel of an error's text, and of its traceback."""
LONGEST_LINE = 2000
_PACKAGE = str(Path(__file__).parents[1])


class AgentFailed(Exception):
    """An agent of this server raised; ``error`` is what travels of it."""

    def __init__(self, error: pb.Error, who: str) -> None:
        super().__init__(error.message)
        self.error, self.who = error, who


def encode_error(error: BaseException) -> pb.Error:
    """Return an error as it travels: its type's name, its text, its hint and its traceback. Never raises."""
    if isinstance(error, RemoteAgentError):
        name = error.type_name
        kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in BUILT_IN), "")
    else:
        name = type(error).__name__
        kind = next(
            (base.__name__ for base in type(error).__mro__ if BUILT_IN.get(base.__name__) is base), ""
        )
    trace = getattr(error, "remote_traceback", None) or ""
    if not trace:
        trace = _traceback(error)
    return pb.Error(
        type=printable(name, 200),
        message=_clean(_text(error)[:TEXT]),
        # Masked before it is cut: the second half of a key does not look like one.
        traceback=_clean(trace[-TRACE - LONGEST_LINE :])[-TRACE:],
        hint=_clean((getattr(error, "hint", None) or "")[:2000]),
        builtin=kind,
    )


def decode_error(error: pb.Error, who: str) -> NbAgentsError:
    """Return the exception to raise for an error that came over the wire, ``who`` being the agent."""
    if not error.type:
        return ProtocolError(f"{who}: what ended the call is neither a message nor an error")
    ours = OURS.get(error.type)
    if ours is not None:
        known = ours(error.message, hint=error.hint or None)
        known.remote_traceback = error.traceback or None
        return known
    name = printable(error.type, 200)
    text = f"{who}: {name}: {error.message}" if error.message else f"{who}: {name}"
    made = _remote_class(error.builtin)(text, type_name=name, hint=error.hint or None)
    made.remote_traceback = error.traceback or None
    return made


_remote_classes: dict[str, type[RemoteAgentError]] = {}


def _remote_class(name: str) -> type[RemoteAgentError]:
    base = BUILT_IN.get(name)
    if base is None:
        return RemoteAgentError
    if name not in _remote_classes:
        # A KeyError would show its text in quotes.
        about = {"__module__": __name__, "__str__": BaseException.__str__}
        _remote_classes[name] = type("RemoteAgentError", (RemoteAgentError, base), about)
    return _remote_classes[name]


def _text(error: BaseException) -> str:
    try:
        if isinstance(error, KeyError) and len(error.args) == 1:
            return str(error.args[0])
        return str(error)
    except Exception as other:  # noqa: BLE001  # the class is a stranger's, and so is its __str__
        return f"(its text cannot be had: {type(other).__name__})"


def _traceback(error: BaseException) -> str:
    """Return the traceback from the agent's own first line on; "" if an error of ours has no such line."""
    own = _first_outside(error.__traceback__)
    if own is None and isinstance(error, NbAgentsError):
        return ""
    try:
        return "".join(traceback.format_exception(type(error), error, own or error.__traceback__))
    except Exception:  # noqa: BLE001  # as above
        return ""


def _first_outside(step: TracebackType | None) -> TracebackType | None:
    while step is not None and step.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        step = step.tb_next
    return step


def _clean(text: str) -> str:
    """Return a text that protobuf takes, keys masked."""
    return redact(text.encode("utf-8", "backslashreplace").decode())
