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
