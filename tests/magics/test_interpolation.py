from __future__ import annotations

import datetime
import json
import re
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbagents.exceptions import CallCancelledError
from nbagents.magics._interpolation import interpolate


@dataclass
class _Reply:
    content: str = "Grey beads."
    metadata: dict[str, str] = field(default_factory=dict)
    _secret: str = "s3cret"

    @property
    def broken(self):
        raise RuntimeError("not today")

    @property
    def failed(self):
        raise CallCancelledError("stopped by you")

    def shout(self):
        raise AssertionError("called")


NAMES = {
    "topic": "rain",
    "d": {"k": "value", "__class__": "a key", "it's": "quoted"},
    "rows": ["first", "last"],
    "price": 3.14159,
    "n": 4,
    "a": 1,
    "b": 2,
    "x": 5,
    "i": 6,
    "HOME": "nowhere",
    "name": "Ada",
    "msg": _Reply(metadata={"k": "v"}),
    "when": datetime.date(2026, 11, 20),
    "_private": "s3cret",
    "__dunder__": "s3cret",
    "json": json,
    "dataclass": dataclass,
    "_Reply": _Reply,
    "Reply": _Reply,
    "诗": "poem",
}


def _filled(text, **more):
    return interpolate(text, NAMES | more).text


# The twelve cases of the specification, one of each kind.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write about {topic}.", "Write about rain."),
        ("{msg.content}", "Grey beads."),
        ('{d["k"]} {d[\'k\']} {d["it\'s"]}', "value value quoted"),
        ("{rows[-1]} {rows[0]}", "last first"),
        ("{topic!r} {topic!s} {诗!a}", "'rain' rain 'poem'"),
        ("{price:.2f} {n:02d} {topic:>6} {when:%d.%m.%Y} {n!r:>3}", "3.14 04   rain 20.11.2026   4"),
        ('{"a": 1, "b": {"x": [1, 2]}} {a: 1} {a:1} {a, b} {}', None),
        ("if (a) { return {b: 2}; } body{color:red} { topic }", None),
        ("${HOME} ${topic} $5 ${{name}} ${7*7} %(x)s", None),
        (r"\frac{a}{b} $x^{n}$ \sqrt[n]{x} $$\sum_{i}^{n} x_{i}$$ x_{i} \[ {a} \] \mathbf{x}_{i}", None),
        ("{{topic}} {{name}} {{undefined}}", "{topic} {name} {undefined}"),
        ('{"text": {"inner": "{topic}"}}}}', '{"text": {"inner": "rain"}}}}'),
    ],
)
def test_the_cases_of_the_specification(text, expected):
    assert _filled(text) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{topic}{topic}", "rainrain"),
        ("{msg.metadata['k']}", "v"),
        ('{d["__class__"]}', "a key"),
        ("{诗}", "poem"),
        ("{{{topic}}}", "{rain}"),
        ("{{{unknown}}}", "{{{unknown}}}"),
        ("{{7*7}} {{ topic }} {{topic}", "{{7*7}} {{ topic }} {rain"),
        ("{topic}}}", "rain}}"),
        ("{topic()} {n + 1} {msg[key]} {0} {0[key]} {topic!x} {topic=}", None),
        (
            r"\textbf{topic} \textbf{{topic}} \section*{About {topic}}",
            r"\textbf{topic} \textbf{rain} \section*{About rain}",
        ),
        (r"\begin{align} x_{i} &= {a} \end{align} {a}", r"\begin{align} x_{i} &= {a} \end{align} 1"),
        ("file_{i}.txt costs $5 and {price:.0f}$", "file_6.txt costs $5 and 3$"),
        ("\\{a\\} \\(x_{{i}}\\) C:\\{topic}", "\\{a\\} \\(x_{{i}}\\) C:\\rain"),
        ("\\title{{BERT}: on {topic}}", "\\title{{BERT}: on rain}"),
        ("{topic:5} {n:x<5} {n:,}", "{topic:5} 4xxxx 4"),
    ],
)
def test_more_of_the_same(text, expected):
    assert _filled(text) == (text if expected is None else expected)


def test_what_was_filled_in_is_listed_once():
    result = interpolate("{topic} and {topic} in {n:02d}: {rows[-1]}", NAMES)
    assert result.chips == (("topic", "rain"), ("n:02d", "04"), ("rows[-1]", "last"))
    assert result.notes == ()


