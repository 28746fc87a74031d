"""Turns values and messages into payloads and back. Knows nothing of channels or errors.

Values are JSON with marked objects: a `Msg`, by its ``__module__`` and ``__name__``; a reference to a
message that has not arrived, ``{"__promise__": call id}``; an agent that lives in a server,
``{"__agent__": its name}``, see `_handles`; bytes, ``{"__blob__": n}`` in a payload and
``{"__bytes__": base64}`` in plain text. A plain dictionary that happens to have such a key is wrapped as
``{"__dict__": [[key, value], ...]}``. Decoding imports nothing, makes nothing but these, and dials nobody.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NoReturn

from .. import _loop
from ..agents import AgentBase
from ..exceptions import MessageTooLargeError, NbAgentsError, ProtocolError, UsageError
from ..message import ROLES, Msg, PlaceholderMessage
from ._json import MAX_CONTAINERS, MAX_DEPTH, as_bytes, dump, load, load_quickly, too_many
from ._limits import MAX_MESSAGE, MAX_PAYLOAD
from ._proto import agent_pb2 as pb

__all__ = ["decode", "encode", "encode_arguments", "from_json", "to_json"]

JSON = "application/json"
MESSAGE = Msg("", "").to_dict()
MODULE = MESSAGE["__module__"]
HEAD = ("__module__", "__name__")
FIELDS = tuple(key for key in MESSAGE if key not in HEAD)
TEXTS = ("id", "name", "role", "timestamp")
_parts = itemgetter(*HEAD, *FIELDS)
MARKS = frozenset({"__module__", "__promise__", "__blob__", "__bytes__", "__dict__", "__agent__", "__int__"})
LEAST, MOST = -(2**63), 2**64 - 1
"""The integers that stand in JSON as they are: what lies beyond would arrive as a float elsewhere."""

Reference = Callable[[PlaceholderMessage], Any]


def encode(value: Any, reference: Reference | None = None, into: pb.Payload | None = None) -> pb.Payload:
    """Return a payload. ``reference`` turns a message that has not arrived into a JSON value.

    ``into`` is an empty payload of a frame, filled in place, since to put one into a frame copies it.

    Raises:
        UsageError: the value holds something that cannot travel; the message names what and where.
        MessageTooLargeError: it exceeds the wire's limit.
    """
    blobs: list[bytes] = []
    try:
        tree = _text_tree(value) or _Encoder(blobs, reference).walk(value, 0)
    except _Unfit as unfit:
        raise UsageError(f"the value{unfit.place()} {unfit.why}") from None
    return _payload(tree, blobs, into)


def encode_arguments(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    reference: Reference | None,
    into: pb.Payload | None = None,
) -> pb.Payload:
    """Return the payload of a call's arguments as `encode` does; what it raises names the argument."""
    if len(args) == 1 and not kwargs and (text := _text_tree(args[0])):
        return _payload([[text], {}], [], into)
    blobs: list[bytes] = []
    encoder = _Encoder(blobs, reference)
    name: int | str = 0
    listed, named = [], {}
    try:
        for name, value in enumerate(args, 1):  # noqa: B007  # the error tells which one it was
            listed.append(encoder.walk(value, 0))
        for name, value in kwargs.items():
            named[name] = encoder.walk(value, 0)
    except _Unfit as unfit:
        which = f"argument {name!r}" if isinstance(name, str) else f"argument {name}"
        raise UsageError(f"{which}{unfit.place()} {unfit.why}") from None
    named = named if MARKS.isdisjoint(named) else {"__dict__": list(named.items())}
    return _payload([listed, named], blobs, into)


def to_json(value: Any) -> str:
    """Return a value as text, bytes in it as base64; raises as `encode` does."""
    try:
        data = dump(_Encoder(None, None).walk(value, 0))
    except _Unfit as unfit:
        raise UsageError(f"the value{unfit.place()} {unfit.why}") from None
    _check_size(len(data), data)
    return data.decode()


