"""How the values of one type become bytes, and which serializer a type has by itself."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

from ..message import Msg

__all__ = ["JSON_DATA_CONTENT_TYPE", "PROTOBUF_DATA_CONTENT_TYPE", "MessageSerializer", "type_name_of"]

JSON_DATA_CONTENT_TYPE = "application/json"
PROTOBUF_DATA_CONTENT_TYPE = "application/x-protobuf"

T = TypeVar("T")


@runtime_checkable
class MessageSerializer(Protocol[T]):
    """Turns values of one type into bytes and back."""

    @property
    def data_content_type(self) -> str:
        """What the bytes are: "application/json" or "application/x-protobuf"."""
        ...

    @property
    def type_name(self) -> str:
        """The name of the type on the wire."""
        ...

    def serialize(self, message: T) -> bytes:
        """Return the value as bytes.

        Raises:
            UsageError: it holds something that these bytes cannot say.
        """
        ...

    def deserialize(self, payload: bytes) -> T:
        """Return the value that these bytes say.

        Raises:
            CantHandleException: they say no value of this type.
        """
        ...


def type_name_of(kind: type[Any]) -> str:
    """Return the name of a type on the wire: a protobuf message's full name, else the name of its class.

    >>> type_name_of(int)
    'int'
    """
    if kind is type(None):
        return "null"
    if issubclass(kind, Msg):  # one that has not arrived is a message too
        return "Msg"
    descriptor: Any = getattr(kind, "DESCRIPTOR", None)
    if hasattr(kind, "SerializeToString") and hasattr(descriptor, "full_name"):
        return str(descriptor.full_name)
    return kind.__name__
