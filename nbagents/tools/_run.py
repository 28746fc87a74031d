"""Call a tool as a model asked, and turn whatever comes of it into answers that the model can read."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import time
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from dataclasses import replace
from typing import Any

from .. import events
from .._loop import background
from .._threads import on_thread
from ..config import redact
from ..exceptions import FunctionCallError, FunctionCallFormatError, NbAgentsError, ToolNotAllowedError
from . import _audit
from ._approve import Passage, passed
from ._fit import Room
from ._outside import source_of
from ._policy import Policy, policies_here, rule_for
from ._response import Gathered, ToolResponse, pictures_of, response_of
from ._taped import taped
from ._threads import Ended, values_on_thread
from ._told import MARGIN, TOLD, clipped, told
from ._tool import Tool

__all__ = ["ToolStream", "arguments_of", "run_tool"]

log = logging.getLogger(__name__)
EACH, PAUSE = 100, 0.05
"""So many pieces of a generator are told one by one; later ones when so many seconds have passed."""
GRACE = 1.0
"""Seconds that a tool whose time is up has to end."""

EDITED = "A person has changed the arguments of this call; it was made with {}"

Find = Callable[[str], Tool]


class ToolStream:
    """The answers of one tool call: ``async for answer in stream``, each holding all so far.

    ``await`` gives the stream itself, `result` waits for the last answer. The tool is called when it is
    iterated over, or waited for.
    """

    def __init__(self, begin: Callable[[], AsyncGenerator[ToolResponse, None]]) -> None:
        self._begin = begin

    def __aiter__(self) -> AsyncGenerator[ToolResponse, None]:
        return self._begin()

    def __await__(self) -> Generator[Any, None, ToolStream]:
        yield from ()
        return self

    def result(self, timeout: float | None = None) -> ToolResponse:
        """Call the tool, wait for its whole answer and return it; an interrupt cancels the call.

        Raises:
            TimeoutError: ``timeout`` seconds passed.
            WouldBlockLoopError: on the background loop, where only ``await`` can work.
        """
        return background().run(self.last(), timeout=timeout)

    async def last(self) -> ToolResponse:
        """Call the tool and return its whole answer."""
        answer = ToolResponse([])
        async with contextlib.aclosing(self._begin()) as answers:
            async for answer in answers:  # noqa: B007  # the last one counts
                pass
        return answer


async def run_tool(
    find: Find, call: Mapping[str, Any], room: Room, policies: tuple[Policy, ...] = ()
) -> AsyncGenerator[ToolResponse, None]:
    """Call the tool that a ``tool_use`` block asks for; yield its answers. Never raises what the tool did.

    Before that the policies are looked at, and a person may be asked. The events ``tool_call``, ``approval``
    and ``tool_result`` tell of it. Cancelling this cancels the tool, unless it runs on a thread, which
    nothing can stop: then its answer is dropped. Of the answer is told what there is ``room`` for.
    """
    name, call_id, begun = str(call.get("name", "")), str(call.get("id", "")), time.monotonic()
    events.emit("tool_call", id=call_id, name=name, arguments=told(call.get("input")))
    answer, how, passage = ToolResponse([]), "stopped", Passage.of(name, call_id)
    try:
        async with (
            contextlib.aclosing(_answers(find, call, room, policies, passage)) as called,
            contextlib.aclosing(taped(called, call, passage)) as answers,
        ):
            async for answer in answers:
                how = "denied" if passage.denied else "error" if answer.is_error else "done"
                if not answer.is_last:
                    how = "stopped"
                yield answer
    finally:
        pictures = pictures_of(answer.content)
        events.emit(
            "tool_result",
            id=call_id,
            name=name,
            output=clipped(answer.text),
            seconds=time.monotonic() - begun,
            state=how,
            **({"pictures": pictures} if pictures else {}),
        )
        if passage.written and not passage.denied:
            await _over(passage, how, len(answer.text))


async def _over(passage: Passage, how: str, size: int) -> None:
    """Write down how a call ended, if that can be."""
    try:
        await on_thread(_audit.write, passage, how, size, "result")
    except NbAgentsError as error:
        log.warning("the audit: %s", error)


async def _answers(
    find: Find, call: Mapping[str, Any], room: Room, policies: tuple[Policy, ...], passage: Passage
) -> AsyncGenerator[ToolResponse, None]:
    gathered, last, tool, name, source = Gathered(), 0.0, None, passage.tool, ""
    try:
        tool, asked = find(name), arguments_of(call)
        if rule_for(tool.effects, tool.declared, *policies_here(), *policies) == "deny":
            await passed(passage, tool, asked, policies)  # before anything of it is looked at, or asked for
        if tool.refresh is not None:
            await tool.refresh()
        given = await tool.checked(asked)
        allowed = await passed(passage, tool, asked, policies)
        given = given if allowed is asked else await tool.checked(allowed)
        source = source_of(tool)  # from here on it is the tool that speaks
        async with contextlib.aclosing(
            _in_time(tool, _values(tool.function, {**given, **tool.presets()}))
        ) as values:
            async for value in values:
                if gathered.pieces and (gathered.pieces <= EACH or time.monotonic() - last > PAUSE):
                    yield replace(room.fit(gathered.response(), _secrets(tool)), is_last=False, stream=True)
                    last = time.monotonic()
                gathered.add(value)
                if gathered.pieces % EACH == 0:
                    await asyncio.sleep(0)  # others have their turn
        answer = replace(gathered.response(), is_last=True, stream=gathered.pieces > 1)
        if tool.after is not None:
            answer = await _processed(tool.after, call, answer)
        if passage.edited is not None:
            answer = _noting(answer, passage.edited)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # the model is told, and may do better
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
            raise  # it is ours, and not one that the tool raised
        trace = redact("".join(traceback.format_exception(error))[-TOLD - MARGIN :], *_secrets(tool))
        log.info("the tool %s failed\n%s", name, trace[-TOLD:])
        said = f"{gathered.response().text}\n" if gathered.pieces else ""
        if passage.edited is not None:
            said = f"{EDITED.format(_json(passage.edited))}\n{said}"
        answer = ToolResponse.of_text(said + _failure(error, tool), is_error=True)
    yield room.fit(replace(answer, source=answer.source or source), _secrets(tool))


async def _processed(
    after: Callable[..., Any], call: Mapping[str, Any], answer: ToolResponse
) -> ToolResponse:
    """Let a function of the user's change an answer; one that blocks stops nobody else."""
    made = after(call, answer) if _is_async(after) else await on_thread(after, call, answer)
    made = await made if inspect.isawaitable(made) else made
    return answer if made is None else replace(response_of(made), is_last=True)


