"""Values as JSON: plain ones, dataclasses of plain ones, and messages of agents."""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ..exceptions import CantHandleException, UsageError
from ..message import Msg
from ._serializer import JSON_DATA_CONTENT_TYPE, type_name_of

__all__ = ["PLAIN", "DataclassJsonMessageSerializer", "MsgSerializer", "PlainSerializer"]

PLAIN: tuple[type[Any], ...] = (type(None), bool, int, float, str, list, dict)
"""The types that JSON has itself."""

T = TypeVar("T")


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder()
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
# Made once: `encode` makes one for each value.
_make = json.encoder.c_make_encoder  # type: ignore[attr-defined]
_write: Callable[[Any, int], Iterable[str]] = (
    _make(None, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    if _make is not None
    else lambda tree, _: [_encoder.encode(tree)]
)


def _dump(value: Any, name: str) -> bytes:
    try:
        return "".join(_write(value, 0)).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # the encoder tells what is wrong, also of what holds itself
    try:
        return _encoder.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"a {name} cannot be sent as JSON: {error}",
            hint="send plain values, or give a serializer of your own",
        ) from None


def _load(payload: bytes, name: str) -> Any:
    try:
        text = payload.decode()
        try:
            value, end = _scan(text, 0)  # what `decode` does, without looking for white space first
            if end == len(text):
                return value
        except StopIteration:
            pass
        return _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise CantHandleException(f"what came as a {name} is no JSON: {error}") from None


class PlainSerializer(Generic[T]):
    """A type that JSON has itself: None, bool, int, float, str, list, dict.

    >>> PlainSerializer(str).serialize("hello")
    b'"hello"'
    """

    data_content_type = JSON_DATA_CONTENT_TYPE

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.type_name = type_name_of(cls)

    def serialize(self, message: T) -> bytes:
        """Return it as JSON; raises `UsageError` if it holds something else."""
        return _dump(message, self.type_name)

    def deserialize(self, payload: bytes) -> T:
        """Return the value; raises `CantHandleException` if it is of another type."""
        value: Any = _load(payload, self.type_name)
        if self.cls is float and type(value) is int:
            value = float(value)
        if type(value) is not self.cls:
            raise CantHandleException(f"what came as a {self.type_name} is a {type_name_of(type(value))}")
        return value


class MsgSerializer:
    """The messages of AgentScope's agents, `Msg`."""

    data_content_type = JSON_DATA_CONTENT_TYPE
    type_name = "Msg"
    cls = Msg

    def serialize(self, message: Msg) -> bytes:
        """Return it as JSON. One that has not arrived is not waited for: await it first."""
        return _dump(message.to_dict(), self.type_name)

    def deserialize(self, payload: bytes) -> Msg:
        """Return the message; raises `CantHandleException` if it is none."""
        try:
            return Msg.from_dict(_load(payload, self.type_name))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise CantHandleException(f"what came as a Msg is none: {error}") from None


class DataclassJsonMessageSerializer(Generic[T]):
    """A dataclass whose fields are plain values, lists and dicts of them.

    Fields that may be one of several plain types, also None, are fine.

    Raises:
        UsageError: a field holds another dataclass or a pydantic model, which would come out as a dict.
    """

    data_content_type = JSON_DATA_CONTENT_TYPE

    def __init__(self, cls: type[T]) -> None:
        if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
            raise UsageError(f"{cls!r} is no dataclass")
        self.cls = cls
        self.type_name = type_name_of(cls)
        self._fields = tuple(field.name for field in dataclasses.fields(cls) if field.init)
        for name, inner in _nested(cls):
            raise UsageError(
                f"the field {name} of {cls.__name__} holds a {inner.__name__}, which this serializer would "
                "turn into a dict; take a pydantic model, or a serializer for what is nested",
                hint=f"@handles({cls.__name__}, NestedDataclassSerializer({cls.__name__}))",
            )

    def serialize(self, message: T) -> bytes:
        """Return it as JSON; raises `UsageError` if a field holds something else."""
        return _dump({name: getattr(message, name) for name in self._fields}, self.type_name)

    def deserialize(self, payload: bytes) -> T:
        """Return a new one; raises `CantHandleException` if the fields are others."""
        fields = _load(payload, self.type_name)
        try:
            return self.cls(**fields)
        except (TypeError, ValueError) as error:
            raise CantHandleException(f"what came as a {self.type_name} does not fit it: {error}") from None


def _nested(cls: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """Find fields that hold, anywhere, what JSON would take apart."""
    try:
        hints = typing.get_type_hints(cls)
    except NameError as error:
        raise UsageError(
            f"a type in {cls.__name__} cannot be found: {error}; define it where the class is defined, "
            "in the module or in the cell"
        ) from None
    for field in dataclasses.fields(cls):
        for inner in _parts(hints.get(field.name, Any)):
            if isinstance(inner, type) and (dataclasses.is_dataclass(inner) or _is_model(inner)):
                yield field.name, inner


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    if isinstance(hint, (types.GenericAlias, types.UnionType)) or typing.get_origin(hint) is not None:
        for argument in typing.get_args(hint):
            yield from _parts(argument)


def _is_model(cls: type[Any]) -> bool:
    pydantic = sys.modules.get("pydantic")  # a model exists only where pydantic has been loaded
    return pydantic is not None and issubclass(cls, pydantic.BaseModel)
