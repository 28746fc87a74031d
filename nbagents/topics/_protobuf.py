"""Protobuf messages. Imports nothing of protobuf: whoever has such a message has loaded it."""

from __future__ import annotations

from typing import Any

from ..exceptions import CantHandleException, UsageError
from ._serializer import PROTOBUF_DATA_CONTENT_TYPE, type_name_of

__all__ = ["ProtobufMessageSerializer", "is_protobuf"]


def is_protobuf(cls: type[Any]) -> bool:
    """Is it the class of a protobuf message?"""
    return hasattr(cls, "SerializeToString") and hasattr(getattr(cls, "DESCRIPTOR", None), "full_name")


class ProtobufMessageSerializer:
    """A protobuf message, as its own bytes, under its full name.

    Raises:
        UsageError: the class is no protobuf message.
    """

    data_content_type = PROTOBUF_DATA_CONTENT_TYPE

    def __init__(self, cls: type[Any]) -> None:
        if not is_protobuf(cls):
            raise UsageError(f"{cls!r} is no protobuf message")
        self.cls = cls
        self.type_name = type_name_of(cls)

    def serialize(self, message: Any) -> bytes:
        """Return its bytes; raises `UsageError` if a required field is not set."""
        try:
            return bytes(message.SerializeToString())
        except Exception as error:  # noqa: BLE001  # protobuf's own error, which this module does not import
            raise UsageError(f"a {self.type_name} cannot be sent: {error}") from None

    def deserialize(self, payload: bytes) -> Any:
        """Return a new message; raises `CantHandleException` if the bytes are none."""
        try:
            return self.cls.FromString(payload)
        except Exception as error:  # noqa: BLE001  # the same
            raise CantHandleException(f"what came as a {self.type_name} is none: {error}") from None
