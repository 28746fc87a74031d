from __future__ import annotations

import ast
import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbagents.exceptions import UsageError
from nbagents.magics._rewrite import REGISTERED, rewrite_cell

OBJECT = f"get_ipython().magics_manager.registry['{REGISTERED}']"


def _transformers():
    manager = TransformerManager()
    manager.cleanup_transforms.append(rewrite_cell)
    return manager


def _transformed(cell):
    return _transformers().transform_cell(cell).replace(OBJECT, "NB")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            "%%agents poet critic\nHello,\n  you.",
            "await NB.cell('agents', 'poet critic', 'Hello,\\n  you.\\n')\n",
        ),
        ("%%agent poet", "await NB.cell('agent', 'poet', '')\n"),
        ("%%agents\n@a hi", "await NB.cell('agents', '', '@a hi\\n')\n"),
        ("\n\n  %%agents poet\n  hi\n", "await NB.cell('agents', 'poet', 'hi\\n')\n"),
        ("# why\n\n%%agents poet\nhi\n", "# why\n\nawait NB.cell('agents', 'poet', 'hi\\n')\n"),
        ("%%pipeline a -> b -o x\nGo.", "await NB.cell('pipeline', 'a -> b -o x', 'Go.\\n')\n"),
        (
            "%%pipeline a -> b --until \"'OK' in msg.content\" -o x\nGo.",
            "await NB.cell('pipeline', 'a -> b --until \"\\'OK\\' in msg.content\" -o x', 'Go.\\n', "
            "until=lambda msg: ('OK' in msg.content))\n",
        ),
        (
            "%%pipeline a -> if 'OK' in msg.content b else (switch n case 1 c) -o x\nGo.",
            "await NB.cell('pipeline', \"a -> if 'OK' in msg.content b else (switch n case 1 c) -o x\", "
            "'Go.\\n', conditions=[lambda msg: ('OK' in msg.content), lambda msg: (n)])\n",
        ),
        (
            '%%pipeline a -> if "x[0]" b --until y > 1\nGo.',
            "await NB.cell('pipeline', 'a -> if \"x[0]\" b --until y > 1', 'Go.\\n', "
            "until=lambda msg: (y > 1), conditions=[lambda msg: (x[0])])\n",
        ),
        ("%%msghub a b --rounds 2\n# nothing", "await NB.cell('msghub', 'a b --rounds 2', '# nothing\\n')\n"),
        ("%%msghub a b --dry-run\na()", "await NB.cell('msghub', 'a b --dry-run', 'a()\\n')\n"),
        ("%%agents poet\nhi?", "await NB.cell('agents', 'poet', 'hi?\\n')\n"),
        ("%%agents poet\n%time\n!ls\n{x}?", "await NB.cell('agents', 'poet', '%time\\n!ls\\n{x}?\\n')\n"),
    ],
)
def test_a_cell_of_ours_becomes_one_awaited_call(cell, expected):
    assert _transformed(cell) == expected


def test_the_body_of_a_hub_stays_where_it_is():
    body = "for _ in range(2):\n    alice(); bob()\nfiles = !ls\ncarol('Summarise.')"
    lines = _transformed(f"%%msghub alice bob\n{body}").split("\n")
    assert lines[0] == f"hub = NB.open_hub('alice bob', {body + chr(10)!r})"
    assert lines[1:3] == body.split("\n")[:2]
    assert lines[3] == "files = get_ipython().getoutput('ls')"
    assert lines[4:] == ["carol('Summarise.')", "", "await NB.close_hub();", ""]


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1\n",
        "%%agents?\n",
        "%%agents??\n",
        "?%%agents\n",
        "%%agentsx poet\nhi\n",
        "%%time\n%%agents poet\n",
        "%agents ask poet hi\n",
        "x = 1\n%%agents poet\n",
        "# %%agents poet\n",
        "",
        "\n",
    ],
)
def test_other_cells_are_left_alone(cell):
    assert _transformers().transform_cell(cell) == TransformerManager().transform_cell(cell)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("%%pipeline a --until 'x =='\nGo.", "%%pipeline: --until “x ==” — invalid syntax"),
        ('%%pipeline a --until "1) or print(2"\n', "%%pipeline: --until “1) or print(2” — unmatched ')'"),
        ("%%pipeline a --until 'await x'\n", "%%pipeline: --until “await x” — a condition cannot wait"),
        ("%%pipeline a --until\n", "%%pipeline: --until needs a condition"),
        ("%%pipeline a --until 'x\n", "%%pipeline: “a --until 'x” — this ' is never closed"),
        ("%%msghub a 'b\na()", "%%msghub: “a 'b” — this ' is never closed"),
    ],
)
def test_a_fault_is_raised_when_the_cell_runs(cell, fault):
    code = _transformed(cell)
    assert code.count("\n") == 1
    [statement] = ast.parse(code).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert ast.unparse(statement.value.func) == "NB.refuse"
    assert ast.literal_eval(statement.value.args[0]).startswith(fault)


