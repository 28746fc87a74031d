"""Turns values, messages and errors into payloads and back. Knows nothing of channels or agents.

Values are JSON with three kinds of marked objects: a `Msg`, by its ``__module__`` and ``__name__``; a
reference to a message that has not arrived, ``{"__promise__": call id}``; a blob, ``{"__blob__": n}``.
A plain dictionary that happens to have such a key is wrapped as ``{"__dict__": [[key, value], ...]}``.
Decoding imports nothing and makes nothing but these.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable
from typing import Any

from .. import exceptions
from ..exceptions import NbAgentsError, ProtocolError, RemoteAgentError, UsageError
from ..message import Msg, PlaceholderMessage
from ._proto import agent_pb2 as pb

__all__ = ["decode", "decode_error", "encode", "encode_error"]

JSON = "application/json"
MARKS = frozenset({"__module__", "__promise__", "__blob__", "__dict__"})
MAX_DEPTH = 100
"""Containers inside containers; what is deeper is refused."""

OURS: dict[str, type[NbAgentsError]] = {name: getattr(exceptions, name) for name in exceptions.__all__}
BUILT_IN: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (ValueError, TypeError, KeyError, IndexError, RuntimeError, ZeroDivisionError, LookupError)
    + (AttributeError, NotImplementedError, TimeoutError, PermissionError, FileNotFoundError, OSError)
}


def encode(value: Any, reference: Callable[[PlaceholderMessage], Any] | None = None) -> pb.Payload:
    """Return a payload. ``reference`` turns a message that has not arrived into a JSON value.

    Raises:
        UsageError: the value holds something that cannot travel; the message names what and where.
    """
    blobs: list[bytes] = []
    tree = _Encoder(blobs, reference).walk(value, "the value", 0)
    return pb.Payload(content_type=JSON, data=json.dumps(tree, separators=(",", ":")).encode(), blobs=blobs)


def decode(payload: pb.Payload, promise: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return the value of a payload. ``promise`` turns a reference back into a message.

    Raises:
        ProtocolError: it is not JSON as `encode` writes it.
    """
    if payload.content_type != JSON:
        raise ProtocolError(f"payload of type {payload.content_type[:40]!r}; only {JSON} is taken")
    try:
        tree = json.loads(payload.data)
    except (ValueError, RecursionError):
        raise ProtocolError("the payload is not valid JSON") from None
    return _Decoder(payload.blobs, promise).walk(tree, 0)


