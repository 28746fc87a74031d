from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._names import check_name, check_names, is_name


@pytest.mark.parametrize("name", ["poet", "poet_2", "诗人", "Ärztin", "match", "_hidden"])
def test_identifiers_of_any_language_are_names(name):
    assert check_name(name) == name


def test_a_name_is_kept_as_python_keeps_it():
    assert check_name("ﬁsh") == "fish"


@pytest.mark.parametrize(
    ("name", "why", "suggested"),
    [
        ("my-poet", "'my-poet' cannot be written as a Python name", "my_poet"),
        ("2poet", "'2poet' cannot be written as a Python name", "poet2"),
        ("42", "'42' cannot be written as a Python name", "agent42"),
        ("a.b c", "'a.b c' cannot be written as a Python name", "a_b_c"),
        ("!?", "'!?' cannot be written as a Python name", "agent"),
        ("class", "'class' is a word of Python itself", "class_"),
        ("all", "'all' means every agent in %%agents", "everyone"),
    ],
)
def test_other_names_are_refused_with_one_that_would_do(name, why, suggested):
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert str(caught.value) == f"%%agent: {why}. Call the agent {suggested!r}"


@given(st.text())
def test_what_is_suggested_would_do(name):
    try:
        check_name(name)
    except UsageError as error:
        suggested = str(error).rsplit("'", 2)[1]
        assert check_name(suggested) == suggested
    else:
        assert is_name(name)
        assert not keyword.iskeyword(name)


@pytest.mark.parametrize(
    ("names", "known", "magic", "expected"),
    [
        (
            ["poet", "peot"],
            ["poet", "critic", "judge"],
            "%%agents",
            "%%agents: no agent called 'peot'. Did you mean 'poet'?   Known: poet, critic, judge",
        ),
        (
            ["peot"],
            ["poet", "critic", "judge"],
            "",
            "no agent called 'peot'. Did you mean 'poet'?   Known: poet, critic, judge",
        ),
        (["Poet"], ["poet"], "", "no agent called 'Poet'. Did you mean 'poet'?   Known: poet"),
        (["xyz"], ["poet"], "", "no agent called 'xyz'.   Known: poet"),
        (["poet"], [], "%%msghub", "%%msghub: no agent called 'poet'. There is none yet: %%agent poet"),
    ],
)
def test_an_unknown_name_is_guessed_at(names, known, magic, expected):
    with pytest.raises(UsageError) as caught:
        check_names(names, known, magic=magic)
    assert str(caught.value) == expected


def test_a_long_row_of_names_is_cut():
    with pytest.raises(UsageError, match=r"Known: .*agent_11 and 8 more$"):
        check_names(["zebra"], [f"agent_{number:02d}" for number in range(20)])


def test_known_names_and_all_pass():
    check_names(["poet", "all"], ["poet"])
