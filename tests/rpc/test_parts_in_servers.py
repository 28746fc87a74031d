"""What is given to agents goes along to servers: parsers of one's own, long-term memories."""

from __future__ import annotations

import asyncio

import pytest
from tool_functions import Shouts, vectors

from nbagents.agents import DictDialogAgent, ReActAgent
from nbagents.exceptions import AgentCreationError
from nbagents.memory import LongTermMemory
from nbagents.message import Msg


@pytest.fixture(autouse=True)
def _own_places(runtime):
    """Each test's servers end with it."""


def test_a_parser_of_ones_own_goes_along_with_its_settings():
    local = DictDialogAgent("loud", "You are an echo.", "demo-fast")
    local.set_parser(Shouts("?!"))
    local.observe(Msg("user", "Before."))
    agent = local.to_dist()
    try:
        said = agent(Msg("user", "hello")).content
        assert said.isupper()
        assert said.endswith("?!")
        assert agent.memory.get_memory()[0].content == "Before."
    finally:
        agent.stop()


def test_a_parser_that_is_made_inside_something_else_says_so():
    class Local(Shouts):
        pass

    local = DictDialogAgent("loud", "You are an echo.", "demo-fast")
    local.set_parser(Local())
    with pytest.raises(AgentCreationError, match=r"the parser cannot go to a server: .*Local is made inside"):
        local.to_dist()


def test_a_long_term_memory_in_a_file_is_the_same_there(tmp_path):
    memory = LongTermMemory(vectors, tmp_path / "facts.db")
    asyncio.run(memory.record([Msg("Bob", "I like tea")]))
    agent = ReActAgent(
        "ann",
        "You are an echo.",
        "demo-fast",
        long_term_memory=memory,
        long_term_memory_mode="static_control",
    ).to_dist()
    try:
        assert agent(Msg("user", "Which tea? Or sun?")).content
        recalled = agent.memory.get_memory()[0]
        assert recalled.name == "long_term_memory"
        assert "Bob: I like tea" in recalled.content
    finally:
        agent.stop()
    found = asyncio.run(memory.search("sun", 1))
    assert "Which tea? Or sun?" in found[0].text, "what was recorded over there"
    memory.close()


def test_a_long_term_memory_without_a_file_says_what_to_give():
    agent = ReActAgent("ann", "You are an echo.", "demo-fast", long_term_memory=LongTermMemory(vectors))
    with pytest.raises(AgentCreationError, match="only a LongTermMemory in a file does; give it a path="):
        agent.to_dist()
