"""`Values`: the typed messages of one worker as they travel."""

from __future__ import annotations

import threading
from typing import Any

from ...exceptions import MessageTooLargeError
from ...message import Msg
from ...topics import SerializationRegistry, UnknownPayload
from .._limits import MAX_MESSAGE, MAX_PAYLOAD
from .._proto import agent_pb2 as pb

__all__ = ["Values"]


class Values:
    """Turns messages into values and back, on any thread; of several forms ``preferred`` is taken."""

    def __init__(self, registry: SerializationRegistry, lock: threading.Lock, preferred: str) -> None:
        self._registry, self._lock, self._preferred = registry, lock, preferred

    def encode(self, message: Any, into: pb.Value) -> None:
        """Write a message as it travels. A type that has a serializer by itself need not be registered.

        Raises:
            UsageError: it cannot be written, or another class of its name is registered.
            MessageTooLargeError: it exceeds the wire's limit.
        """
        if message is None:
            into.SetInParent()
            return
        serializer = self._registry.known_writer(type(message), self._preferred)
        if serializer is None and isinstance(message, UnknownPayload):
            name, kind, data = message.type_name, message.data_content_type, message.payload
        else:
            if serializer is None:
                with self._lock:
                    serializer = self._registry.writer(type(message), self._preferred)
            name, kind = serializer.type_name, serializer.data_content_type
            data = serializer.serialize(message)
        if len(data) > MAX_PAYLOAD:
            raise MessageTooLargeError(
                f"a {name} of {len(data) / 2**20:.0f} MiB cannot travel; the limit is {MAX_MESSAGE >> 20} MiB"
            )
        into.type, into.content_type, into.data = name, kind, data

    def decode(self, value: pb.Value) -> Any:
        """Return what came; an `UnknownPayload` if nobody here knows its type.

        Raises:
            CantHandleException: it is no value of its type.
        """
        if not value.type:
            return None
        registry, name, kind = self._registry, value.type, value.content_type
        if name in _PLAIN and not registry.is_registered(name, kind):
            with self._lock:
                registry.learn(_PLAIN[name])
        return registry.deserialize(value.data, type_name=name, data_content_type=kind)


_PLAIN: dict[str, type[Any]] = {kind.__name__: kind for kind in (Msg, str, int, float, bool, list, dict)}
"""The types that everybody knows."""
