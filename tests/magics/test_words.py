from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._words import Reader, split


def _texts(line):
    return [word.text for word in split(line, "%%agents")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  \t ", []),
        ("a b  c", ["a", "b", "c"]),
        ('a "b c" d', ["a", "b c", "d"]),
        ("'a b'c", ["a bc"]),
        ('""', [""]),
        (r'"say \"hi\" \n"', ['say "hi" \\n']),
        (r"'no \escape'", ["no \\escape"]),
        (r"C:\data\x", ["C:\\data\\x"]),
        (r"it\'s a\ b", ["it's", "a b"]),
        ("--until \"'APPROVED' in msg.content\"", ["--until", "'APPROVED' in msg.content"]),
    ],
)
def test_words_are_split_as_in_a_shell(line, expected):
    assert _texts(line) == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_what_a_shell_would_quote_comes_back(words):
    assert _texts(shlex.join(words)) == words


@given(st.text(alphabet="ab -'\"\\="))
def test_each_word_knows_where_it_stood(line):
    try:
        words = split(line, "%%agents")
    except UsageError:
        return
    for word in words:
        assert _texts(line[word.start : word.end]) == [word.text]
        assert word.start == 0 or line[word.start - 1].isspace()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("-o", True),
        ("--loop", True),
        ("--loop=3", True),
        ("->", False),
        ("-1", False),
        ("--", False),
        ("'-o'", False),
    ],
)
def test_only_unquoted_dashes_before_a_letter_make_an_option(written, expected):
    [word] = split(written, "%%agents")
    assert word.is_option is expected


def test_one_pair_of_quotes_around_all_of_a_word_is_known():
    words = split("'a b' 'a'b \"c\"", "%%agents")
    assert [word.whole for word in words] == [True, False, True]


def test_the_rest_of_a_line_stays_as_it_is_written():
    reader = Reader("ask poet what's  up?", "%agents")
    assert [reader.next().text, reader.next().text] == ["ask", "poet"]
    assert reader.rest == " what's  up?"
