"""Values that pydantic describes: its own models, and dataclasses that hold others."""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, TypeVar

from ..exceptions import CantHandleException, UsageError
from ._serializer import JSON_DATA_CONTENT_TYPE, type_name_of

__all__ = ["NestedDataclassSerializer", "PydanticJsonMessageSerializer"]

T = TypeVar("T")


class _Described(Generic[T]):
    data_content_type = JSON_DATA_CONTENT_TYPE

    def __init__(self, cls: type[T]) -> None:
        import pydantic  # only where such values are sent

        self.cls = cls
        self.type_name = type_name_of(cls)
        try:
            self._adapter: Any = pydantic.TypeAdapter(cls)
        except (pydantic.errors.PydanticUserError, NameError) as error:
            raise UsageError(f"pydantic cannot describe {self.type_name}: {error}") from None

    def serialize(self, message: T) -> bytes:
        """Return it as JSON; raises `UsageError` if it holds what pydantic cannot write."""
        try:
            return bytes(self._adapter.dump_json(message, warnings="error"))
        except ValueError as error:  # pydantic's own are ValueErrors
            raise UsageError(f"a {self.type_name} cannot be sent as JSON: {error}") from None

    def deserialize(self, payload: bytes) -> T:
        """Return a new one, checked; raises `CantHandleException` if it does not fit."""
        try:
            value: T = self._adapter.validate_json(payload)
        except ValueError as error:
            raise CantHandleException(f"what came as a {self.type_name} does not fit it: {error}") from None
        return value


class PydanticJsonMessageSerializer(_Described[T]):
    """A pydantic model."""


class NestedDataclassSerializer(_Described[T]):
    """A dataclass whose fields may hold further dataclasses and models, however deep.

    They come back as what they were, by the annotations. Give it with ``@handles`` or
    ``runtime.add_message_serializer``, since by itself a dataclass gets the strict serializer.

    Raises:
        UsageError: it is no dataclass, or an annotation is nothing that can be written.
    """

    def __init__(self, cls: type[T]) -> None:
        if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
            raise UsageError(f"{cls!r} is no dataclass")
        super().__init__(cls)
