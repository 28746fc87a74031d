"""`Endpoint`: a function of the user's, served at a path of its own."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .._threads import on_thread
from ..message import Msg
from ._failure import Refusal, error_of, failure_of
from ._handler import call
from ._openapi import About
from ._stream import encode, sse, well_formed

__all__ = ["Endpoint"]

_END = object()
PLAIN = (bool, float, int, str)


class Endpoint:
    """Calls the function with what a request brings, and sends what it returns as JSON, or as events."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._parameters = inspect.signature(function).parameters
        try:
            self._types = get_type_hints(function)
        except (NameError, TypeError):  # a type that only its author can resolve
            self._types = {}

    @property
    def openapi(self) -> About:
        """What the function says of itself: its parameters, what it returns, its docstring's first line."""
        fields: dict[str, tuple[Any, bool]] = {}
        body, more = None, False
        for name, parameter in self._parameters.items():
            kind = self._types.get(name)
            if name == "request" and (kind is None or kind is Request):
                continue
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                body = kind if len(self._parameters) == 1 else None
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                more = True
            else:
                fields[name] = kind, parameter.default is parameter.empty
        said = inspect.getdoc(self.function) or ""
        returned = self._types.get("return")
        plainly = isinstance(returned, type) and (issubclass(returned, BaseModel) or returned in PLAIN)
        answer = returned if plainly and not self._streams else None
        summary = said.partition("\n")[0] or getattr(self.function, "__name__", "")
        return About(summary, body=body, answer=answer, streams=True, fields=fields, more=more)

    async def respond(self, request: Request) -> Response:
        """Answer a request."""
        arguments = await self.arguments(request)
        value = await call(self.function, **arguments) if not self._streams else self.function(**arguments)
        if isinstance(value, Response):
            return value
        if hasattr(value, "__anext__") or inspect.isgenerator(value):
            return sse(_told(value))
        return JSONResponse(plain(value))

    @property
    def _streams(self) -> bool:
        return inspect.isasyncgenfunction(self.function) or inspect.isgeneratorfunction(self.function)

    async def arguments(self, request: Request) -> dict[str, Any]:
        """Return what the function is called with.

        Raises:
            Refusal: something is missing, or does not fit.
        """
        from ._doors import json_of

        body = await json_of(request) if request.method in ("POST", "PUT", "PATCH") else {}
        given = {**request.query_params, **body}
        arguments: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            kind = self._types.get(name)
            if name == "request" and (kind is None or kind is Request):
                arguments[name] = request
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                arguments[name] = _fitted(kind, given.get(name, given), name)
            elif parameter.kind is parameter.VAR_KEYWORD:
                arguments |= {key: value for key, value in given.items() if key not in arguments}
            elif name in given:
                arguments[name] = given[name] if kind is None else _fitted(kind, given[name], name)
            elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
                raise Refusal(422, "invalid_request", f"{name}: missing")
        return arguments


def _fitted(kind: Any, value: Any, name: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join([name, *map(str, first["loc"])])
        raise Refusal(422, "invalid_request", f"{where}: {first['msg']}"[:300]) from None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Msg):
        value = value.to_dict()
    return well_formed(to_jsonable_python(value, serialize_unknown=True, inf_nan_mode="null"))


async def _told(values: Any) -> AsyncGenerator[bytes, None]:
    try:
        if hasattr(values, "__anext__"):
            async with aclosing(values):
                async for value in values:
                    yield encode(plain(value))
        else:
            while (value := await on_thread(next, values, _END)) is not _END:
                yield encode(plain(value))
    except Exception as error:  # noqa: BLE001  # the user's own code; the client is told
        code, message = failure_of(error)
        yield encode(
            {"error": error_of(code, message, secrets.token_hex(8)), "error_type": type(error).__name__}
        )
