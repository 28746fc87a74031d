from __future__ import annotations

import re

import pytest

from nbagents.exceptions import UsageError
from nbagents.magics._grammar import (
    parse_agent_cell,
    parse_agents_cell,
    parse_agents_line,
    parse_hub_cell,
    parse_pipeline_cell,
)
from nbagents.magics._help import help_text
from nbagents.magics._options import MAGICS, OPTIONS, options_of
from nbagents.magics._verbs import VERBS

READERS = {
    "%%agent": parse_agent_cell,
    "%%agents": parse_agents_cell,
    "%%pipeline": parse_pipeline_cell,
    "%%msghub": parse_hub_cell,
}


@pytest.mark.parametrize("magic", MAGICS)
def test_help_names_each_option_there_is_and_no_other(magic):
    text = help_text(magic)
    there = {option.name for option in options_of(magic)}
    for name in {option.name for option in OPTIONS}:
        named = re.search(rf"^  (-\w, )?{name}( |$)", text, re.MULTILINE) is not None
        assert named is (name in there), name


@pytest.mark.parametrize("magic", MAGICS)
def test_help_fits_and_gives_two_examples_that_parse(magic):
    text = help_text(magic)
    assert f"\nUsage: {magic} " in text
    assert max(len(line) for line in text.split("\n")) <= 100
    examples = text.split("Examples:\n\n")[1].rstrip().split("\n\n")
    assert len(examples) == 2
    for example in examples:
        first, *body = [line.removeprefix("  ") for line in example.split("\n")]
        line = first.split(magic, 1)[1]
        if magic == "%agents":
            parse_agents_line(line)
        else:
            READERS[magic](line, "\n".join(body))


def test_help_names_each_command_there_is():
    text = help_text("%agents")
    for verb in VERBS:
        assert f"\n  {verb.name}" in text


def test_help_on_nothing():
    with pytest.raises(UsageError, match=r"^no magic '%%agentz'. Did you mean '%%agent'\?"):
        help_text("%%agentz")
