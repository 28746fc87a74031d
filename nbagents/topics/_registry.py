"""`SerializationRegistry`: the types that one runtime can send, by their names on the wire."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from ..exceptions import UsageError
from ..message import Msg
from ._json import PLAIN, DataclassJsonMessageSerializer, MsgSerializer, PlainSerializer
from ._modelled import PydanticJsonMessageSerializer
from ._protobuf import ProtobufMessageSerializer, is_protobuf
from ._serializer import MessageSerializer, type_name_of

__all__ = ["SerializationRegistry", "UnknownPayload", "try_get_known_serializers_for_type"]


@dataclasses.dataclass(frozen=True, slots=True)
class UnknownPayload:
    """A message of a type that the receiver does not know: what came, untouched."""

    type_name: str
    """The name of its type on the wire."""
    data_content_type: str
    """What the bytes are."""
    payload: bytes
    """The bytes themselves."""


def try_get_known_serializers_for_type(cls: type[Any]) -> list[MessageSerializer[Any]]:
    """Return the serializers that a type has by itself; none if it is of no kind that is known.

    Known are pydantic models, dataclasses, protobuf messages, `Msg`, and what JSON has itself.

    >>> [each.type_name for each in try_get_known_serializers_for_type(str)]
    ['str']

    Raises:
        UsageError: it is a dataclass that holds others.
    """
    if cls in PLAIN:
        return [PlainSerializer(cls)]
    if issubclass(cls, Msg):
        return [MsgSerializer()]
    if is_protobuf(cls):
        return [ProtobufMessageSerializer(cls)]
    pydantic = sys.modules.get("pydantic")  # a model exists only where pydantic has been loaded
    if pydantic is not None and issubclass(cls, pydantic.BaseModel):
        return [PydanticJsonMessageSerializer(cls)]
    if dataclasses.is_dataclass(cls):
        return [DataclassJsonMessageSerializer(cls)]
    return []


class SerializationRegistry:
    """Serializers by type name and content type. Not safe from several threads at once.

    >>> registry = SerializationRegistry()
    >>> registry.deserialize(b"{}", type_name="Order", data_content_type="application/json")
    UnknownPayload(type_name='Order', data_content_type='application/json', payload=b'{}')
    """

    def __init__(self) -> None:
        self._serializers: dict[tuple[str, str], MessageSerializer[Any]] = {}
        self._writers: dict[tuple[type[Any], str], MessageSerializer[Any]] = {}  # found before

    def add_serializer(self, serializer: MessageSerializer[Any] | Sequence[MessageSerializer[Any]]) -> None:
        """Take serializers. One for a class that was defined anew, in the same place, replaces the old.

        Raises:
            UsageError: another class of that name is there; on the wire nobody could tell them apart.
        """
        for each in serializer if isinstance(serializer, Sequence) else [serializer]:
            key = (each.type_name, each.data_content_type)
            known = self._serializers.get(key)
            if known is each:
                continue
            new, old = getattr(each, "cls", None), getattr(known, "cls", None)
            if old is not None and new is not None and old is not new and _place(old) != _place(new):
                raise UsageError(
                    f"two message types are named {each.type_name}: {_place(old)} and {_place(new)}; "
                    "rename one, since only the name travels"
                )
            self._serializers[key] = each
            self._writers.clear()

    def learn(self, cls: type[Any]) -> bool:
        """Take the serializers that a type has by itself, where it has none yet; return whether it has any.

        Raises:
            UsageError: another class of that name is there, or it is a dataclass that holds others.
        """
        mine = [each for each in self._serializers.values() if getattr(each, "cls", None) is cls]
        if mine:
            return True
        known = try_get_known_serializers_for_type(cls)
        self.add_serializer(known)
        return bool(known)

    def content_type_of(self, type_name: str) -> str | None:
        """Return what the bytes of this type are, as the first of its serializers writes them."""
        return next((kind for name, kind in self._serializers if name == type_name), None)

    def is_registered(self, type_name: str, data_content_type: str) -> bool:
        """Can it read and write this type in these bytes?"""
        return (type_name, data_content_type) in self._serializers

    def known_writer(self, cls: type[Any], preferred: str) -> MessageSerializer[Any] | None:
        """Return what `writer` has found for this class before, if anything. On any thread."""
        return self._writers.get((cls, preferred))

    def writer(self, cls: type[Any], preferred: str) -> MessageSerializer[Any]:
        """Return what writes values of a class, in the preferred form if it has several.

        A class that has serializers by itself need not be registered: it is from here on.

        Raises:
            UsageError: nothing writes it, or another class of its name is registered.
        """
        found = self._writers.get((cls, preferred))
        if found is not None:
            return found
        name, kind = type_name_of(cls), preferred
        found = self._serializers.get((name, kind))
        if found is None or getattr(found, "cls", cls) is not cls:
            self.learn(cls)
            if not self.is_registered(name, kind):
                kind = self.content_type_of(name) or kind
            found = self._known(name, kind)
        self._writers[cls, preferred] = found
        return found

    def type_name(self, message: Any) -> str:
        """Return the name of a value's type on the wire; of what was not read, the one with which it came."""
        return message.type_name if isinstance(message, UnknownPayload) else type_name_of(type(message))

    def serialize(self, message: Any, *, type_name: str, data_content_type: str) -> bytes:
        """Return a value as bytes.

        Raises:
            UsageError: there is no serializer for it, or it holds something that cannot be written.
        """
        return self._known(type_name, data_content_type).serialize(message)

    def deserialize(self, payload: bytes, *, type_name: str, data_content_type: str) -> Any:
        """Return the value that these bytes say, or an `UnknownPayload` if nobody here knows the type.

        Raises:
            CantHandleException: they say no value of this type.
        """
        serializer = self._serializers.get((type_name, data_content_type))
        if serializer is None:
            return UnknownPayload(type_name, data_content_type, payload)
        return serializer.deserialize(payload)

    def _known(self, type_name: str, data_content_type: str) -> MessageSerializer[Any]:
        serializer = self._serializers.get((type_name, data_content_type))
        if serializer is None:
            raise UsageError(
                f"Unknown type {type_name} with content type {data_content_type}",
                hint=f"runtime.add_message_serializer(try_get_known_serializers_for_type({type_name}))",
            )
        return serializer


def _place(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
