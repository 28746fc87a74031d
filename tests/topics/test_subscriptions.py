"""Who gets a message of which topic."""

import pytest

from nbagents.exceptions import CantHandleException, UsageError
from nbagents.topics import (
    AgentId,
    AgentType,
    DefaultSubscription,
    SubscriptionBook,
    SubscriptionInstantiationContext,
    TopicId,
    TypePrefixSubscription,
    TypeSubscription,
)
from nbagents.topics import _book as book_module


class Keyed:
    """A subscription of somebody's own: all topics of one source, to one agent."""

    def __init__(self, id, source):
        self.id, self.source, self.asked = id, source, 0

    def is_match(self, topic_id):
        self.asked += 1
        return topic_id.source == self.source

    def map_to_agent(self, topic_id):
        return AgentId("clerk", "one")


def names(book, kind, source="s"):
    return [str(agent) for agent in book.recipients(TopicId(kind, source))]


def test_a_type_matches_exactly_and_a_prefix_from_the_start():
    book = SubscriptionBook()
    book.add(TypeSubscription("news", "reader"))
    book.add(TypePrefixSubscription("new", "prefix"))
    assert names(book, "news") == ["reader/s", "prefix/s"]
    assert names(book, "newspaper", "x") == ["prefix/x"]
    assert names(book, "old") == []


def test_an_agent_gets_a_message_once_however_many_subscriptions_match():
    book = SubscriptionBook()
    book.add(TypeSubscription("news", "reader"))
    book.add(TypePrefixSubscription("n", "reader"))
    book.add(TypeSubscription("news", "other"))
    assert names(book, "news") == ["reader/s", "other/s"]


def test_two_that_do_the_same_are_one():
    assert TypeSubscription("a", "b") == TypeSubscription("a", "b")
    assert TypeSubscription("a", "b", id="x") == TypeSubscription("c", "d", id="x")
    assert TypeSubscription("a", "b") != TypePrefixSubscription("a", "b")
    assert DefaultSubscription(agent_type="b") == TypeSubscription("default", "b")
    book = SubscriptionBook()
    book.add(TypeSubscription("default", "b", id="x"))
    with pytest.raises(ValueError, match="already exists"):
        book.add(DefaultSubscription(agent_type=AgentType("b")))
    with pytest.raises(ValueError, match="already exists"):
        book.add(TypeSubscription("other", "c", id="x"))


def test_a_removal_counts_at_once_and_leaves_nothing():
    book = SubscriptionBook()
    book.add(TypeSubscription("news", "reader", id="x"))
    assert names(book, "news") == ["reader/s"]
    book.remove("x")
    assert names(book, "news") == []
    assert len(book) == 0
    assert book._exact == {}
    book.add(TypeSubscription("news", "reader", id="x"))
    assert names(book, "news") == ["reader/s"]
    with pytest.raises(ValueError, match="does not exist"):
        book.remove("y")


def test_a_subscription_of_somebodys_own_is_asked_once_for_each_topic():
    book, mine = SubscriptionBook(), Keyed("mine", "s")
    book.add(mine)
    assert [names(book, "a"), names(book, "a"), names(book, "a", "t")] == [["clerk/one"], ["clerk/one"], []]
    assert mine.asked == 2
    with pytest.raises(UsageError, match="already exists"):
        book.add(mine)


def test_topics_that_are_over_are_forgotten(monkeypatch):
    monkeypatch.setattr(book_module, "REMEMBERED", 3)
    book = SubscriptionBook()
    book.add(TypeSubscription("news", "reader"))
    for number in range(10):
        assert names(book, "news", str(number)) == [f"reader/{number}"]
    assert len(book._known) == 3


def test_what_does_not_match_maps_to_nobody():
    with pytest.raises(CantHandleException, match="does not match"):
        TypeSubscription("a", "b").map_to_agent(TopicId("c", "s"))


def test_the_default_subscription_knows_its_type_while_that_is_registered():
    with pytest.raises(CantHandleException, match="agent_type="):
        DefaultSubscription()
    with SubscriptionInstantiationContext.populate_context(AgentType("bot")):
        assert DefaultSubscription().agent_type == "bot"
