"""Code of models in agent servers: the tool goes along, and its sandbox is made there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbagents import execute_python_code
from nbagents.agents import ReActAgent
from nbagents.message import Msg
from nbagents.tools import Toolkit
from nbagents.tools._response import text_of

pytestmark = pytest.mark.linux


def test_an_agent_in_a_server_runs_code(runtime: Path):
    toolkit = Toolkit(approve="auto")
    toolkit.register_tool_function(execute_python_code, preset_kwargs={"least": 0})
    agent = ReActAgent("coder", "You run code.", "demo-fast", toolkit=toolkit, to_dist=True)
    reply = agent(Msg("user", "execute python code of 'print(6 * 7)'"))
    results = [block for message in agent.memory for block in message.get_content_blocks("tool_result")]
    assert "<stdout>42\n</stdout>" in text_of(results[0]["output"])
    assert reply.content
    agent.stop()