def test_a_terminal_still_asks_for_the_body():
    manager = _transformers()
    assert manager.check_complete("%%agents poet\n")[0] == "incomplete"
    assert manager.check_complete("%%agents poet\nhello")[0] == "incomplete"
    assert manager.check_complete("%%agents poet\nhello\n\n")[0] == "complete"


WORDS = st.sampled_from(
    ["poet", "->", "(a, b)", "--loop 3", "-o x", "--until", "\"'?' in msg\"", "'x", "%a", "诗?", "{x}"]
)
MAGICS = st.sampled_from(["agent", "agents", "pipeline", "msghub"])


@given(MAGICS, st.lists(WORDS).map(" ".join), st.text(alphabet="@a {}'\"\\\n%!?#="))
def test_what_ipython_makes_of_a_cell_of_text_is_always_one_statement(magic, line, body):
    cell = f"%%{magic} {line} --dry-run\n{body}"
    [statement] = ast.parse(_transformed(cell)).body
    value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    called = ast.unparse(value.func)
    assert called in ("NB.cell", "NB.refuse")
    if called == "NB.cell":
        assert ast.literal_eval(value.args[0]) == magic
        # IPython itself empties lines of blanks.
        typed = [part if part.strip() else "" for part in body.removesuffix("\n").split("\n")]
        assert ast.literal_eval(value.args[2]).removesuffix("\n").split("\n") == typed


ENDINGS = ["a()", "a()\n", "if a:\n    a()", "x = 1 \\\n", "a()  # done", "'''\n%x\n'''", "a()\n\n\n"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_hub_with_any_ending_compiles(ending):
    tree = ast.parse(_transformed(f"%%msghub a b\n{ending}"))
    assert ast.unparse(tree.body[-1]) == "await NB.close_hub()"


class _Recorder:
    """Stands where the magics object stands, in a real shell."""

    def __init__(self):
        self.calls = []

    async def cell(self, kind, line, body, until=None):
        await asyncio.sleep(0)
        self.calls.append((kind, line, body, until))
        return f"{kind} ran"

    def open_hub(self, line, body):
        self.calls.append(("open", line, body))
        return "the hub"

    async def close_hub(self):
        await asyncio.sleep(0)
        self.calls.append(("close",))

    def refuse(self, text):
        raise UsageError(text)


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.input_transformer_manager.cleanup_transforms.append(rewrite_cell)
    shell.magics_manager.registry[REGISTERED] = _Recorder()
    yield shell
    shell.restore_sys_module_state()


def _run(shell, cell):
    async def run():
        transformed = shell.transform_cell(cell)
        assert shell.should_run_async(cell, transformed_cell=transformed)
        return await shell.run_cell_async(cell, transformed_cell=transformed)

    result = asyncio.run(run())
    return result, shell.magics_manager.registry[REGISTERED].calls


def test_ipython_runs_the_cell_in_its_own_loop_and_shows_the_result(shell):
    result, calls = _run(shell, "%%agents poet\nWhat is rain?\n")
    assert result.success
    assert result.result == "agents ran"
    assert calls == [("agents", "poet", "What is rain?\n", None)]


def test_the_condition_is_code_of_the_cell(shell):
    shell.user_ns["limit"] = 3
    result, [(_, _, _, until)] = _run(shell, '%%pipeline a -> b --until "len(msg) <= limit"\nGo.\n')
    assert result.success
    assert (until("abc"), until("abcd")) == (True, False)


def test_the_body_of_a_hub_is_code_of_the_cell(shell):
    result, calls = _run(shell, "%%msghub a b\nimport asyncio\nawait asyncio.sleep(0)\nseen = hub\n")
    assert result.success
    assert shell.user_ns["seen"] == "the hub"
    assert [call[0] for call in calls] == ["open", "close"]


def test_a_hub_that_raises_points_into_the_cell(shell, capsys):
    result, calls = _run(shell, "%%msghub a b\nx = 1\nx / 0\n")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert result.error_in_exec.__traceback__.tb_next.tb_lineno == 3
    assert [call[0] for call in calls] == ["open"]


def test_a_fault_is_one_readable_line(shell, capsys):
    cell = "%%pipeline a --until 'x =='\nGo.\n"
    result = asyncio.run(shell.run_cell_async(cell, transformed_cell=shell.transform_cell(cell)))
    assert isinstance(result.error_in_exec, UsageError)
    assert "UsageError: %%pipeline: --until “x ==” — invalid syntax" in capsys.readouterr().out
