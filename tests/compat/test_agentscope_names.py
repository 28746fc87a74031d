"""AgentScope's module paths lead to the same things in nbagents, and what is missing says what there is."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pending
import pytest

import nbagents
from nbagents.compat.agentscope._table import ALSO, GONE, MISSING, MODULES

ROOT = "nbagents.compat.agentscope"


ALL = [*(f"{ROOT}.{path}".rstrip(".") for path in MODULES)]
ALL += [f"{ROOT}.{path}.{part}" for path, parts in ALSO.items() for part in parts.split()]


@pytest.mark.parametrize("path", ALL)
def test_every_name_of_the_table_can_be_had(path: str) -> None:
    module = importlib.import_module(path)
    missing = set()
    for name in module.__all__:
        try:
            value = getattr(module, name)
        except ImportError as error:
            missing.add(name)
            told = str(error)
            clear = told.startswith(f"{path}.{name} is nbagents.") and "this version does not have" in told
            missing |= set() if clear else {told}
        else:
            assert not isinstance(value, type) or value.__module__.startswith("nbagents."), "ours, no copy"
    assert missing - pending.NAMES == set()


def test_a_program_imports_what_it_always_did() -> None:
    program = """
import agentscope
from agentscope import msghub
from agentscope.agent import UserAgent as User1
from agentscope.agents import AgentBase, DialogAgent, UserAgent
from agentscope.agents.dialog_agent import DialogAgent as Dialog
from agentscope.agents.rpc_agent import RpcAgentServerLauncher
from agentscope.message import Msg, PlaceholderMessage
from agentscope.msghub import MsgHubManager
from agentscope.pipeline import MsgHub, fanout_pipeline
from agentscope.pipelines import *
from agentscope.pipelines.functional import sequentialpipeline
from agentscope.rpc import RpcAgentClient
from agentscope.server import AgentServerServicer, as_server

agentscope.init(model_configs={"config_name": "x", "model_type": "openai_chat", "model_name": "m"})
assert Dialog is DialogAgent is agentscope.agents.DialogAgent and User1 is UserAgent
assert MsgHub is MsgHubManager and callable(msghub) and WhileLoopPipeline.__name__ == "WhileLoopPipeline"
import nbagents
assert nbagents.Msg is Msg and nbagents.RpcAgentClient is RpcAgentClient
"""
    program = program.replace("agentscope", ROOT)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_mirror_loads_nothing_behind_it() -> None:
    code = (
        f"import sys, {ROOT}.agents.dialog_agent; print(*sorted(m for m in sys.modules if 'nbagents' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("nbagents.compat")}
    light = {"nbagents", "nbagents._lazy", "nbagents._ports", "nbagents._version", "nbagents.exceptions"}
    assert {name for name in loaded if not name.startswith("nbagents.exceptions.")} <= light


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("from {}.agents import Sphinx", "cannot import name 'Sphinx'"),
        ("from {}.agents import Operator", "anything that can be called is an operator"),
        ("from {}.manager import ModelManager", "nbagents.init(model_configs=...) loads configurations"),
        ("from {} import setup_logger", "logging.getLogger('nbagents') is the logger"),
        ("import {}.web; {}.web.init()", "there is no web studio"),
        ("import {}.nothing", "No module named 'nbagents.compat.agentscope.nothing'"),
    ],
)
def test_what_there_is_not_says_what_there_is(statement: str, says: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement.replace("{}", ROOT))
    assert says in str(caught.value)


def test_a_name_is_either_there_or_missing() -> None:
    there = {
        name for path in MODULES for name in importlib.import_module(f"{ROOT}.{path}".rstrip(".")).__all__
    }
    assert there & MISSING.keys() == set()
    assert GONE.keys() & MODULES.keys() == set()
    assert hasattr(nbagents.compat.agentscope.web, "__file__") is False, "tools that look around get along"


def test_the_page_lists_every_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agentscope.md").read_text("utf-8")
    listed = set(re.findall(r"`(?:agentscope\.)?(\w+)`", page))
    named = {
        name for path in MODULES for name in importlib.import_module(f"{ROOT}.{path}".rstrip(".")).__all__
    }
    assert named | GONE.keys() | MISSING.keys() <= listed
