from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._condition import find_condition, wrapped

APPROVED = "'APPROVED' in msg.content"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a -> b", None),
        ("a -> b '--until' c", None),
        (f'a -> b --until "{APPROVED}"', APPROVED),
        (f'a -> b --until="{APPROVED}" -o x', APPROVED),
        (f'a -> b --until "{APPROVED}" -o draft', APPROVED),
        (f"a -> b --until {APPROVED}", APPROVED),
        (f"a -> b --until {APPROVED} --loop 3", APPROVED),
        (f"a -> b --until={APPROVED} -o draft", APPROVED),
        ("a --until len(msg.content) -x > 3 -b", "len(msg.content) -x > 3"),
        (r'a --until "\"it\" in msg.content"', '"it" in msg.content'),
        ("a --until '  done  '", "done"),
        ("a --until x > 1 --loop=3", "x > 1"),
        ("a --until x > 1 -o=y", "x > 1"),
        ("a --until x > 1 --timout 3", "x > 1"),
        ("a --until msg.content.endswith('a b') and x", "msg.content.endswith('a b') and x"),
    ],
)
def test_the_condition_is_one_quoted_word_or_reaches_to_the_next_option(line, expected):
    assert find_condition(line, "%%pipeline") == expected


@pytest.mark.parametrize("line", ["a --until", "a --until -o x", 'a --until ""', "a --until= -b"])
def test_an_empty_condition_is_refused(line):
    with pytest.raises(UsageError, match="--until needs a condition"):
        find_condition(line, "%%pipeline")


@pytest.mark.parametrize(
    "source", [APPROVED, "msg.metadata", "a, b", "f(x for x in y)", "(x := msg.content)"]
)
def test_a_condition_becomes_a_function_of_the_message(source):
    assert wrapped(source, "%%pipeline") == f"lambda msg: ({source})"


def test_a_comment_does_not_swallow_the_bracket():
    code = wrapped("'#1' in msg.content  # enough", "%%pipeline")
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse("lambda msg: ('#1' in msg.content)"))


@pytest.mark.parametrize(
    ("source", "pointed"),
    [
        ("x ==", ""),
        ("x = 1", "= 1"),
        ("1) or print(2", ") or print(2"),
        ("import os", "import os"),
        ("await msg", "await msg"),
        ("'é' and await msg", "await msg"),
        ("(yield)", "yield)"),
    ],
)
def test_what_is_no_expression_is_pointed_at(source, pointed):
    with pytest.raises(UsageError) as caught:
        wrapped(source, "%%pipeline")
    message, caret = str(caught.value).split("\n")
    assert message.startswith(f"%%pipeline: --until “{source}” — ")
    at = len("UsageError: %%pipeline: --until “") + len(source) - len(pointed)
    assert caret == " " * at + "^"


@pytest.mark.parametrize("source", ["\0", "(" * 500 + ")" * 500, "-" * 100_000 + "1"])
def test_what_python_cannot_read_at_all_is_refused(source):
    with pytest.raises(UsageError, match="--until"):
        wrapped(source, "%%pipeline")


@given(st.text(alphabet="msg.x()[]{}'\"#\\ \n=:,+-lambdif"))
def test_no_condition_breaks_out_of_its_brackets(source):
    try:
        code = wrapped(source, "%%pipeline")
    except UsageError:
        return
    [statement] = ast.parse(f"run(until={code})").body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert [each.arg for each in statement.value.keywords] == ["until"]
    assert isinstance(statement.value.keywords[0].value, ast.Lambda)
