"""Ids of agents and topics: what is one, how they are written, when they are equal."""

import copy

import pytest

from nbagents.exceptions import UsageError
from nbagents.topics import AgentId, AgentType, DefaultTopicId, MessageHandlerContext, TopicId


def test_an_agent_id_is_a_type_and_a_key():
    id = AgentId("chat.bot-1", "a/b c")
    assert (id.type, id.key, str(id)) == ("chat.bot-1", "a/b c", "chat.bot-1/a/b c")
    assert AgentId.from_str(str(id)) == id
    assert AgentId(AgentType("chat.bot-1"), "a/b c") == id
    assert len({id, AgentId("chat.bot-1", "a/b c"), AgentId("chat.bot-1", "x")}) == 2
    assert copy.deepcopy(id) is id
    assert id != "chat.bot-1/a/b c"


@pytest.mark.parametrize("kind", ["", "a b", "a/b", "a\n", "a:b", 7])
def test_what_is_no_agent_type_is_refused(kind):
    with pytest.raises(ValueError, match="no agent type"):
        AgentId(kind, "key")


@pytest.mark.parametrize("kind", ["", "a b", "a/b", "a\n"])
def test_what_is_no_topic_type_is_refused(kind):
    with pytest.raises(UsageError, match="no topic type"):
        TopicId(kind, "source")


def test_a_topic_type_may_name_a_direct_channel():
    assert str(TopicId("bot:rpc_request=anna", "x")) == "bot:rpc_request=anna/x"


@pytest.mark.parametrize("kind", [AgentId, TopicId])
def test_without_a_slash_it_is_no_id(kind):
    with pytest.raises(UsageError, match="/"):
        kind.from_str("bot")


def test_the_default_topic_is_that_of_the_handlers_agent():
    assert DefaultTopicId() == TopicId("default", "default")
    with MessageHandlerContext.populate_context(AgentId("bot", "tenant-7")):
        assert DefaultTopicId() == TopicId("default", "tenant-7")
        assert DefaultTopicId("news", "x") == TopicId("news", "x")
        assert hash(DefaultTopicId()) == hash(TopicId("default", "tenant-7"))
    assert DefaultTopicId().source == "default"


def test_outside_of_a_handler_there_is_no_agent():
    with pytest.raises(UsageError, match="outside of a message handler"):
        MessageHandlerContext.agent_id()


@pytest.mark.parametrize("key", ["", "a\0b", "line\nbreak", "ü→😀", " ", "a/b", "x" * 4096])
def test_keys_and_sources_are_any_text(key):
    assert AgentId.from_str(str(AgentId("clerk", key))).key == key
    assert TopicId.from_str(str(TopicId("news", key))).source == key


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x" * 10_000, "has 10,000 characters, and may have 4,096: 'xxx"),
        ("half \ud800", "has half of a surrogate pair"),
        (7, "must be a text, not 7"),
    ],
)
def test_what_cannot_be_a_key_or_a_source_is_refused_by_its_name(key, why):
    with pytest.raises(UsageError, match=f"the key of clerk {why}"):
        AgentId("clerk", key)
    with pytest.raises(UsageError, match=f"the source of topic news {why}"):
        TopicId("news", key)


def test_a_type_has_so_many_characters():
    assert AgentId("x" * 512, "").type == TopicId("x" * 512, "").type
    for make in (AgentId, TopicId):
        with pytest.raises(UsageError, match="512 at most"):
            make("x" * 513, "")
