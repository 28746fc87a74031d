"""Text from outside made fit to be shown."""

from __future__ import annotations

import pytest

from nbagents.render._plain import clip, letter, one_line, redact, seconds, shown_lines, tidy


@pytest.mark.parametrize(
    ("given", "tidied"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1bMy", "red xy"),
        ("a\x00\x07\x7f\x9bb\tc", "ab\tc"),
        ("\ud800x", "?x"),
        ("雨 ✓ é", "雨 ✓ é"),
    ],
)
def test_tidy(given: str, tidied: str):
    assert tidy(given) == tidied


def test_a_label_is_one_short_line():
    assert one_line(" a\n\tb  c ") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert one_line("\u202eevil\u2066\u200b") == "evil"
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"
    assert one_line(17) == "17"
    assert len(one_line("\x00" * 10**7 + "x")) <= 120


def test_clip_keeps_what_fits():
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("sk-0123456789abcdef", "sk-…cdef"),
        ("Bearer abcdefghijkl", "Bearer …"),
        ("Authorization: bearer 'x'", "Authorization: bearer 'x'"),
        ("task-oriented risk-taking", "task-oriented risk-taking"),
    ],
)
def test_redact(given: str, shown: str):
    assert redact(given) == shown


def test_figures():
    assert [seconds(s) for s in (-1, 0.04, 59.94, 59.96, 3599.6)] == [
        "0.0 s",
        "0.0 s",
        "59.9 s",
        "1 min 00 s",
        "1 h 00 min",
    ]
    assert [letter(n) for n in ("poet", "_x", "ßa", "雨", "…")] == ["P", "X", "S", "雨", "?"]
    assert shown_lines("a\n\n" + "x" * 200) == 5
