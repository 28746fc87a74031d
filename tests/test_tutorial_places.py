"""The tutorials are found by name, in reading order, and nothing else is."""

from __future__ import annotations

import pytest

from nbagents._tutorials import FIRST, title, tutorial, tutorials
from nbagents.exceptions import UsageError


def test_the_tutorials_come_in_reading_order_and_the_first_one_is_the_first():
    names = list(tutorials())
    assert names[0] == FIRST
    assert names == sorted(names)
    assert title(tutorial()) == "A first conversation"
    assert all(path.suffix == ".md" for path in tutorials().values())


@pytest.mark.parametrize("name", ["", "nothing", "../README", "01-first-conversation.md", "/etc/passwd"])
def test_no_other_file_is_a_tutorial(name: str):
    with pytest.raises(UsageError, match="no tutorial"):
        tutorial(name)
