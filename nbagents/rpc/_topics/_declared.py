"""`Declared`: the types and subscriptions that a worker has told its host of, and tells the next one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ...exceptions import NbAgentsError, ProtocolError, UsageError
from ...topics import Subscription, SubscriptionBook, TypePrefixSubscription, TypeSubscription
from .._faults import decode_error
from .._proto import agent_pb2 as pb
from ._line import Line

__all__ = ["Declared"]

TOGETHER = 2000
"""Steps that are told at once."""


class Declared:
    """What one worker serves and subscribes. On the loop only.

    Steps of one turn of the loop travel together.
    """

    def __init__(self, book: SubscriptionBook) -> None:
        self._types: dict[str, bool] = {}
        self._book = book
        self._steps: list[tuple[list[Any], asyncio.Future[None]]] = []
        self._line: Line | None = None

    @property
    def types(self) -> frozenset[str]:
        """What it serves."""
        return frozenset(self._types)

    # ---- what changes

    async def claim(self, line: Line, agent_type: str, *, shared: bool) -> None:
        """Serve a type; raises `AgentTypeTakenError` if another worker does."""
        await self._step(line, ["type", agent_type, shared])
        self._types[agent_type] = shared

    async def subscribe(self, line: Line, subscription: Subscription) -> None:
        """Subscribe; raises `UsageError` if there is such a subscription, or its kind cannot travel."""
        step = _subscribing(subscription)
        self._book.add(subscription)
        try:
            await self._step(line, step)
        except BaseException:
            self._book.remove(subscription.id)
            raise

    async def unsubscribe(self, line: Line, subscription_id: str) -> None:
        """Take a subscription back; raises `UsageError` if this worker has none of that id."""
        self._book.remove(subscription_id)
        await self._step(line, ["unsubscribe", subscription_id])

    async def again(self, line: Line) -> None:
        """Tell a new host of everything, in one step.

        Raises:
            NbAgentsError: it has refused a part; the rest is declared.
        """
        steps: list[list[Any]] = [["type", name, shared] for name, shared in self._types.items()]
        steps += [_subscribing(subscription) for subscription in self._book.subscriptions]
        told = await asyncio.gather(*(self._step(line, step) for step in steps), return_exceptions=True)
        for error in told:
            if isinstance(error, BaseException):
                raise error

    # ---- how it is told

    async def _step(self, line: Line, step: list[Any]) -> None:
        line.check()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self._steps:
            loop.call_soon(self._flush)
        self._line = line
        self._steps.append((step, future))
        if len(self._steps) >= TOGETHER:
            self._flush()
        await future

    def _flush(self) -> None:
        steps, self._steps = self._steps, []
        if steps and self._line is not None:
            telling = asyncio.ensure_future(_tell(self._line, steps))
            telling.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _tell(line: Line, steps: list[tuple[list[Any], asyncio.Future[None]]]) -> None:
    refused: dict[int, NbAgentsError] = {}
    try:
        answer = await line.ask("declare", json.dumps({"steps": [step for step, _ in steps]}))
        for place, told in json.loads(answer.message)["refused"].items():
            error = pb.Error(type=told["type"], message=told["message"], hint=told["hint"])
            refused[int(place)] = decode_error(error, "the host")
    except NbAgentsError as error:
        refused = dict.fromkeys(range(len(steps)), error)
    except (ValueError, TypeError, KeyError, AttributeError):
        odd = ProtocolError(f"the agent server {line.who} answered what is no answer to declare")
        refused = dict.fromkeys(range(len(steps)), odd)
    for place, (_, future) in enumerate(steps):
        if future.done():
            continue
        if place in refused:
            future.set_exception(refused[place])
        else:
            future.set_result(None)


def _subscribing(subscription: Subscription) -> list[Any]:
    if isinstance(subscription, TypeSubscription):
        return ["subscribe", subscription.id, subscription.agent_type, subscription.topic_type, False]
    if isinstance(subscription, TypePrefixSubscription):
        prefix = subscription.topic_type_prefix
        return ["subscribe", subscription.id, subscription.agent_type, prefix, True]
    raise UsageError(
        f"a {type(subscription).__name__} cannot be told to a host, which runs no code of workers",
        hint="TypeSubscription or TypePrefixSubscription",
    )
