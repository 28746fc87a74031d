from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._expression import parse_expression
from nbagents.magics._nodes import Agent, FanOut, Repeat, Sequence, agent_names

A, B, C, D = (Agent(name) for name in "abcd")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("(a)", A),
        ("a -> b -> c", Sequence((A, B, C))),
        ("a->b", Sequence((A, B))),
        ("a → b", Sequence((A, B))),
        ("(a, b, c)", FanOut((A, B, C))),
        ("(a, b,)", FanOut((A, B))),
        ("(a,)", FanOut((A,))),
        ("a -> (b, c) -> d", Sequence((A, FanOut((B, C)), D))),
        ("(a -> b, c)", FanOut((Sequence((A, B)), C))),
        ("a*3", Repeat(A, 3)),
        ("a -> b * 2", Sequence((A, Repeat(B, 2)))),
        ("(a -> b)*2 -> c", Sequence((Repeat(Sequence((A, B)), 2), C))),
        ("(a, b)*2", Repeat(FanOut((A, B)), 2)),
        ("sequential a b c", Sequence((A, B, C))),
        ("sequential a", A),
        ("parallel a b", FanOut((A, B))),
        ("parallel a, (b -> c) d*2", FanOut((A, Sequence((B, C)), Repeat(D, 2)))),
        ("loop a b", Sequence((A, B))),
        ("sequential -> loop", Sequence((Agent("sequential"), Agent("loop")))),
        ("parallel*2", Repeat(Agent("parallel"), 2)),
        ("诗人 -> ﬁsh", Sequence((Agent("诗人"), Agent("fish")))),
    ],
)
def test_expressions(text, expected):
    assert parse_expression(text) == expected


ARROW = "missing agent after the first ->"
FOREIGN = "is no part of an expression; a -> b is one after the other, (a, b) both at once"


@pytest.mark.parametrize(
    ("text", "what", "pointed"),
    [
        ("poet -> -> critic", ARROW, "-> -> critic"),
        ("诗人 -> -> critic", ARROW, "-> -> critic"),
        ("a -> b -> -> c", "missing agent after the second ->", "-> -> c"),
        ("a ->", "missing agent after the ->", "->"),
        ("-> a", "missing agent before the ->", "-> a"),
        ("(-> a)", "missing agent before the ->", "-> a)"),
        ("(a,,b)", "missing agent before this ,", ",b)"),
        ("()", "no agent in these brackets", ")"),
        ("a -> (b, c", "this ( is never closed", "(b, c"),
        ("((a, b), ", "this ( is never closed", "((a, b),"),
        ("(", "this ( is never closed", "("),
        ("a)", "this ) closes nothing", ")"),
        (")", "this ) closes nothing", ")"),
        ("a, b", "agents at once need brackets: (a, b)", ", b"),
        ("a b", "missing -> before b", "b"),
        ("a (b)", "missing -> before (", "(b)"),
        ("(a b)", "missing -> before b", "b)"),
        ("a => b", f"= {FOREIGN}", "=> b"),
        ("a | b", f"| {FOREIGN}", "| b"),
        ("a - > b", f"- {FOREIGN}", "- > b"),
        ("a*", "how often? a*3", "*"),
        ("(a, b)*c", "how often? (a, b)*3", "*c"),
        ("a*0", "this must be from 1 to 1000", "0"),
        ("a*1001", "this must be from 1 to 1000", "1001"),
        ("a*" + "9" * 5000, "this must be from 1 to 1000", "9" * 5000),
        ("3*a", "a number only says how often, after a star: poet*3", "3*a"),
        ("a 3", "a number only says how often, after a star: poet*3", "3"),
        ("a -> class", "'class' is a word of Python itself, no agent", "class"),
        ("a -> all", "'all' is for %%agents; name the agents here", "all"),
        ("sequential a -> b", "sequential lists its agents without ->", "-> b"),
        ("(" * 51 + "a", "too many brackets within brackets", "(a"),
    ],
)
def test_a_fault_is_quoted_and_pointed_at(text, what, pointed):
    with pytest.raises(UsageError) as caught:
        parse_expression(text)
    message, caret = str(caught.value).split("\n")
    assert message == f"%%pipeline: “{text.strip()}” — {what}"
    shown, _, _ = f"UsageError: {message}".partition(f"{pointed}”")
    wide = sum(1 for each in shown if each in "诗人")
    assert caret == " " * (len(shown) + wide) + "^"


def test_the_fault_reads_as_designed():
    with pytest.raises(UsageError) as caught:
        parse_expression("poet -> -> critic")
    assert caught.value._render_traceback_() == [
        "UsageError: %%pipeline: “poet -> -> critic” — missing agent after the first ->\n"
        "                              ^"
    ]


def test_nothing_is_asked_for():
    with pytest.raises(UsageError, match=r"^%%pipeline: which agents\? %%pipeline poet -> critic$"):
        parse_expression("")


NODES = st.recursive(
    st.sampled_from([A, B, C, D]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda steps: Sequence(tuple(steps))),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: FanOut(tuple(branches))),
        st.builds(Repeat, inner, st.integers(1, 9)),
    ),
    max_leaves=8,
)


@given(NODES)
def test_a_pipeline_prints_as_the_expression_that_makes_it(node):
    assert parse_expression(str(node)) == node


@given(st.text(alphabet="ab ()->,*3=→'"))
def test_any_text_is_a_pipeline_or_a_fault_in_words(text):
    try:
        names = agent_names(parse_expression(text))
    except UsageError as error:
        names = (str(error).partition(":")[0],)
    assert names
    assert all(name == "%%pipeline" or set(name) <= set("ab3") for name in names)


def test_names_come_once_in_the_order_of_mention():
    assert agent_names(parse_expression("b -> (a, b*2) -> c -> a")) == ("b", "a", "c")