def test_a_value_is_never_filled_in_turn():
    hostile = "{_private} {topic} {{topic}} \\frac{topic} @bob do it"
    assert _filled("{value} {topic}", value=hostile) == f"{hostile} rain"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("{topik}", "`{topik}` left as is — no variable of that name; did you mean `{topic}`?"),
        ("{zzzzzz}", "`{zzzzzz}` left as is — no variable of that name"),
        ("{topik} {topik}", "`{topik}` left as is — no variable of that name; did you mean `{topic}`?"),
        ("{msg.__class__}", "`{msg.__class__}` left as is — what begins with _ is private"),
        (
            "{msg.__class__.__init__.__globals__}",
            "`{msg.__class__.__init__.__globals__}` left as is — what begins with _ is private",
        ),
        ("{msg._secret}", "`{msg._secret}` left as is — what begins with _ is private"),
        ("{d['k'].__class__}", "`{d['k'].__class__}` left as is — what begins with _ is private"),
        ("{_private}", "`{_private}` left as is — what begins with _ is private"),
        ("{__dunder__}", "`{__dunder__}` left as is — what begins with _ is private"),
        ("{json}", "`{json}` left as is — it is a module, not text"),
        ("{Reply}", "`{Reply}` left as is — it is a class, not text"),
        ("{dataclass}", "`{dataclass}` left as is — it is a function, not text"),
        ("{msg.shout}", "`{msg.shout}` left as is — it is a method, not text"),
        ("{topic.upper}", "`{topic.upper}` left as is — it is a function, not text"),
        (
            "{msg.shout()}",
            "`{msg.shout()}` left as is — nothing is called here; give the result a name first",
        ),
        ("{msg.broken}", "`{msg.broken}` left as is — RuntimeError: not today"),
        ("{d['nope']}", "`{d['nope']}` left as is — KeyError: 'nope'"),
        ("{rows[7]}", "`{rows[7]}` left as is — IndexError: list index out of range"),
        (
            "{topic:.2f}",
            "`{topic:.2f}` left as is — ValueError: Unknown format code 'f' for object of type 'str'",
        ),
    ],
)
def test_what_cannot_be_filled_stays_and_says_why(text, note):
    result = interpolate(text, NAMES)
    assert (result.text, result.chips, result.notes) == (text, (), (note,))


@pytest.mark.parametrize(
    "text",
    [
        '{"topik": 1}',
        "{unknown.attr} {unknown['k']} {unknown:.2f}",
        "${TOPIK} $x_{k}$ \\frac{p}{q}",
        "{ topik } {topik, n} {} {topik: 1}",
        "no braces",
        "{undefined()}",
    ],
)
def test_what_does_not_look_like_a_misspelt_name_is_not_noted(text):
    assert interpolate(text, NAMES).notes == ()


def test_a_failed_message_fails_where_it_is_read():
    with pytest.raises(CallCancelledError, match="stopped by you"):
        interpolate("{msg.failed}", NAMES)


def test_the_caller_says_how_values_look():
    result = interpolate("{n} {n!s:>4} {n!r} {n:03d}", NAMES, render=lambda value: f"<{value}>")
    assert result.text == "<4>  <4> 4 004"
    assert result.chips[0] == ("n", "<4>")


def test_long_values_are_cut_with_a_note():
    result = interpolate("{long}!", {"long": "x" * 30}, limit=10)
    assert result.text == "xxxxxxxxxx…!"
    assert result.chips == (("long", "xxxxxxxxxx…"),)
    assert result.notes == ("`{long}` is 30 characters long; the first 10 were filled in",)


BRACES = st.text(alphabet="{}[]()\"'$\\_^!:.,- \nabtopic12=r")


@given(BRACES)
def test_without_variables_a_text_stays_as_typed_but_for_its_doubled_names(text):
    assume(not re.search(r"\{\{\w[^{}]*\}\}", text))
    assert interpolate(text, {}).text == text


@given(BRACES)
def test_filling_only_ever_replaces_what_it_lists(text):
    assume("{{" not in text)
    result = interpolate(text, {"a": "‹A›", "b": ["‹B›"], "topic": "‹T›"})
    for source, value in result.chips:
        assert f"{{{source}}}" in text
        assert value in result.text
    restored = result.text
    for source, value in result.chips:
        restored = restored.replace(value, f"{{{source}}}")
    if len({value for _, value in result.chips}) == len(result.chips):
        assert restored == text


@given(st.text(), st.text())
def test_any_text_and_any_value_go_through(text, value):
    assert interpolate(text, {"x": value}).text.count("\0") <= text.count("\0") + value.count("\0")
    assert interpolate("{x}", {"x": value}).text == value


@pytest.mark.parametrize(
    "piece", ["{", "}", "{{", "{a", "{topic} $ \\a ^ ", "\\[", "$$ ", "{a[", "aa.", "{a(", "\\b[x]"]
)
def test_much_text_takes_little_time(piece):
    text = "{" + piece * 20_000
    started = time.process_time()
    assert interpolate(text, {"a": 1}).text == text
    assert time.process_time() - started < 5
