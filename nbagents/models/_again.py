"""`Reading`: what is made of an answer, and asking again where nothing can be made of it.

The one place that repeats a request for what its answer says; what fails on the way there and back is
repeated below, by the client. Knows nothing of endpoints.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import budget, context, events, recording
from .._threads import on_thread
from ..exceptions import ModelResponseError, ResponseParsingError, SchemaMismatchError, UsageError
from ._invocations import invocations
from ._response import ModelResponse
from ._taped import taped

if TYPE_CHECKING:
    from ._answer import Answer
    from ._request import Request

__all__ = ["TRIES", "Reading", "in_a_thread", "reads", "records", "tapes"]

log = logging.getLogger(__name__)
TRIES = 3
"""How often a model is asked before its answers are given up as unreadable."""
_SHOWN = 200  # characters of an answer that are quoted


@dataclass(frozen=True, slots=True)
class Reading:
    """What a caller makes of an answer.

    ``parse_func`` takes the `ModelResponse`, and returns one, or any value, which is then its ``parsed``.
    If it raises `ResponseParsingError`, a ValueError or a LookupError, the model is asked again, ``tries``
    times in all. Then ``fault_handler`` takes the last response and returns what is used in its place;
    without one the error is raised.
    """

    parse_func: Callable[[Any], Any] | None = None
    fault_handler: Callable[[Any], Any] | None = None
    tries: int = TRIES

    @classmethod
    def of(cls, parse_func: Any = None, fault_handler: Any = None, max_retries: int | None = None) -> Reading:
        """Check what came as keywords of a call.

        Raises:
            UsageError: one of them is not what it should be.
        """
        for name, given in (("parse_func", parse_func), ("fault_handler", fault_handler)):
            if given is not None and not callable(given):
                raise UsageError(f"{name} is a function of the response, not {type(given).__name__}")
        tries = TRIES if max_retries is None else max_retries
        if not isinstance(tries, int) or isinstance(tries, bool) or tries < 1:
            raise UsageError(
                f"max_retries of a call is how often the model is asked, at least 1, not {tries!r}"
            )
        return cls(parse_func, fault_handler, tries)

    async def ask(
        self,
        request: Request,
        once: Callable[[str], Awaitable[Answer]],
        check: Callable[[Answer], Awaitable[Answer]] | None = None,
        *,
        price: budget.Price | None = None,
        counts: bool = True,
    ) -> None:
        """Ask until an answer can be read, and finish the request with it. On the background loop.

        ``once`` asks once; it is told what was wrong with the answer before, "" the first time. ``check``
        reads what every caller wants read, and raises as ``parse_func`` may. Each time counts for the limits
        of the run, unless ``once`` sees to that itself.
        """
        complaint = ""
        failure: ModelResponseError = ResponseParsingError()
        for turn in range(self.tries):
            if turn:
                log.info("%s is asked again: %s", request.label, complaint)
                request.begin_anew()
                if counts:
                    await budget.before_call(request.label, price)
            response = ModelResponse.of(await _over(request, invocations.told(request, once(complaint))))
            try:
                if check is not None:
                    response = ModelResponse.of(await check(response._value))
                request.finish(await self._read(response))
                return
            except (ResponseParsingError, SchemaMismatchError) as error:
                complaint = str(error)
                failure = type(error)(self._after_tries(complaint), hint=error.hint)
            except UsageError:
                raise
            except (ValueError, LookupError) as error:
                complaint = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
                failure = ResponseParsingError(self._after_tries(complaint))
            if isinstance(failure, ResponseParsingError):
                failure.raw_response = response._value.text
        if self.fault_handler is not None:
            request.finish(_merged(await in_a_thread(self.fault_handler, response), response._value))
            return
        raise _named(failure, request.label)

    def begin(
        self, label: str, once: Callable[[Request], Awaitable[Answer]], *, price: budget.Price | None = None
    ) -> ModelResponse:
        """Begin a request that asks by ``once`` until the answer can be read; return its response at once."""

        async def work(request: Request) -> None:
            await self.ask(request, lambda _: once(request), price=price)

        return ModelResponse.begin(label, work, price=price)

    async def _read(self, response: ModelResponse) -> Answer:
        if self.parse_func is None:
            return response._value
        # AgentScope's first version has json.loads itself here; all others take the response
        given = response._value.text if self.parse_func is json.loads else response
        return _merged(await in_a_thread(self.parse_func, given), response._value)

    def _after_tries(self, problem: str) -> str:
        return problem if self.tries == 1 else f"{problem} (asked {self.tries} times)"


def reads(call: Callable[..., ModelResponse]) -> Callable[..., ModelResponse]:
    """Return a model's ``__call__`` that knows ``parse_func``, ``fault_handler`` and ``max_retries`` too."""

    @functools.wraps(call)
    def reading_call(
        self: Any,
        *args: Any,
        parse_func: Any = None,
        fault_handler: Any = None,
        max_retries: int | None = None,
        **kwargs: Any,
    ) -> ModelResponse:
        reading = Reading.of(parse_func, fault_handler, max_retries)
        if parse_func is None and fault_handler is None and recording.here() is None:
            response: ModelResponse = _checked(self.label, call(self, *args, **kwargs))
            return response

        async def work(request: Request) -> None:
            await reading.ask(request, lambda _: _recorded(request, self, call, args, kwargs), counts=False)

        return ModelResponse.begin(self.label, work, counts=False)

    return reading_call