def _noting(answer: ToolResponse, edited: Mapping[str, Any]) -> ToolResponse:
    """Tell the model that a person has changed what it gave."""
    note, first = EDITED.format(_json(edited)), answer.content[:1]
    if first and isinstance(first[0], dict) and first[0].get("type") == "text":
        begin = {**first[0], "text": f"{note}\n{first[0]['text']}"}
        return replace(answer, content=[begin, *answer.content[1:]])
    return replace(answer, content=[{"type": "text", "text": note}, *answer.content])


def _json(given: Mapping[str, Any]) -> str:
    return json.dumps(dict(given), ensure_ascii=False, default=repr)


def _secrets(tool: Tool | None) -> list[str]:
    return [] if tool is None else tool.secrets


def _failure(error: BaseException, tool: Tool | None) -> str:
    if isinstance(error, _OutOfTime):
        assert tool is not None
        return f"Error: TimeoutError: {tool.name} did not answer within {tool.timeout:g} s"
    error = error.error if isinstance(error, Ended) else error
    text = str(error)
    kind = type(error).__name__
    if isinstance(error, ToolNotAllowedError):
        return f"Error: {text}"
    if isinstance(error, FunctionCallError):
        return f"Error: {kind}: {text}"
    return clipped(f"Error: {kind}: {text}" if text else f"Error: {kind}", secrets=_secrets(tool))


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in a ``tool_use`` block, which may be JSON text.

    Raises:
        FunctionCallFormatError: they are no JSON object.
    """
    given = call.get("input", {})
    raw = call.get("raw_input")
    if not given and isinstance(raw, str) and raw.strip():
        given = raw
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except ValueError as error:
            raise FunctionCallFormatError(
                f"the arguments of {call.get('name')} are no JSON: {error}; they were {clipped(given, 200)}"
            ) from None
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise FunctionCallFormatError(
            f"the arguments of {call.get('name')} are a {type(given).__name__}, not a JSON object"
        )
    return dict(given)


async def _values(function: Callable[..., Any], given: dict[str, Any]) -> AsyncGenerator[Any, None]:
    """Yield what a function of any kind gives."""
    if _is_async(function):
        async with contextlib.aclosing(_awaited(function(**given))) as values:
            async for value in values:
                yield value
        return
    async with contextlib.aclosing(_generator(values_on_thread(lambda: function(**given)))) as values:
        async for value in values:
            async with contextlib.aclosing(_awaited(value)) as pieces:
                async for piece in pieces:
                    yield piece


async def _generator(values: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    async for value in values:
        yield value


async def _awaited(value: Any) -> AsyncGenerator[Any, None]:
    """Yield what a value is in the end: it may be a coroutine, a message to come, an async generator."""
    while inspect.isawaitable(value):
        value = await value
    if inspect.isasyncgen(value):
        async with contextlib.aclosing(value) as pieces:
            async for piece in pieces:
                yield piece
    else:
        yield value


def _is_async(function: Any) -> bool:
    while hasattr(function, "func"):
        function = function.func
    if not (inspect.isroutine(function) or inspect.isclass(function)):
        function = type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


class _OutOfTime(Exception):  # never leaves this module
    """The tool's own time is up; a `TimeoutError` may be one that the tool raised."""


async def _in_time(tool: Tool, values: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    if tool.timeout is None:
        async with contextlib.aclosing(values):
            async for value in values:
                yield value
        return
    limit = time.monotonic() + tool.timeout
    step: asyncio.Task[Any] | None = None
    try:
        while True:
            step = asyncio.ensure_future(_step(values))
            done, _ = await asyncio.wait([step], timeout=max(limit - time.monotonic(), 0))
            if not done:
                raise _OutOfTime
            found = step.result()
            if found is None:
                return
            yield found[0]
    finally:
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait([step], timeout=GRACE)
        if step is None or step.done():
            if step is not None and not step.cancelled():
                step.exception()
            step = asyncio.ensure_future(values.aclose())
            await asyncio.wait([step], timeout=GRACE)
        if not step.done():
            log.warning("the tool %s does not end though its time is up; it is left to itself", tool.name)
        elif not step.cancelled():
            step.exception()


async def _step(values: AsyncGenerator[Any, None]) -> tuple[Any] | None:
    try:
        return (await anext(values),)
    except StopAsyncIteration:
        return None
    except SystemExit as error:
        raise Ended(error) from None  # as itself it would end the loop
