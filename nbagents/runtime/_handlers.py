"""`message_handler`, `event` and `rpc`: which method of an agent takes which message, by its annotations."""

from __future__ import annotations

import functools
import inspect
import logging
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Any

from ..exceptions import CantHandleException, UsageError
from ..topics import MessageContext

__all__ = ["AnyType", "Handler", "annotated_types", "event", "handler_of", "message_handler", "rpc"]

log = logging.getLogger(__name__)

Router = Callable[[Any, MessageContext], bool]
_STREAMS = (AsyncGenerator, AsyncIterator, AsyncIterable)


class AnyType:
    """Stands for ``Any`` among the types of a handler: it takes, or returns, whatever there is."""


class Handler:
    """What a decorated method is known by; the method carries it as attributes too."""

    __slots__ = ("call", "func", "produces", "router", "routes", "streams", "strict", "targets", "title")

    def __init__(
        self,
        func: Callable[..., Any],
        targets: tuple[type[Any], ...],
        produces: tuple[type[Any], ...],
        match: Router | None,
        wants_rpc: bool | None,
        strict: bool,
    ) -> None:
        self.title = getattr(func, "__qualname__", repr(func))
        self.func, self.targets, self.produces, self.strict = func, targets, produces, strict
        self.streams = inspect.isasyncgenfunction(func)
        self.routes = match is not None or wants_rpc is not None
        """Must the router be asked at all?"""

        def router(message: Any, ctx: MessageContext) -> bool:
            return (wants_rpc is None or ctx.is_rpc is wants_rpc) and (match is None or match(message, ctx))

        self.router: Router = router
        self.call = self._stream(func) if self.streams else self._reply(func)

    def _reply(self, func: Callable[..., Any]) -> Callable[..., Any]:
        async def call(agent: Any, message: Any, ctx: MessageContext) -> Any:
            if type(message) not in self.targets:
                self._check_taken(message)
            reply = await func(agent, message, ctx)
            if type(reply) not in self.produces:
                self.check_produced(reply)
            return reply

        return call

    def _stream(self, func: Callable[..., Any]) -> Callable[..., Any]:
        async def call(agent: Any, message: Any, ctx: MessageContext) -> AsyncGenerator[Any, None]:
            if type(message) not in self.targets:
                self._check_taken(message)
            chunks = func(agent, message, ctx)
            try:
                async for chunk in chunks:
                    if type(chunk) not in self.produces:
                        self.check_produced(chunk)
                    yield chunk
            finally:
                await chunks.aclose()

        return call

    def _check_taken(self, message: Any) -> None:
        if AnyType not in self.targets:
            what = f"{self.title} takes {_named(self.targets)}, not {type(message).__name__}"
            if self.strict:
                raise CantHandleException(what)
            log.warning("%s", what)

    def check_produced(self, reply: Any) -> None:
        """Raise UsageError if it is no reply that was announced; only log that unless it is strict."""
        if AnyType not in self.produces and not isinstance(reply, self.produces):
            what = f"{self.title} is to return {_named(self.produces)}, and returned {type(reply).__name__}"
            if self.strict:
                raise UsageError(what)
            log.warning("%s", what)


def handler_of(method: Any) -> Handler | None:
    """Return what a method of a class is known by, or None if it is no handler."""
    found = getattr(method, "_handler", None)
    return found if isinstance(found, Handler) else None


def message_handler(
    func: Any = None, *, strict: bool = True, match: Callable[[Any, MessageContext], bool] | None = None
) -> Any:
    """Let a method handle messages of the type that its parameter ``message`` is annotated with.

    It is ``async def name(self, message: Kind, ctx: MessageContext) -> Reply``, ``Kind`` may be a union; or
    it is an async generator, which streams. The type must be the very class of the message. Of several
    methods for one type, the first by name whose ``match`` is true handles it.

    Args:
        func: the method, where the decorator has no arguments.
        strict: a reply of another type than annotated is an error; else it is logged.
        match: says of a message and its context whether this method takes it.

    Raises:
        UsageError: it is no such method.
    """
    return _decorator("message_handler", func, strict, match, None)


