"""Classes that were written in a notebook's cell, in servers: what travels with them."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from cells import run_cells

POET = """
class Poet(AgentBase):
    def reply(self, x=None):
        return {}
"""


@pytest.fixture(autouse=True)
def _own_places(runtime: Path):
    """Each test's servers end with it."""


def test_a_class_works_in_a_server_with_all_that_it_uses():
    *_, asked = run_cells(
        """
        import dataclasses
        import enum
        import json as js
        import os.path
        import xml.dom.minidom as dom
        from collections import *
        from dataclasses import dataclass
        from math import pi, sqrt as root
        from typing import ClassVar, NamedTuple, Optional, TypeVar

        LIMIT, NAMES = 3, ("a", b"b", None, 1.5)
        Vector = list[float]
        T = TypeVar("T")
        """,
        """
        @dataclass
        class Point:
            x: float
            y: int = LIMIT
            many: ClassVar[int] = 4

        @dataclasses.dataclass(frozen=True)
        class Bare:
            z: Optional[int] = None

        class Color(enum.Enum):
            RED = LIMIT

        class Pair(NamedTuple):
            left: int
            right: Vector

        class Odd(Exception):
            pass

        def even(n: int) -> bool:
            return n == 0 or odd(n - 1)

        def odd(n):
            return n != 0 and even(n - 1)

        double = lambda x: 2 * x
        """,
        """
        import functools

        def loud(fn):
            @functools.wraps(fn)
            def wrapper(*args):
                return fn(*args).upper()
            return wrapper

        def quiet(fn):
            def wrapper(*args):
                return fn(*args).lower()
            return wrapper

        @loud
        def say(text):
            return f"<{text}>"

        @quiet
        def whisper(text):
            return f"({text})"

        @functools.lru_cache
        def cached(n):
            return n + LIMIT

        def first(items: list[T], *, fallback=LIMIT) -> T:
            return items[0] if items else fallback
        """,
        """
        class Base(AgentBase):
            greeting = say("hello")

            class Config:
                deep = LIMIT

            def __init__(self, name, start=LIMIT):
                super().__init__(name)
                self.start = start

            @property
            def limit(self):
                return self.start

            @staticmethod
            def nothing():
                return None

        class Poet(Base):
            async def reply(self, x=None):
                here: Undefined = [root(4), pi]
                if (n := len(here)) > LIMIT:
                    return "too many"
                try:
                    raise Odd("odd")
                except Odd as odd_one:
                    caught = str(odd_one)
                pair = Pair(1, [2.0])
                return [
                    n, Point(1.0).y, Point.many, Bare().z, Color.RED.value, pair.left, even(4), double(4),
                    say("a"), whisper("A"), cached(1), first([]), self.greeting, self.Config.deep, self.limit,
                    js.dumps(here[:1]), os.path.join("a", "b"), OrderedDict(k=1)["k"], caught,
                    {k: v for k, v in zip("ab", [i * LIMIT for i in range(2)])}, self.nothing(),
                    dom.parseString("<a/>").documentElement.tagName, NAMES[0], len(NAMES), f"{n:0{LIMIT}d}",
                    Msg("a", "b").content, type(self).__name__, await self.later(),
                ]

            async def later(self):
                return __name__.partition(".")[0]
        """,
        "Poet('p').to_dist()().content",
    )
    assert asked.result == str(
        [
            *(2, 3, 4, None, 3, 1, True, 8, "<A>", "(a)", 4, 3, "<HELLO>", 3, 3, "[2.0]", "a/b", 1, "odd"),
            *({"a": 0, "b": 3}, None, "a", "a", 4, "002", "b", "Poet", "nbagents_cells"),
        ]
    )


@pytest.mark.long
def test_annotations_travel_only_if_they_are_evaluated():
    lazy = """
    from __future__ import annotations
    class Poet(AgentBase):
        words: Undefined = 3
        def reply(self, x: Undefined = None) -> Undefined:
            return self.words
    """
    *_, asked = run_cells(lazy, "Poet('p').to_dist()().content")
    assert asked.result == "3"


