"""What an error of ours says where it ends a plain program."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nbagents.exceptions import NbAgentsError, ServiceNotStartedError, UsageError


def test_a_program_that_ends_with_an_error_says_what_to_do_next() -> None:
    program = "from nbagents.exceptions import UsageError\nraise UsageError('no such agent', hint='%agents')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.endswith("nbagents.exceptions.UsageError: no such agent\nTry: %agents\n")


@pytest.mark.parametrize(
    ("error", "notes"),
    [
        (UsageError("wrong", hint="the other way"), ["Try: the other way", "noted"]),
        (ServiceNotStartedError("not started"), [f"Try: {ServiceNotStartedError.hint}", "noted"]),
        (UsageError("wrong"), ["noted"]),
    ],
)
def test_a_hint_stands_once_above_what_others_note(error: NbAgentsError, notes: list[str]) -> None:
    error.add_note("noted")
    assert error.__notes__ == notes
    assert error.__notes__ == notes