class _Encoder:
    def __init__(self, blobs: list[bytes], reference: Callable[[PlaceholderMessage], Any] | None) -> None:
        self.blobs, self.reference = blobs, reference

    def walk(self, value: Any, where: str, depth: int) -> Any:
        if value is None or isinstance(value, (str, bool, int)):
            return value
        if depth > MAX_DEPTH:
            raise UsageError(f"{where} is nested deeper than {MAX_DEPTH} levels and cannot travel")
        if isinstance(value, float):
            if not math.isfinite(value):
                raise UsageError(f"{where} is {value}, which JSON cannot hold")
            return value
        if isinstance(value, PlaceholderMessage):
            return self._placeholder(value, where, depth)
        if isinstance(value, Msg):
            return {key: self.walk(part, f"{where}.{key}", depth + 1) for key, part in value.to_dict().items()}
        if isinstance(value, (bytes, bytearray, memoryview)):
            self.blobs.append(bytes(value))
            return {"__blob__": len(self.blobs) - 1}
        if isinstance(value, (list, tuple)):
            return [self.walk(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return self._dictionary(value, where, depth)
        raise UsageError(
            f"{where} is a {type(value).__name__}, which cannot travel to a server: "
            "send text, numbers, lists, dictionaries, bytes or messages"
        )

    def _placeholder(self, value: PlaceholderMessage, where: str, depth: int) -> Any:
        promise = value._promise
        if promise.done and promise.error is None:
            return self.walk(promise.value, where, depth)
        if self.reference is None:
            raise UsageError(f"{where} is a message that has not arrived; read it first")
        return self.reference(value)

    def _dictionary(self, value: dict[Any, Any], where: str, depth: int) -> Any:
        pairs = []
        for key, item in value.items():
            if not isinstance(key, str):
                raise UsageError(f"{where} has the key {key!r}; keys that travel are texts")
            pairs.append([key, self.walk(item, f"{where}[{key!r}]", depth + 1)])
        return {"__dict__": pairs} if MARKS & value.keys() else dict(pairs)


class _Decoder:
    def __init__(self, blobs: Any, promise: Callable[[dict[str, Any]], Any] | None) -> None:
        self.blobs, self.promise = blobs, promise

    def walk(self, tree: Any, depth: int) -> Any:
        if depth > 2 * MAX_DEPTH + 4:
            raise ProtocolError(f"the payload is nested deeper than {MAX_DEPTH} levels")
        if isinstance(tree, list):
            return [self.walk(item, depth + 1) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if "__module__" in tree:
            return self._message(tree, depth)
        if "__promise__" in tree:
            if self.promise is None:
                raise ProtocolError("a reference to a message cannot stand here")
            return self.promise(tree)
        if "__blob__" in tree:
            return self._blob(tree["__blob__"])
        if "__dict__" in tree:
            pairs = tree["__dict__"]
            if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
                raise ProtocolError("a wrapped dictionary is not a list of pairs")
            return {str(key): self.walk(item, depth + 1) for key, item in pairs}
        return {key: self.walk(item, depth + 1) for key, item in tree.items()}

    def _message(self, tree: dict[str, Any], depth: int) -> Msg:
        parts = {key: self.walk(part, depth + 1) for key, part in tree.items()}
        try:
            return Msg.from_dict(parts)
        except (ValueError, TypeError) as error:
            raise ProtocolError(f"a message in the payload is malformed: {str(error)[:200]}") from None

    def _blob(self, index: Any) -> bytes:
        if not isinstance(index, int) or not 0 <= index < len(self.blobs):
            raise ProtocolError("the payload names a blob that it does not carry")
        return bytes(self.blobs[index])


def encode_error(error: BaseException, *, with_traceback: bool = True) -> pb.Error:
    """Return an error as it travels: its type's name, its text, its hint and its traceback."""
    name = error.type_name if isinstance(error, RemoteAgentError) else type(error).__name__
    text = getattr(error, "remote_traceback", None) or ""
    if with_traceback and not text and not isinstance(error, NbAgentsError):
        text = "".join(traceback.format_exception(error))
    message = str(error)
    if isinstance(error, KeyError) and error.args:
        message = str(error.args[0])
    hint = getattr(error, "hint", None) or ""
    return pb.Error(type=name, message=message[:20_000], traceback=text[-20_000:], hint=hint)


def decode_error(error: pb.Error, who: str) -> NbAgentsError:
    """Return the exception to raise for an error that came over the wire, ``who`` being the agent.

    Our own errors keep their class. What an agent's code raised becomes a `RemoteAgentError` that is
    an instance of the built-in class as well, so that ``except ValueError`` works as it did at home.
    """
    ours = OURS.get(error.type)
    if ours is not None and ours is not RemoteAgentError:
        known = ours(error.message, hint=error.hint or None)
        known.remote_traceback = error.traceback or None
        return known
    text = f"{who}: {error.type}: {error.message}" if error.message else f"{who}: {error.type}"
    kind = _remote_class(error.type)
    made = kind(text, type_name=error.type, hint=error.hint or None)
    made.remote_traceback = error.traceback or None
    return made


_remote_classes: dict[str, type[RemoteAgentError]] = {}


def _remote_class(name: str) -> type[RemoteAgentError]:
    base = BUILT_IN.get(name)
    if base is None:
        return RemoteAgentError
    if name not in _remote_classes:
        _remote_classes[name] = type("RemoteAgentError", (RemoteAgentError, base), {"__module__": __name__})
    return _remote_classes[name]