@pytest.mark.long
def test_classes_inside_others_and_inside_functions_work():
    *_, inner, made = run_cells(
        """
        class Outer:
            class Poet(AgentBase):
                def reply(self, x=None):
                    return "inner"

        def make():
            class Poet(AgentBase):
                def reply(self, x=None):
                    return "made"
            return Poet
        """,
        "Outer.Poet('p').to_dist()().content",
        "make()('p').to_dist()().content",
    )
    assert (inner.result, made.result) == ("inner", "made")


@pytest.mark.long
def test_a_class_below_an_if_keeps_its_texts():
    *_, asked = run_cells(
        '''
        if True:
            class Poet(AgentBase):
                def reply(self, x=None):
                    return """a
        b"""
        ''',
        "Poet('p').to_dist()().content",
    )
    assert asked.result == "a\nb"


@pytest.mark.long
def test_cells_with_magics_and_with_await_count_too():
    *_, asked = run_cells(
        "%%time\nimport math as m\ndef size(x): return m.floor(x)",
        "import asyncio\nawait asyncio.sleep(0)\nWORD = 'word'",
        "%%time\nclass Poet(AgentBase):\n    def reply(self, x=None):\n        return [size(2.5), WORD]",
        "Poet('p').to_dist()().content",
    )
    assert asked.result == "[2, 'word']"


@pytest.mark.long
def test_a_model_agent_of_the_notebook_takes_its_model_along():
    *_, asked = run_cells(
        """
        from nbagents import DialogAgent
        class Poet(DialogAgent):
            pass
        """,
        "p = Poet('p', 'You are a poet.', 'demo-fast').to_dist()",
        "bool(p('Write about rain.').content), p.memory.size()",
    )
    assert asked.result == "(True, 2)"


@pytest.mark.long
def test_an_agent_in_a_server_can_put_others_of_its_classes_into_servers():
    *_, asked = run_cells(
        """
        class Leaf(AgentBase):
            def reply(self, x=None):
                return f"leaf {x}"

        class Root(AgentBase):
            def reply(self, x=None):
                return Leaf("leaf").to_dist()(x).content
        """,
        "Root('r').to_dist()('green').content",
    )
    assert asked.result == "leaf green"


@pytest.mark.long
def test_clones_are_of_the_same_class():
    asked = run_cells(POET.format("'verse'"), "[c().content for c in Poet('p').to_dist().clone_instances(3)]")
    assert asked[-1].result == "['verse', 'verse', 'verse']"


def test_a_group_can_be_of_a_class_of_the_notebook():
    *_, asked = run_cells(
        "from nbagents import AgentGroup\nLIMIT = 2",
        POET.format("LIMIT"),
        "with AgentGroup(Poet, 3, ['p']) as group: said = [m.content for m in group.ask()]",
        "said",
    )
    assert asked.result == "[2, 2, 2]"


@pytest.mark.long
def test_a_traceback_shows_the_lines_of_the_cell():
    text = """
    def helper(x):
        return x / 0

    class Poet(AgentBase):
        def reply(self, x=None):
            return helper(x)  # which fails
    """
    *_, failed = run_cells("1", text, "Poet('p').to_dist()(1).content", fine=False)
    assert failed.error.startswith("RemoteAgentError: p: ZeroDivisionError")
    lines = [line.strip() for line in failed.traceback.splitlines()]
    assert "return helper(x)  # which fails" in lines
    assert "return x / 0" in lines
    (frame,) = [line for line in lines if line.endswith("line 6, in reply")]
    assert frame.startswith('File "<cell [3] '), frame