def decode(payload: pb.Payload, promise: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return the value of a payload. ``promise`` turns a reference back into a message.

    Raises:
        ProtocolError: it is not JSON as `encode` writes it.
    """
    if payload.content_type not in ("", JSON):
        raise ProtocolError(f"payload of type {payload.content_type[:40]!r}; only {JSON} is taken")
    tree = load_quickly(payload.data)
    # Nearly all that travels is one text message: what is called with it, or what is answered.
    if type(tree) is dict:
        text = _text_message(tree)
        if text is not None:
            return text
    elif type(tree) is list and len(tree) == 2 and tree[1] == {} and type(tree[0]) is list:
        text = _text_message(tree[0][0]) if len(tree[0]) == 1 and type(tree[0][0]) is dict else None
        if text is not None:
            return [[text], {}]
    return _Decoder(payload.blobs, promise).walk(tree, 0)


def from_json(text: str | bytes, what: str = "the payload") -> Any:
    """Return the value that `to_json` wrote; raises ProtocolError, naming ``what``, if it is none."""
    return _Decoder((), None, what).walk(load(as_bytes(text), what), 0)


def _payload(tree: Any, blobs: list[bytes], into: pb.Payload | None) -> pb.Payload:
    data = dump(tree)
    payload = pb.Payload() if into is None else into
    if blobs:
        _check_size(len(data) + sum(map(len, blobs)), data)
        payload.blobs.extend(blobs)
    elif len(data) > MAX_CONTAINERS:  # else it keeps every limit
        _check_size(len(data), data)
    payload.data = data
    return payload


def _check_size(size: int, data: bytes) -> None:
    if size > MAX_PAYLOAD:
        raise MessageTooLargeError(
            f"a message of {size / 2**20:.0f} MiB cannot travel; the limit is {MAX_MESSAGE // 2**20} MiB"
        )
    if many := too_many(data):
        raise MessageTooLargeError(f"a message that holds {many} cannot travel; send it as bytes")


# ---- values


class _Unfit(Exception):
    """Something that cannot travel. Collects on its way out where it is."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self._steps: list[str] = []

    def inside(self, step: str) -> _Unfit:
        self._steps.insert(0, step)
        return self

    def place(self) -> str:
        shown = self._steps if len(self._steps) <= 12 else [*self._steps[:6], "…", *self._steps[-6:]]
        return "".join(shown)


def _no_text(key: str, value: Any) -> NoReturn:
    raise _Unfit(f"is a message whose {key} is a {type(value).__name__}, not a text")


def _text_tree(value: Any) -> dict[str, Any] | None:
    """Return the message that most are, a text and nothing beside it, as JSON; None for any other value."""
    if type(value) is not Msg:
        return None
    own = value.__dict__
    name, content, url = own["_name"], own["_content"], own["_url"]
    if type(content) is not str or type(name) is not str or own["_metadata"] is not None:
        return None
    if url is not None and type(url) is not str:
        return None
    return {
        "__module__": MODULE,
        "__name__": "Msg",
        "id": own["_id"],
        "name": name,
        "content": content,
        "role": own["_role"],
        "url": url,
        "metadata": None,
        "timestamp": own["_timestamp"],
    }


def _text_message(tree: dict[str, Any]) -> Msg | None:
    """Return the message that this is, if it is one as most are."""
    try:
        module, cls, id_, name, content, role, url, metadata, timestamp = _parts(tree)
    except KeyError:
        return None
    if module != MODULE or cls != "Msg" or role not in ROLES or type(content) is not str:
        return None
    if len(tree) != len(MESSAGE) or not type(id_) is type(name) is type(timestamp) is str:
        return None  # it is refused by name
    if metadata is not None or not (url is None or type(url) is str):
        return None
    message = Msg.__new__(Msg)  # its constructor would name and date it anew
    message.__dict__.update(
        _id=id_, _name=name, _content=content, _role=role, _url=url, _metadata=None, _timestamp=timestamp
    )
    return message


class _Encoder:
    def __init__(self, blobs: list[bytes] | None, reference: Reference | None) -> None:
        self.blobs, self.reference = blobs, reference
        self.in_message = False
        """Nothing in a message waits: what is not there cannot come later."""

    def walk(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int):
            return value if LEAST <= value <= MOST else self._integer(value)
        if depth > MAX_DEPTH:
            raise _Unfit(f"is nested deeper than {MAX_DEPTH} levels and cannot travel")
        if isinstance(value, float):
            if not math.isfinite(value):
                raise _Unfit(f"is {value}, which JSON cannot hold")
            return value
        if isinstance(value, PlaceholderMessage):
            return self._placeholder(value, depth)
        if isinstance(value, Msg):
            return _text_tree(value) or self._message(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        if isinstance(value, dict):
            return self._dictionary(value, depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(bytes(value))
        if isinstance(value, AgentBase):
            return self._agent(value)
        raise _Unfit(
            f"is a {type(value).__name__}, which cannot travel to another process: "
            "send text, numbers, lists, dictionaries, bytes or messages"
        )

    def _placeholder(self, value: PlaceholderMessage, depth: int) -> Any:
        promise = value._promise
        if promise.done and promise.error is None:
            return self.walk(promise.value, depth)
        if self.reference is None:
            raise _Unfit("is a message that has not arrived; read it first")
        return self.reference(value)

    def _agent(self, value: AgentBase) -> Any:
        from . import _handles  # proxies know the whole wire

        try:
            named = _handles.name_of(value)
            if named is None and self.reference is not None and not self.in_message:
                return self.reference(PlaceholderMessage.of(_handles.Rising(value)))
            if named is None and not _loop.background().here():
                _handles.bring_up(value)
                named = _handles.name_of(value)
        except UsageError as error:
            raise _Unfit(str(error)) from None
        except NbAgentsError as error:
            raise _Unfit(f"is {value._name}, whose server cannot be brought up: {error}") from error
        if named is None:
            raise _Unfit(f"is {value._name}, whose server is not up yet: call it first")
        return {"__agent__": named}

    def _message(self, value: Msg, depth: int) -> dict[str, Any]:
        tree = value.to_dict()
        outside, self.in_message = self.in_message, True
        for key, part in tree.items():
            if not isinstance(part, str):
                if key in TEXTS:
                    _no_text(key, part)
                try:
                    tree[key] = self.walk(part, depth + 1)
                except _Unfit as unfit:
                    raise unfit.inside(f".{key}") from None
        self.in_message = outside
        return tree

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        items: list[Any] = []
        try:
            for item in value:
                items.append(self.walk(item, depth + 1))  # noqa: PERF401  # its length tells the place
        except _Unfit as unfit:
            raise unfit.inside(f"[{len(items)}]") from None
        return items

    def _dictionary(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise _Unfit(
                    f"has the key {str(key)[:40]!r}, a {type(key).__name__}; keys that travel are texts"
                )
            try:
                tree[key] = self.walk(item, depth + 1)
            except _Unfit as unfit:
                raise unfit.inside(f"[{key[:40]!r}]") from None
        return tree if MARKS.isdisjoint(tree) else {"__dict__": list(tree.items())}

    def _integer(self, value: int) -> dict[str, Any]:
        try:
            return {"__int__": str(value)}
        except ValueError as error:  # it has thousands of digits
            raise _Unfit(f"cannot be written as JSON: {error}") from None

    def _bytes(self, value: bytes) -> dict[str, Any]:
        if self.blobs is None:
            return {"__bytes__": base64.b64encode(value).decode()}
        self.blobs.append(value)
        return {"__blob__": len(self.blobs) - 1}


class _Decoder:
    def __init__(
        self, blobs: Any, promise: Callable[[dict[str, Any]], Any] | None, what: str = "the payload"
    ) -> None:
        self.blobs, self.promise, self.what = blobs, promise, what

    def walk(self, tree: Any, depth: int) -> Any:
        kind = type(tree)
        if not tree or (kind is not dict and kind is not list):
            return tree
        if depth > MAX_DEPTH + 4:  # arguments are two levels inside their payload
            raise ProtocolError(f"{self.what} is nested deeper than {MAX_DEPTH} levels")
        if kind is list:
            return [self.walk(item, depth + 1) for item in tree]
        if MARKS.isdisjoint(tree):
            return self._plain(tree, depth)
        return _text_message(tree) or self._marked(tree, depth)

    def _plain(self, tree: dict[str, Any], depth: int) -> dict[str, Any]:
        return {key: self.walk(item, depth + 1) for key, item in tree.items()}

    def _marked(self, tree: dict[str, Any], depth: int) -> Any:
        if "__module__" in tree:
            return self._message(tree, depth)
        if "__promise__" in tree:
            if self.promise is None:
                raise ProtocolError(f"a reference to a message cannot stand in {self.what}")
            return self.promise(tree)
        if "__blob__" in tree:
            return self._blob(tree["__blob__"])
        if "__bytes__" in tree:
            return self._bytes(tree["__bytes__"])
        if "__agent__" in tree:
            from . import _handles

            return _handles.agent_of(tree["__agent__"])
        if "__int__" in tree:
            return self._integer(tree["__int__"])
        pairs = tree["__dict__"]
        if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
            raise ProtocolError(f"a wrapped dictionary in {self.what} is not a list of pairs")
        return {str(key): self.walk(item, depth + 1) for key, item in pairs}

    def _message(self, tree: dict[str, Any], depth: int) -> Msg:
        parts: dict[str, Any] = {
            key: part if part is None or isinstance(part, str) else self.walk(part, depth + 1)
            for key, part in tree.items()
        }
        try:
            for key in TEXTS:
                if not isinstance(parts.get(key, ""), str):
                    raise TypeError(f"its {key} is no text")
            if parts.keys() != MESSAGE.keys() or any(parts[key] != MESSAGE[key] for key in HEAD):
                return Msg.from_dict(parts)  # another spelling, or none
            message = Msg.__new__(Msg)  # its constructor would name and date it anew
            message.role = parts["role"]
        except (ValueError, TypeError) as error:
            raise ProtocolError(f"a message in {self.what} is malformed: {str(error)[:200]}") from None
        message.__dict__.update({f"_{key}": parts[key] for key in FIELDS})
        return message

    def _blob(self, index: Any) -> bytes:
        if type(index) is not int or not 0 <= index < len(self.blobs):
            raise ProtocolError(f"{self.what} names a blob that it does not carry")
        return bytes(self.blobs[index])

    def _integer(self, text: Any) -> int:
        try:
            if type(text) is str:
                return int(text)
        except ValueError:
            pass
        raise ProtocolError(f"what stands for an integer in {self.what} is none")

    def _bytes(self, text: Any) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (ValueError, TypeError):
            raise ProtocolError(f"bytes in {self.what} are no base64") from None
