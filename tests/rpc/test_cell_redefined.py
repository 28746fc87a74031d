"""A class whose cell is edited and run again: its agents become of the new class and keep their memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from cells import run_cells


@pytest.fixture(autouse=True)
def _own_places(runtime: Path):
    """Each test's servers end with it."""


COUNTER = """
class Counter(AgentBase):
    n = 0
    def reply(self, x=None):
        if x is not None:
            self.memory.add(x)
        self.n += 1
        return f"{} {{self.n}}"
"""


def test_the_new_class_answers_and_the_memory_stays():
    *_, asked = run_cells(
        COUNTER.format("old"),
        "c = Counter('c').to_dist()",
        "old = c(Msg('me', 'hello')).content",
        COUNTER.format("new"),
        "(old, c().content, [m.content for m in c.memory.get_memory()], len({c.agent_id}))",
    )
    assert asked.result == "('old 1', 'new 2', ['hello'], 1)"


def test_each_call_meets_the_class_of_its_time():
    """Those made before the new class, even if they wait, meet the old one."""
    *_, asked = run_cells(
        """
        import time
        class Slow(AgentBase):
            def reply(self, x):
                time.sleep(x)
                return "old"
        """,
        "s = Slow('s').to_dist()",
        """
        before = [s(0.5), s(0)]
        class Slow(AgentBase):
            def reply(self, x):
                return "new"
        after = [s(0), s(0)]
        """,
        "[m.content for m in before + after]",
    )
    assert asked.result == "['old', 'old', 'new', 'new']"


@pytest.mark.long
def test_a_lazy_agent_is_made_of_the_newest_class():
    *_, asked = run_cells(
        COUNTER.format("old"),
        "c = Counter('c', to_dist=True)",
        COUNTER.format("new"),
        "first = c().content",
        COUNTER.format("newer"),
        "clones = c.clone_instances(2)\nfirst, [each().content for each in clones]",
    )
    assert asked.result == "('new 1', ['newer 2', 'newer 1'])"


@pytest.mark.long
def test_the_stale_class_is_never_made():
    *_, asked = run_cells(
        COUNTER.format("old"),
        "here = Counter('h'); early = Counter('e').to_dist(); early()",
        COUNTER.format("new"),
        "[Counter('c').to_dist()().content, here.to_dist()().content, early().content]",
    )
    assert asked.result == "['new 1', 'new 1', 'new 2']"


@pytest.mark.long
def test_what_a_class_uses_takes_its_classes_along():
    agent = "class Agent(Base):\n    def reply(self, x=None): return f'{word()} {self.mood} {LIMIT}'"
    base = "class Base(AgentBase):\n    mood = '{}'"
    ran = run_cells(
        "def word(): return 'a'\nLIMIT = 1",
        base.format("sad"),
        agent,
        "agent = Agent('a').to_dist()\nagent().content",
        "def word(): return 'b'",
        "agent().content",
        base.format("glad"),
        "agent().content",
        "LIMIT = 2",
        "agent().content",
    )
    assert [cell.result for cell in ran[3::2]] == ["a sad 1", "b sad 1", "b glad 1", "b glad 2"]


@pytest.mark.long
def test_a_mistake_is_shown_in_the_cell_and_the_old_class_stays():
    ran = run_cells(
        COUNTER.format("old"),
        "c = Counter('c').to_dist()\nc().content",
        "missing = object()",
        COUNTER.format("{missing}"),
        "c().content",
        "def missing(): pass",
        "c().content.partition(' at ')[0]",
    )
    assert ran[3].stderr == (
        "AgentCreationError: Counter cannot go to a server: it uses missing, an object, which cannot travel:"
        " pass it to __init__, or import missing from a module\n"
    )
    assert (ran[4].result, ran[4].stderr) == ("old 2", "")
    assert ran[6].result == "<function missing"


@pytest.mark.long
def test_a_class_that_cannot_be_defined_over_there_stays_as_it_was():
    ran = run_cells(
        "import os\nexec(f'HERE = {os.getpid()}')",
        COUNTER.format("old"),
        "c = Counter('c').to_dist()\nd = Counter('d').to_dist()\nc().content",
        COUNTER.format("new") + "    x = 1 // (os.getpid() == HERE)\n",
        "c().content",
        COUNTER.format("newer"),
        "c().content, d().content",
    )
    assert ran[3].stderr.startswith(
        "AgentCreationError: Counter cannot be defined in the server: ZeroDivision"
    )
    assert ran[3].stderr.count("\n") == 1, "said once, though two agents are concerned"
    assert ran[4].result == "old 2"
    assert ran[6].result == "('newer 3', 'newer 1')"


@pytest.mark.long
def test_what_an_edited_constructor_sets_is_there():
    made = """
    class Made(AgentBase):
        def __init__(self, name, n):
            super().__init__(name)
            self.n = n
            {}
        def reply(self, x=None):
            self.n += 1
            return {}
    """
    ran = run_cells(
        made.format("", "self.n"),
        "m = Made('m', 5).to_dist()\nm().content",
        made.format("self.extra = [n]; self._own = 'mine'", "(self.n, self.extra, self._own)"),
        "m().content",
        made.format("raise ValueError(n)", "None"),
        "m().content",
    )
    assert [ran[1].result, ran[3].result, ran[5].result] == ["6", "[7, [5], 'mine']", "[8, [5], 'mine']"]
    assert "m keeps the class that it had: the edited Made cannot be made with the arguments" in ran[4].stderr


@pytest.mark.long
def test_an_agent_that_is_laid_out_otherwise_is_made_anew():
    slots = """
    class Odd(AgentBase):
        __slots__ = {}
        said = ()
        def reply(self, x=None):
            self.said = [*self.said, {}]
            return self.said
    """
    ran = run_cells(
        slots.format("('a',)", 1),
        "o = Odd('o').to_dist()\no.observe(Msg('me', 'hello'))\no().content",
        slots.format("('a', 'b')", 2) + "\nmany = [o(), o()]",
        "[m.content for m in many], [m.content for m in o.memory.get_memory()]",
    )
    assert ran[3].result == "([[1, 2], [1, 2, 2]], ['hello'])"


@pytest.mark.long
def test_the_same_cell_run_again_changes_nothing():
    text = """
    class Same(AgentBase):
        count = []
        def reply(self, x=None):
            self.count.append(1)
            return len(self.count)
    """
    ran = run_cells(text, "s = Same('s').to_dist()\ns().content", text, "s().content")
    assert (ran[1].result, ran[3].result) == ("1", "2")


@pytest.mark.long
def test_calls_of_a_lazy_agent_meet_the_class_of_their_time_too():
    *_, asked = run_cells(
        COUNTER.format("old"),
        "c = Counter('c', to_dist=True)",
        "first = c()" + COUNTER.format("new") + "second = c()",
        "first.content, second.content",
    )
    assert asked.result == "('old 1', 'new 2')"


@pytest.mark.long
def test_an_agent_that_is_busy_does_not_hold_up_the_cell():
    *_, edited, asked = run_cells(
        """
        import asyncio, time
        class Slow(AgentBase):
            async def reply(self, x=0):
                await asyncio.sleep(x)
                return "old"
        """,
        "s = Slow('s').to_dist()\nbegin, first = time.monotonic(), s(3)",
        """
        class Slow(AgentBase):
            async def reply(self, x=0):
                return "new"
        """,
        "waited = time.monotonic() - begin\nwaited < 2.5, first.content, s().content",
    )
    assert asked.result == "(True, 'old', 'new')"
    assert edited.stderr == ""
