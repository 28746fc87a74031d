"""AutoGen's core: its module paths lead to the same things here, and a program in its terms runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbagents.compat.autogen_core._table import GONE, MISSING, MODULES

ROOT = "nbagents.compat.autogen_core"

PROGRAM = """
import asyncio
from dataclasses import dataclass

from autogen_core import (
    AgentId, DefaultTopicId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime, default_subscription,
    message_handler,
)


@dataclass
class MyMessage:
    content: str


@default_subscription
class MyAgent(RoutedAgent):
    def __init__(self, name: str) -> None:
        super().__init__("My agent")
        self._name = name
        self._counter = 0

    @message_handler
    async def my_message_handler(self, message: MyMessage, ctx: MessageContext) -> None:
        self._counter += 1
        if self._counter > 5:
            return
        content = f"{self._name}: Hello x {self._counter}"
        print(content)
        await self.publish_message(MyMessage(content=content), DefaultTopicId())


async def main() -> None:
    runtime = SingleThreadedAgentRuntime()
    await MyAgent.register(runtime, "worker1", lambda: MyAgent("worker1"))
    await MyAgent.register(runtime, "worker2", lambda: MyAgent("worker2"))
    runtime.start()
    await runtime.publish_message(MyMessage(content="Hello!"), DefaultTopicId())
    await runtime.stop_when_idle()
    await runtime.close()


asyncio.run(main())
"""


@pytest.mark.parametrize("path", MODULES)
def test_every_name_of_the_table_can_be_had(path: str) -> None:
    module = importlib.import_module(f"{ROOT}.{path}".rstrip("."))
    for name in module.__all__:
        value = getattr(module, name)
        assert not isinstance(value, type) or value.__module__.startswith("nbagents."), "ours, no copy"


def test_agents_that_answer_each_other_count_to_five() -> None:
    program = PROGRAM.replace("autogen_core", ROOT)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(done.stdout.split("\n")[:-1]) == [
        f"worker{worker}: Hello x {count}" for worker in (1, 2) for count in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("from {} import Component", "registered by factories in your own code"),
        ("from {}.models import ChatCompletionClient", "nbagents.models asks models"),
        ("from {} import Sphinx", "cannot import name 'Sphinx'"),
    ],
)
def test_what_there_is_not_says_what_there_is(statement: str, says: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement.replace("{}", ROOT))
    assert says in str(caught.value)


def test_importing_the_mirror_loads_nothing_behind_it() -> None:
    code = f"import sys, {ROOT}; print(*sorted(m for m in sys.modules if 'nbagents' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("nbagents.compat")}
    ground = ("nbagents._lazy", "nbagents._ports", "nbagents._version", "nbagents.exceptions")
    assert [name for name in loaded if name != "nbagents" and not name.startswith(ground)] == []


def test_the_page_lists_every_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "autogen.md").read_text("utf-8")
    listed = set(re.findall(r"`(?:autogen_core\.)?(\w+)`", page))
    named = {
        name for path in MODULES for name in importlib.import_module(f"{ROOT}.{path}".rstrip(".")).__all__
    }
    assert named | GONE.keys() | MISSING.keys() <= listed
