"""``if`` and ``switch`` in a real kernel: the conditions are the author's code, run by IPython."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def two(kernel: Any) -> Any:
    kernel.run("%%agent left -m demo-fast\nYou are an echo.")
    kernel.run("%%agent right -m demo-fast\nYou are an echo.")
    kernel.run("word = 'urgent'")
    return kernel


@pytest.mark.parametrize(("text", "who", "said"), [("urgent!", "left", "yes"), ("later", "right", "no")])
def test_a_condition_decides_who_is_asked(two: Any, text: str, who: str, said: str):
    cell = two.run(f"%%pipeline if word in msg.content left else right -o out\n{text}")
    assert f"— if word in msg.content · {said} —" in cell.card
    assert two.run("out.name").card == repr(who)
    assert "✓ done" in cell.card


def test_a_condition_looks_at_what_was_said_before(two: Any):
    cell = two.run("%%pipeline left -> if \"'urgent' in msg.content\" right -o out\nIt is urgent.")
    assert "— if 'urgent' in msg.content · yes —" in cell.card
    assert two.run("out.name").card == "'right'"
    two.run("%%pipeline left -> if \"'urgent' in msg.content\" right -o out\nNo hurry.")
    assert two.run("out.name").card == "'left'"


def test_a_switch_and_passes(two: Any):
    cell = two.run("%%pipeline (switch msg.name case user left case 'left' right) --loop 2 -o out\nHello.")
    places = [cell.card.index(each) for each in ("pass 1 of 2", "· 'user'", "pass 2 of 2", "· 'left'")]
    assert places == sorted(places)
    assert two.run("out.name").card == "'right'"


def test_a_condition_in_the_background_and_with_until(two: Any):
    two.run("%%pipeline if len(word) > 3 left else right -b -o later\nHello.")
    assert two.run("later.name").card == "'left'"
    cell = two.run("%%pipeline if msg.name == 'user' left else right --until msg.name == 'right'\nHello.")
    assert cell.card.endswith("✓ stopped by --until after pass 2")


def test_a_condition_that_fails_ends_the_run(two: Any):
    cell = two.run("%%pipeline if nothing_of_that_name left else right\nHello.")
    assert cell.error.startswith("NameError: name 'nothing_of_that_name' is not defined")
    assert "✗ failed" in cell.card


def test_forms_are_shown_before_they_are_sent_and_as_python(two: Any):
    cell = two.run("%%pipeline if word in msg.content left else right --dry-run\nHello.")
    assert "if `word in msg.content`: Hello." in cell.card
    two.run("%%pipeline if word in msg.content left else right -q\nHello.")
    assert (
        "pipeline = IfElsePipeline(lambda msg: (word in msg.content), left, right)"
        in two.run("%agents code").stdout
    )


def test_a_condition_under_another_magic_is_refused(two: Any):
    cell = two.run("%%time\n%%pipeline if word in msg.content left else right\nHello.")
    assert "a condition needs the magic on the first line of the cell, alone" in cell.stderr