def test_classes_of_a_script_travel_too(tmp_path: Path):
    script = tmp_path / "story.py"
    script.write_text(
        textwrap.dedent("""
        import sibling
        from nbagents import AgentBase
        LENGTH = 2
        def cut(text):
            return text[:LENGTH]
        class Poet(AgentBase):
            def reply(self, x=None):
                return cut(x) + sibling.WORD
        if __name__ == "__main__":
            print(Poet("p").to_dist()("abc").content)
        """)
    )
    (tmp_path / "sibling.py").write_text("WORD = 'sibling'\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('this one hides the real json')\n")
    run = subprocess.run(
        [sys.executable, "-c", f"import sys, json, runpy; sys.argv=['x']; sys.path.append({str(tmp_path)!r});"
         f" runpy.run_path({str(script)!r}, run_name='__main__')"],
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert run.stdout == "absibling\n", run.stderr


# ---------------------------------------------------------------------------- what cannot travel


@pytest.mark.parametrize(
    ("cells", "expression", "what"),
    [
        (
            ["df = object()"],
            "df",
            "it uses df, an object, which cannot travel: pass it to __init__, or import df",
        ),
        (["n = 3"], "n", "it uses n, an int, which cannot travel: .* in capitals if it is a constant"),
        (["LIST = [1]"], "LIST", "it uses LIST, a list, which cannot travel"),
        ([], "nobody", "it uses nobody, which is not defined in the notebook"),
        (["z = {}\ndef helper(): return z"], "helper()", "helper uses z, a dict, which cannot travel"),
        (["friend = AgentBase('f')"], "friend", "it uses friend, an AgentBase, which cannot travel"),
        (
            ["import types\nmine = types.ModuleType('mine')"],
            "mine.x",
            "mine, a module that a server cannot im",
        ),
        (["COUNT = 0\ndef up():\n    global COUNT\n    COUNT += 1"], "up()", "up uses `global COUNT`"),
        (
            ["def make(n):\n    def helper(): return n\n    return helper\nhelper = make(3)"],
            "helper()",
            "helper uses n, a variable of the function make around it",
        ),
        (
            ["exec('def made(): return 1')"],
            "made()",
            r"it uses made, whose source cannot be found \(<string>\)",
        ),
    ],
)
def test_any_other_name_is_an_error_that_names_it(cells, expression, what):
    *_, failed = run_cells(*cells, POET.format(expression), "Poet('p').to_dist()", fine=False)
    assert failed.error.startswith("AgentCreationError: Poet cannot go to a server: "), failed
    assert re.search(what, failed.error), failed.error


def test_a_class_in_a_function_names_the_variable_that_it_closes_over():
    make = """
    def make(mood):
        class Poet(AgentBase):
            def reply(self, x=None):
                return mood
        return Poet
    """
    *_, failed = run_cells(make, "make('sad')('p').to_dist()", fine=False)
    assert "uses mood, a variable of the function make around it" in failed.error


def test_a_method_that_was_set_later_is_an_error():
    later = "def other(self, x=None): return 'other'\nPoet.reply = other"
    *_, failed = run_cells(POET.format("1"), later, "Poet('p').to_dist()", fine=False)
    assert "reply, which was set on Poet after its definition" in failed.error


def test_a_plain_interpreter_keeps_no_source_and_says_so():
    text = POET.format("1") + "\ntry: Poet('p').to_dist()\nexcept Exception as e: print(e)\n"
    code = f"from nbagents import AgentBase\nexec(compile({text!r}, '<stdin>', 'exec'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    expected = (
        "Poet cannot go to a server: its source cannot be found (<stdin>): write it in a notebook's cell"
    )
    assert run.stdout.startswith(expected), run


def test_what_fails_to_be_defined_in_the_server_says_where():
    text = "import os\nclass Poet(AgentBase):\n    x = 1 // int(os.getppid() == {})\n"
    here = "import os\nhere = os.getppid()"
    *_, failed = run_cells(
        here, "exec(f'PARENT = {here}')", text.format("PARENT"), "Poet('p').to_dist()", fine=False
    )
    assert "Poet cannot be defined in the server: ZeroDivisionError" in failed.error
    assert "(line 3 of cell [4])" in failed.error
