"""`TopicHost`: passes typed messages on, from the session that sends one to those that serve whom it is for.

Each message gets a number of the host's own, so that its outcome finds the one that waits for it and nobody
else. A session whose connection is broken is given its messages all the same: they wait in its writer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import logging
import time
from collections import Counter
from functools import partial
from typing import Any

from ...exceptions import (
    NbAgentsError,
    OverloadedError,
    ProtocolError,
    UndeliverableException,
    WorkerLostError,
)
from ...topics import LONGEST_KEY, Traffic
from .._admission import told
from .._agents import AgentTable
from .._faults import encode_error
from .._fields import Fields
from .._limits import LONGEST_ID
from .._methods import parsed_request
from .._printable import printable
from .._proto import agent_pb2 as pb
from .._results import Results
from .._run_book import RunBook
from ._desk import MOST_GIVEN, Asked, Desk, Outlet, Topic, label_of
from ._living import LivingAgents
from ._rings import Rings
from ._routes import Routes, Subscribed, check_topic_type
from ._shares import Shares

__all__ = ["TopicHost"]

log = logging.getLogger(__name__)
OVERLOAD_SECONDS = 10.0
"""How long a message to a topic waits for a worker that has too much to do."""
LONG_PASS, PAUSES = 0.001, 10
"""A look at all that waits which takes more seconds is followed by a pause of so many times as long."""
MOST_STEPS = 5000
"""Steps of one `declare`."""


class TopicHost:
    """The types, subscriptions and messages of one server. On the loop only."""

    def __init__(self, agents: AgentTable, results: Results, runs: RunBook) -> None:
        self.routes: Routes[Desk] = Routes()
        self._living = LivingAgents(agents, results, runs)
        self._numbers = itertools.count(1)
        self._desks: dict[str, Desk] = {}
        self._counts: dict[str, int] = {"sent": 0, "published": 0, "delivered": 0, "undelivered": 0}
        self._traffic = Traffic()
        self._rings = Rings()
        self._shares = Shares(self.routes)

    def desk(self, name: str, writer: Outlet) -> Desk:
        """Make the place of a session."""
        desk = self._desks[name] = Desk(self, name, writer)
        return desk

    # ---- messages

    def send(self, desk: Desk, frame: pb.Frame) -> None:
        """Pass a direct message on to the agent that it is for; whatever hinders that is its outcome."""
        post, number = frame.post, frame.post.id
        kind, key = post.agent.type, post.agent.key
        self._counts["sent"] += 1
        if len(key) > LONGEST_KEY:
            text = f"the key of {label_of(f'{kind}/{key}')} has more than {LONGEST_KEY:,} characters"
            desk.refuse(number, ProtocolError(text))
            return
        target = self.routes.server_of(kind, key)
        if target is None:
            self._send_home(desk, post)
            return
        if len(target.given) >= MOST_GIVEN or target.writer.full:
            text = f"the worker of {label_of(f'{kind}/{key}')} has {len(target.given):,} messages"
            text += " that it has not answered, and takes no more now"
            desk.refuse(number, OverloadedError(text, hint="send it again later"))
            return
        given = next(self._numbers)
        asked = desk.asked[number] = Asked(desk, number, kind, key, target, given, post.stream)
        target.give(given, asked, frame)

    def _send_home(self, desk: Desk, post: pb.Post) -> None:
        """Give a message to an agent of this server, if it has one of that name."""
        asked = Asked(desk, post.id, post.agent.type, post.agent.key)

        desk.asked[post.id] = asked
        try:
            asked.end = self._living.send(post, partial(desk.answer, asked), self._unknown)
        except NbAgentsError as error:
            del desk.asked[post.id]
            desk.refuse(post.id, error)

    def _unknown(self, label: str) -> UndeliverableException:
        known = ", ".join(sorted(itertools.islice(self.routes.types(), 20))) or "none"
        return UndeliverableException(
            f"nobody serves {label}: no worker registered its type, and no agent of the host has that name",
            hint=f"register it before it is sent to; the host knows the types: {known}",
        )

    def publish(self, desk: Desk, frame: pb.Frame) -> None:
        """Pass a message on to the agents that want its topic, each once, in the order of its session."""
        post = frame.post
        post.timeout_ms = 0  # it is how long the publisher waits for this, not its subscribers' time
        try:
            check_topic_type(post.topic.type)
            if len(post.topic.source) > LONGEST_KEY:
                raise ProtocolError(f"the source of a topic has at most {LONGEST_KEY:,} characters")
        except NbAgentsError as error:
            desk.refuse(post.id, error)
            return
        self._counts["published"] += 1
        topic = post.topic.type, post.topic.source
        behind = topic in desk.waiting or self._is_behind(topic, desk.ahead)
        if behind or self._deliver(desk, frame):
            try:
                desk.wait(frame)
            except OverloadedError as error:
                desk.refuse(post.id, error)
                return
            self._go_before(topic, desk.ahead)
            if desk.draining is None:
                desk.draining = asyncio.ensure_future(self._drain(desk))

    def _is_behind(self, topic: Topic, ahead: dict[str, set[str]]) -> bool:
        """Is it for one of these agents, by their keys and types? Each gets all in their order."""
        types = ahead.get(topic[1])
        return types is not None and not types.isdisjoint(self.routes.wanting(topic[0]))

    def _go_before(self, topic: Topic, ahead: dict[str, set[str]]) -> None:
        ahead.setdefault(topic[1], set()).update(self.routes.wanting(topic[0]))

    def _deliver(self, desk: Desk, frame: pb.Frame) -> set[Desk]:
        """Give a topic's message to whom it is for, unless some have no room: return those, or none."""
        post, number = frame.post, frame.post.id
        kind, source = topic = post.topic.type, post.topic.source
        shares = self._shares.of(post)
        full = {one.target for one in shares if one.target is not None and one.target.full(topic)}
        if full:
            return full
        delivered, named = 0, False
        for share in shares:
            target = share.target
            if target is None:
                heard = sum(self._living.observe(agent_type, post) for agent_type in share.types)
                delivered += heard
                self._counts["undelivered"] += len(share.types) - heard
                continue
            if named:  # the recipients of the share before
                post.ClearField("recipients")
            named = True
            post.MergeFromString(share.recipients)
            delivered += len(share.types)
            given = next(self._numbers)
            target.give(given, Asked(None, 0, kind, source, target, given, topic=topic), frame)
        self._counts["delivered"] += delivered
        self._traffic.count(kind, delivered)
        desk.accept(number)
        return full

    async def _drain(self, desk: Desk) -> None:
        """Deliver what waits, as its recipients have room again; what waits for too long is refused."""
        try:
            while True:
                desk.waits.clear()
                began = time.monotonic()
                slow = self._pass_on(desk)
                if not slow:
                    return
                now = time.monotonic()
                # From here on no change is missed, however late it is looked at.
                changes: list[asyncio.Future[Any]] = [asyncio.ensure_future(desk.waits.wait())]
                changes += [one.room() for one in slow]
                first = min(queue[0].came for queue in desk.waiting.values())
                try:
                    if now - began > LONG_PASS:
                        await asyncio.sleep(PAUSES * (now - began))
                    await asyncio.wait(
                        changes,
                        timeout=max(0, first + OVERLOAD_SECONDS - time.monotonic()),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    for change in changes:
                        change.cancel()
        finally:
            desk.draining = None

    def _pass_on(self, desk: Desk) -> set[Desk]:
        """Deliver what there is room for; return who has none, as long as something waits.

        What waits for one agent does not hold up what is for others.
        """
        slow: set[Desk] = set()
        ahead: dict[str, set[str]] = {}
        overdue = time.monotonic() - OVERLOAD_SECONDS
        heads = [(queue[0].order, topic) for topic, queue in desk.waiting.items()]
        heapq.heapify(heads)
        while heads:
            topic = heapq.heappop(heads)[1]
            one = desk.waiting[topic][0]
            behind = self._is_behind(topic, ahead)
            full = set() if behind else self._deliver(desk, one.frame)
            if (behind or full) and one.came > overdue:
                self._go_before(topic, ahead)
                slow |= full
                continue
            desk.served(one)
            if behind or full:
                self._overloaded(desk, one.frame.post, full)
            if topic in desk.waiting:
                heapq.heappush(heads, (desk.waiting[topic][0].order, topic))
        desk.ahead = ahead
        return slow

    def _overloaded(self, desk: Desk, post: pb.Post, slow: set[Desk]) -> None:
        names = ", ".join(sorted(target.name for target in slow)) or "whoever gets it"
        desk.refuse(
            post.id,
            OverloadedError(
                f"the message to {printable(post.topic.type, 60)} reached nobody: {names} had too much to do"
                f" for {OVERLOAD_SECONDS:.0f} s",
                hint="publish more slowly, or let several workers share the type",
            ),
        )

    def slow(self, asked: Asked) -> None:
        """Whoever waits for a stream reads it too slowly: it ends here, for both sides."""
        error = OverloadedError(f"what {asked.label} streams is read too slowly")
        asked.withdraw("its stream is read too slowly")
        if asked.origin is not None:
            asked.origin.answer(asked, pb.Frame(outcome=pb.Outcome(error=encode_error(error))))

    # ---- requests

    def answered(self, desk: Desk, method: str, body: bytes) -> bytes:
        """Answer what a session asks of its host, in line with its messages.

        Raises:
            NbAgentsError: it is refused.
        """
        asked = Fields(method, parsed_request(method, body).value)
        found: Any
        if method == "declare":
            found = {"refused": self._declare(desk, asked.rows("steps", MOST_STEPS))}
        elif method == "ring":
            found = self._rings.look(desk, asked)
        elif method == "retire":
            self.routes.left(desk)
            desk.freed()
            self.rerouted()
            found = None
        else:
            found = self.about()
        answer: bytes = told(found).SerializeToString()
        return answer

    def _declare(self, desk: Desk, steps: list[list[Any]]) -> dict[int, dict[str, Any]]:
        """Take steps in their order; return why some were refused, by their places."""
        refused = {}
        for place, step in enumerate(steps):
            try:
                self._take(desk, step)
            except NbAgentsError as error:
                refused[place] = {
                    "type": type(error).__name__,
                    "message": str(error),
                    "hint": error.hint or "",
                }
        self.rerouted()
        return refused

    def rerouted(self) -> None:
        """Others may get what waits than did before."""
        for desk in self._desks.values():
            if desk.waiting:
                for topic in desk.waiting:
                    self._go_before(topic, desk.ahead)
                desk.waits.set()

    def _take(self, desk: Desk, step: list[Any]) -> None:
        match step:
            case ["type", str(agent_type), bool(shared)]:
                self.routes.claim(desk, agent_type, shared=shared)
            case ["subscribe", str(id_), str(agent_type), str(topic), bool(prefix)] if (
                0 < len(id_) <= LONGEST_ID
            ):
                self.routes.subscribe(Subscribed(id_, agent_type, topic, prefix, desk))
            case ["unsubscribe", str(id_)]:
                self.routes.unsubscribe(desk, id_)
            case _:
                raise ProtocolError(f"there is no such step: {printable(json.dumps(step), 80)}")

    def about(self) -> dict[str, Any]:
        """Tell who serves what, who wants what, and how much has passed.

        ``topics`` has for each topic type how many messages it has had, how many agents they went to, and how
        many are still waiting or being handled. ``living`` are the subscribed agents of the server itself.
        """
        types, subscriptions = self.routes.types(), self.routes.subscriptions()
        wanted = {one.agent_type for one in subscriptions} - types.keys()
        desks = list(self._desks.values())
        serving = {desk for owners in types.values() for desk in owners}
        held = {desk: desk.held() for desk in desks if desk.waiting}
        opened = sum(held.values(), Counter[str]())
        for desk in desks:
            opened.update(desk.topics())
        counted = self._traffic.counts()
        return {
            "types": {name: [desk.name for desk in owners] for name, owners in types.items()},
            "living": sorted(name for name in wanted if self._living.knows(name)),
            "subscriptions": [
                {
                    "id": one.id,
                    "agent_type": one.agent_type,
                    "topic": one.topic,
                    "prefix": one.prefix,
                    "worker": one.owner.name,
                }
                for one in subscriptions
            ],
            "workers": {
                desk.name: {
                    "asked": len(desk.asked),
                    "given": len(desk.given),
                    "waiting": held[desk].total() if desk in held else 0,
                    "pid": desk.pid,
                }
                for desk in desks
                if desk.given or desk.asked or desk.waiting or desk in serving
            },
            "topics": {
                name: [*counted.get(name, (0, 0)), opened[name]]
                for name in dict.fromkeys([*counted, *opened])
            },
            "counts": dict(self._counts),
        }

    # ---- ends

    def left(self, desk: Desk) -> None:
        """A session is over: whoever waits for it is told, and whoever works for it."""
        self._desks.pop(desk.name, None)
        self.routes.left(desk)
        self._rings.left(desk)
        desk.close()
        self.rerouted()
        given, desk.given = desk.given, {}
        lost = 0
        for asked in given.values():
            if asked.origin is None:
                lost += 1
                continue
            error = WorkerLostError(
                f"the worker that had the message to {asked.label} is gone: it ended, left, or was cut off",
                hint="it may have done a part of its work: repeat it only if that does no harm",
            )
            asked.origin.answer(asked, pb.Frame(outcome=pb.Outcome(error=encode_error(error))))
        if lost:
            log.warning("%d messages to topics are lost with the worker %s", lost, desk.name)
        asked_for, desk.asked = desk.asked, {}
        for asked in asked_for.values():
            asked.withdraw("whoever sent it is gone")
