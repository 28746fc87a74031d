"""Who gets a topic's message is kept at hand, until anything changes of who serves what, or wants it."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from topic_agents import Answerer
from topics_here import worker

from nbagents.exceptions import UsageError
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.rpc._topics import _routes, _shares
from nbagents.rpc._topics._routes import Routes, Subscribed
from nbagents.rpc._topics._shares import Shares
from nbagents.topics import TypeSubscription

pytestmark = pytest.mark.timeout(120)


class Owner:
    """A session, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Board:
    """Routes of one host, with the shares of its topics."""

    def __init__(self) -> None:
        self.routes, self._ids = Routes(), count()
        self.shares = Shares(self.routes)

    def serve(self, owner: Owner, *types: str, shared: bool = False) -> None:
        """Let a session serve types that want the topic "news"."""
        for name in types:
            self.routes.claim(owner, name, shared=shared)
            self.subscribe(owner, name)

    def subscribe(self, owner: Owner, agent_type: str, topic: str = "news", *, prefix: bool = False) -> str:
        """Let agents of a type want a topic; return the subscription's id."""
        id_ = f"s{next(self._ids)}"
        self.routes.subscribe(Subscribed(id_, agent_type, topic, prefix, owner))
        return id_

    def of(self, kind: str = "news", source: str = "s", sender: tuple[str, str] | None = None) -> dict:
        """Return who gets a message: agents by the names of their sessions, twice asked."""
        post = pb.Post()
        post.topic.type, post.topic.source = kind, source
        if sender is not None:
            post.sender.type, post.sender.key = sender
        first, again = self.shares.of(post), self.shares.of(post)
        assert first == again
        found = {}
        for share in first:
            recipients = pb.Post.FromString(share.recipients).recipients
            assert [one.type for one in recipients] == list(share.types)
            found[share.target and share.target.name] = [f"{one.type}/{one.key}" for one in recipients]
        return found


def test_each_session_is_told_of_its_own_agents_and_the_host_comes_first():
    board = Board()
    board.serve(Owner("a"), "one", "two")
    board.serve(Owner("b"), "three")
    board.subscribe(Owner("c"), "living")
    found = board.of()
    assert found == {"a": ["one/s", "two/s"], "b": ["three/s"], None: ["living/s"]}
    assert next(iter(found)) is None
    post = pb.Post(topic=pb.Topic(type="news", source="s"))
    assert board.shares.of(post) is board.shares.of(post), "found once"


def test_whoever_sends_it_does_not_get_it_but_another_of_its_type_does():
    board = Board()
    board.serve(Owner("a"), "one", "two")
    assert board.of(sender=("one", "s")) == {"a": ["two/s"]}
    assert board.of(sender=("one", "else")) == {"a": ["one/s", "two/s"]}
    assert board.of(sender=("stranger", "s")) == {"a": ["one/s", "two/s"]}


def test_every_change_counts_at_once():
    board, first, second = Board(), Owner("a"), Owner("b")
    board.serve(first, "one")
    assert board.of() == {"a": ["one/s"]}
    id_ = board.subscribe(first, "later", "ne", prefix=True)
    assert board.of() == {"a": ["one/s"], None: ["later/s"]}
    board.routes.claim(second, "later")
    assert board.of() == {"a": ["one/s"], "b": ["later/s"]}
    board.routes.unsubscribe(first, id_)
    assert board.of() == {"a": ["one/s"]}
    board.routes.left(first)
    assert board.of() == {}


def test_an_agent_of_a_shared_type_is_where_direct_messages_find_it(monkeypatch):
    monkeypatch.setattr(_routes, "MOST", 3)  # agents whose worker is remembered
    board, owners = Board(), [Owner("a"), Owner("b"), Owner("c")]
    board.serve(owners[0], "shared", shared=True)
    for number in range(8):
        source = f"s{number % 5}"
        assert board.of(source=source) == {
            board.routes.server_of("shared", source).name: [f"shared/{source}"]
        }
        if number in (2, 5):
            board.routes.claim(owners[number // 2], "shared", shared=True)
        for other in range(5):
            there = board.routes.server_of("shared", f"s{other}").name
            assert board.of(source=f"s{other}") == {there: [f"shared/s{other}"]}


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(_shares, "MOST_BYTES", 10_000)
    monkeypatch.setattr(_routes, "MOST_AT_HAND", 200)
    board = Board()
    board.serve(Owner("a"), "one")
    board.subscribe(Owner("a"), "one", "", prefix=True)
    for number in range(100):
        assert board.of(f"topic{number}") == {"a": ["one/s"]}
    assert len(board.shares._known) <= 10
    assert len(board.routes._wanting) <= 20


def test_a_subscription_that_is_given_up_before_the_host_has_it_can_be_made_again(server):
    async def main():
        async with worker(server, shares=Answerer) as runtime:
            wanted = TypeSubscription("shares", "shares")
            adding = asyncio.ensure_future(runtime.add_subscription(wanted))
            await asyncio.sleep(0)
            adding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adding
            await runtime.topics()  # what was begun before is over
            assert wanted not in runtime.subscriptions
            await runtime.add_subscription(TypeSubscription("shares", "shares"))
            with pytest.raises(UsageError, match="already exists"):
                await runtime.add_subscription(TypeSubscription("shares", "shares"))

    asyncio.run(main())
