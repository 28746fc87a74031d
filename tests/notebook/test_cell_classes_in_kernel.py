"""Classes of a notebook's cells in servers, in a real kernel with the magics loaded."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.notebook

POET = """
from dataclasses import dataclass
from nbagents import AgentBase

@dataclass
class Mood:
    word: str = {0!r}

class Poet(AgentBase):
    n = 0
    async def reply(self, x=None):
        self.n += 1
        return f"{{Mood().word}} {{self.n}}"
"""


def test_the_edited_cell_replaces_the_class_and_the_agent_stays(kernel: Any):
    kernel.run(POET.format("sad"))
    assert kernel.run("poet = Poet('poet').to_dist()\npoet().content").card == "'sad 1'"
    assert kernel.run(POET.format("glad")).stderr == ""
    assert kernel.run("await poet()\npoet().content").card == "'glad 3'"
    assert kernel.run("%%agents poet\nHello.").error == ""
    assert kernel.run("poet.n if hasattr(poet, 'n') else poet().content").card == "'glad 5'"


def test_a_name_that_cannot_travel_is_told_in_its_cell(kernel: Any):
    kernel.run(POET.format("calm"))
    kernel.run("poet = Poet('poet').to_dist()\nfile = open('/dev/null')")
    edited = kernel.run(POET.format("calm") + "\n    def other(self):\n        return file\n")
    assert edited.stderr.startswith(
        "AgentCreationError: Poet cannot go to a server: it uses file, a TextIOWrapper, which cannot travel:"
    )
    assert kernel.run("poet().content").card == "'calm 1'"
    failed = kernel.run("Poet('second').to_dist()")
    assert failed.error.startswith("AgentCreationError: Poet cannot go to a server: it uses file")


def test_the_lines_of_the_cell_are_in_the_traceback(kernel: Any):
    odd = "class Odd(AgentBase):\n    def reply(self, x=None):\n        return x / 0"
    kernel.run(f"from nbagents import AgentBase\n{odd}")
    failed = kernel.run("Odd('odd').to_dist()(1).content")
    assert "ZeroDivisionError" in failed.error
    assert "return x / 0" in "\n".join(failed.traceback)
    assert "<cell [" in "\n".join(failed.traceback)
