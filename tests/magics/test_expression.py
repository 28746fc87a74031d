from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._expression import parse_expression
from nbagents.magics._nodes import Agent, Branch, Choice, FanOut, Repeat, Sequence, agent_names, conditions_of

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
        ('if "x > 3" a else b', Branch("x > 3", A, B)),
        ("if x > 3 a else b", Branch("x > 3", A, B)),
        ("if x > 3: a else: b", Branch("x > 3", A, B)),
        ("if 'x' in msg.content a", Branch("'x' in msg.content", A)),
        ("if f(x) (a, b) else c", Branch("f(x)", FanOut((A, B)), C)),
        ("if not x and (y or z) a", Branch("not x and (y or z)", A)),
        ("if x if y else z a", Branch("x if y else z", A)),
        ("if x == 'p q' a", Branch("x == 'p q'", A)),
        ("if x a elif y b else c", Branch("x", A, Branch("y", B, C))),
        ("if x a else if y b else c", Branch("x", A, Branch("y", B, C))),
        ("if x (if y a) else b", Branch("x", Branch("y", A), B)),
        ("a -> if x b -> c else d", Sequence((A, Branch("x", Sequence((B, C)), D)))),
        ("a -> (if x b) -> c", Sequence((A, Branch("x", B), C))),
        ("(if x a, b)", FanOut((Branch("x", A), B))),
        ("(if x a else b)*2", Repeat(Branch("x", A, B), 2)),
        ("switch x case k a case 2 b else c", Choice("x", (("k", A), (2, B)), C)),
        ("switch 'x[0]': case 'k k': a case True: b", Choice("x[0]", (("k k", A), (True, B)))),
        ("switch -> a", Sequence((Agent("switch"), A))),
        ("(switch, a)", FanOut((Agent("switch"), A))),
        ("诗人 -> ﬁsh", Sequence((Agent("诗人"), Agent("fish")))),
    ],
)
def test_expressions(text, expected):
    assert parse_expression(text) == expected


IF = "if \"'urgent' in msg.content\" editor else poet"
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
        ("if a", f"it goes like this: {IF}", "if a"),
        ("a -> if", f"it goes like this: {IF}", "if"),
        ("switch x a b", 'it goes like this: switch "msg.name" case poet critic else editor', "switch x a b"),
        ("if x a else", "missing agent after this else", "else"),
        ("if x a -> else b", "missing agent after the ->", "-> else b"),
        ("a else b", "this else belongs to no if", "else b"),
        ("switch x case k a case k b", "case k is there twice", "case k b"),
        ("switch x case k a case", "case what? case poem poet", "case"),
        ("if x a else b c", "missing -> before c", "c"),
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


SOURCES = st.sampled_from(["x", "msg.content == 'a b'", 'len("c") > 3', r"'\n' in x", "f(x) or not y"])
VALUES = st.one_of(st.text(st.characters(exclude_characters="\0\n\r")), st.integers(0, 99))
NODES = st.recursive(
    st.sampled_from([A, B, C, D]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda steps: Sequence(tuple(steps))),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: FanOut(tuple(branches))),
        st.builds(Repeat, inner, st.integers(1, 9)),
        st.builds(Branch, SOURCES, inner, st.none() | inner),
        st.builds(
            Choice,
            SOURCES,
            st.dictionaries(VALUES, inner, min_size=1, max_size=3).map(lambda cases: tuple(cases.items())),
            st.none() | inner,
        ),
    ),
    max_leaves=8,
)


@given(NODES)
def test_a_pipeline_prints_as_the_expression_that_makes_it(node):
    assert parse_expression(str(node)) == node


PHRASES = st.lists(st.sampled_from(["if", "elif", "else", "switch", "case", '"a b"', *"(),:ab3", "->"])).map(
    " ".join
)


@given(st.text(alphabet="ab ()->,*3=→\"'") | PHRASES)
def test_any_text_is_a_pipeline_or_a_fault_in_words(text):
    try:
        names = agent_names(parse_expression(text))
    except UsageError as error:
        names = (str(error).partition(":")[0],)
    assert names
    words = ("%%pipeline", "case", "switch")
    assert all(name in words or set(name) <= set("ab3") for name in names)


def test_names_come_once_in_the_order_of_mention():
    assert agent_names(parse_expression("b -> (a, b*2) -> c -> a")) == ("b", "a", "c")
    node = parse_expression("b -> if x a else (switch y case k c else d)")
    assert agent_names(node) == ("b", "a", "c", "d")
    assert conditions_of(node) == ("x", "y")