def event(
    func: Any = None, *, strict: bool = True, match: Callable[[Any, MessageContext], bool] | None = None
) -> Any:
    """Let a method handle published messages only; it returns nothing. See `message_handler`."""
    return _decorator("event", func, strict, match, False)


def rpc(
    func: Any = None, *, strict: bool = True, match: Callable[[Any, MessageContext], bool] | None = None
) -> Any:
    """Let a method handle direct messages only, whose sender waits for a reply. See `message_handler`."""
    return _decorator("rpc", func, strict, match, True)


def _decorator(kind: str, func: Any, strict: bool, match: Router | None, wants_rpc: bool | None) -> Any:
    if func is not None and not callable(func):
        raise UsageError(f"@{kind} decorates a method, not {func!r:.60}")

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        targets, produces = _annotated(kind, func)
        if wants_rpc is False and produces != (type(None),):
            raise UsageError(
                f"@{kind}: {func.__qualname__} handles events, and nobody gets a reply: annotate -> None"
            )
        handler = Handler(func, targets, produces, match, wants_rpc, strict)
        method = functools.wraps(func)(handler.call)
        vars(method).update(
            _handler=handler,
            target_types=list(targets),
            produces_types=list(produces),
            is_message_handler=True,
            router=handler.router,
        )
        return method

    return decorate if func is None else decorate(func)


def _annotated(kind: str, func: Callable[..., Any]) -> tuple[tuple[type[Any], ...], tuple[type[Any], ...]]:
    """Return the types that a method takes and returns."""
    name = getattr(func, "__qualname__", repr(func))
    form = "async def name(self, message: Kind, ctx: MessageContext) -> Reply"
    if not (inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func)):
        raise UsageError(f"@{kind}: {name} must be async: {form}")
    parameters = list(inspect.signature(func).parameters)
    if len(parameters) != 3 or parameters[1] != "message":
        raise UsageError(f"@{kind}: {name} must take `message` and `ctx`: {form}")
    try:
        hints = typing.get_type_hints(func)
    except NameError as error:
        raise UsageError(
            f"@{kind}: an annotation of {name} cannot be found: {error}; define the type in the module "
            "or the cell, before the class"
        ) from None
    for part in ("message", "return"):
        if part not in hints:
            raise UsageError(f"@{kind}: {name} must annotate its {part}: {form}")
    returned = hints["return"]
    if inspect.isasyncgenfunction(func):
        if typing.get_origin(returned) not in _STREAMS:
            raise UsageError(
                f"@{kind}: {name} yields, so it returns an AsyncIterator: -> AsyncIterator[Chunk]"
            )
        returned = typing.get_args(returned)[0]
    return _types(kind, name, hints["message"]), _types(kind, name, returned)


def annotated_types(kind: str, func: Callable[..., Any]) -> tuple[type[Any], ...]:
    """Return the types that a function takes as its second argument.

    Raises:
        UsageError: it has no such argument, or the argument no annotation that can be found.
    """
    name = getattr(func, "__qualname__", repr(func))
    parameters = list(inspect.signature(func).parameters)
    try:
        hints = typing.get_type_hints(func)
    except NameError as error:
        raise UsageError(f"{kind}: an annotation of {name} cannot be found: {error}") from None
    if len(parameters) != 3 or parameters[1] not in hints:
        form = "async def name(agent: ClosureContext, message: Kind, ctx: MessageContext) -> Reply"
        raise UsageError(f"{kind}: {name} must take three arguments, and annotate the message: {form}")
    return _types(kind, name, hints[parameters[1]])


def _types(kind: str, name: str, hint: Any) -> tuple[type[Any], ...]:
    if hint is Any:
        return (AnyType,)
    if hint is None:
        return (type(None),)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(each for part in typing.get_args(hint) for each in _types(kind, name, part))
    origin = typing.get_origin(hint)
    if isinstance(origin, type):  # list[str] is a list
        return (origin,)
    if not isinstance(hint, type):
        raise UsageError(f"@{kind}: {name} is annotated with {hint!r}, which is no type of message")
    return (hint,)


def _named(kinds: tuple[type[Any], ...]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
