"""`said_by`: call the user's query function, of whichever form, and yield what it says."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from .._threads import on_thread
from ..exceptions import UsageError
from ..memory import arrived as _arrived
from ..message import Msg
from ._frameworks import converted

__all__ = ["call", "fitting", "said_by"]

_END = object()


async def said_by(
    function: Callable[..., Any], framework: str, *args: Any, **kwargs: Any
) -> AsyncGenerator[tuple[Msg, bool] | str, None]:
    """Yield each message as far as it has come, with whether it is whole; or pieces of plain text.

    What it yields may be messages of that ``framework``. The function may be an async generator, a coroutine,
    a generator or plain; the last two run on threads.

    Raises:
        UsageError: it yields something else.
    """
    async with aclosing(converted(framework, _values(function, args, kwargs))) as values:
        async for value in values:
            if isinstance(value, str):
                yield value
            elif isinstance(value, Msg):
                yield await _arrived(value), True
            elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Msg):
                yield await _arrived(value[0]), bool(value[1])
            elif value is not None:
                raise UsageError(
                    f"a query function yields messages, (message, whether it is whole) or texts, and not"
                    f" {type(value).__name__}",
                    hint="yield Msg('assistant', ...)",
                )


async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function, a blocking one on a thread, and return what it returns in the end."""
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    value = await on_thread(lambda: function(*args, **kwargs))
    return await value if inspect.isawaitable(value) and not isinstance(value, Msg) else value


def fitting(function: Callable[..., Any], offered: dict[str, Any]) -> dict[str, Any]:
    """Return those of the arguments that the function takes."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return offered
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in offered.items() if name in names}


async def _values(function: Callable[..., Any], args: Any, kwargs: Any) -> AsyncGenerator[Any, None]:
    if inspect.isasyncgenfunction(function):
        value: Any = function(*args, **kwargs)
    else:
        value = await call(function, *args, **kwargs)
    if hasattr(value, "__aiter__") and not isinstance(value, Msg):
        async with aclosing(value) as values:
            async for item in values:
                yield item
    elif inspect.isgenerator(value):
        while (item := await on_thread(next, value, _END)) is not _END:
            yield item
    else:
        yield value