def records(call: Callable[..., ModelResponse]) -> Callable[..., ModelResponse]:
    """Return a model's ``__call__``, which reads by itself, so that it is recorded and replayed whole."""

    @functools.wraps(call)
    def recorded_call(self: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        if recording.here() is None:
            return call(self, *args, **kwargs)

        async def work(request: Request) -> None:
            request.finish(await _over(request, _recorded(request, self, call, args, kwargs)))

        return ModelResponse.begin(self.label, work, counts=False)

    return recorded_call


def tapes(call: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a model's ``__call__`` as one that records each of its requests by itself."""
    call.tapes = True  # type: ignore[attr-defined]
    return call


_READS = ("parse_func", "fault_handler", "max_retries")


async def _recorded(
    request: Request, model: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Answer:
    """Ask a model of somebody's own once, and record what comes; in a replay return what came then."""

    async def once() -> Answer:
        asked = await in_a_thread(lambda _: _checked(model.label, call(model, *args, **kwargs)), None)
        return await _value(asked)

    asked = {key: value for key, value in kwargs.items() if key not in _READS}
    return await taped(request, "chat", args[0] if args else kwargs.get("messages", asked), once)


def _checked(label: str, response: Any) -> Any:
    if inspect.iscoroutine(response):
        return _awaited(label, response)
    if isinstance(response, (str, bytes, dict, list)) or response is None:
        raise UsageError(
            f"the model {label} returned a {type(response).__name__} itself, not a response",
            hint="return ModelResponse(text=...)",
        )
    return response


async def _value(response: Any) -> Answer:
    """Return what a response holds in the end; a class of the user's own has ``content`` or ``text``."""
    if isinstance(response, ModelResponse):
        whole = await response.whole()
        return whole._value if whole._request is None else whole._request.answer
    response = await response if inspect.isawaitable(response) else response
    given = ModelResponse(getattr(response, "text", None), content=getattr(response, "content", None))
    return given._value


async def _awaited(label: str, call: Awaitable[Any]) -> Any:
    """Await a model with an ``async def __call__``; what it has from another one that streams is whole."""
    response = _checked(label, await call)
    return await response.whole() if isinstance(response, ModelResponse) else response


async def _over(request: Request, answer: Awaitable[Answer]) -> Answer:
    """Wait for an answer, and tell that there is one, or none."""
    error: BaseException | None = None
    said = ""
    try:
        came = await answer
        said = came.text or ""
        return came
    except BaseException as raised:
        error = raised
        raise
    finally:
        asked = (request.asked or {}).get("messages")
        events.emit_near("model_over", error=error, asked=asked, said=said)


def _named(failure: Any, label: str) -> Any:
    call = context.frame.get()
    whose = f"{call.agent_name}: " if call is not None else ""
    failure.args = (f"{whose}{label} gave no answer that can be read: {failure}",)
    failure.hint = failure.hint or "say in the prompt what is wanted, or take another model"
    return failure


def _merged(made: Any, answer: Answer) -> Answer:
    """Return the answer with what was made of it: a response in its place, else ``parsed``."""
    if not isinstance(made, ModelResponse):
        return replace(answer, parsed=made)
    fresh = made.result()._value if made._request is None else made._request.answer
    return fresh if fresh.usage is not None else replace(fresh, usage=answer.usage)


async def in_a_thread(function: Callable[[Any], Any], given: Any) -> Any:
    """Call somebody's function where it may take its time, and ask other models meanwhile."""
    made = await on_thread(function, given)
    return await made if inspect.isawaitable(made) and not isinstance(made, ModelResponse) else made
