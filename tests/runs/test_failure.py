"""What went wrong is said with who, why and what to type, and without the places of one machine."""

from __future__ import annotations

import pytest

from nbagents.exceptions import (
    AgentServerNotAliveError,
    CallTimeoutError,
    ModelAuthError,
    ModelUnavailableError,
    NbAgentsError,
    RemoteAgentError,
    ServerLostError,
)
from nbagents.runs import error_view, full_traceback


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (ModelUnavailableError("refused"), "critic got no answer from its model"),
        (ServerLostError("gone"), "the agent server went away while critic was busy"),
        (AgentServerNotAliveError("stopped"), "critic has no agent server any more"),
        (ModelAuthError("401"), "the key of critic's model was rejected"),
        (CallTimeoutError("late"), "critic timed out"),
        (RemoteAgentError("boom", type_name="KeyError"), "critic failed: KeyError"),
        (ValueError("boom"), "critic failed: ValueError"),
    ],
)
def test_the_title_says_who_and_what(error: BaseException, title: str):
    assert error_view("critic", error).title == title


def test_the_hint_is_what_to_type():
    view = error_view("critic", ModelUnavailableError("refused", hint="ollama serve"))
    assert (view.message, view.hint, view.details) == ("refused", "ollama serve", "")


def test_an_error_of_ours_about_the_run_is_its_own_title():
    assert error_view("", NbAgentsError("--until never became true")).title == "--until never became true"


def test_the_traceback_of_the_other_process_comes_first():
    error = RemoteAgentError("boom", type_name="KeyError")
    error.remote_traceback = (
        'Traceback:\n  File "/srv/app/agents/poet.py", line 3, in reply\nKeyError: boom\n'
    )
    assert full_traceback(error) == 'Traceback:\n  File "poet.py", line 3, in reply\nKeyError: boom'
    assert error_view("poet", error).details == full_traceback(error)


def test_paths_start_at_their_package():
    error = ValueError("boom")
    error.remote_traceback = (  # type: ignore[attr-defined]
        '  File "/usr/lib/python3.11/site-packages/nbagents/x.py", line 1\n'
        '  File "/tmp/ipykernel_12/345.py", line 2\n'
        '  File "<stdin>", line 3'
    )
    assert full_traceback(error) == (
        '  File "nbagents/x.py", line 1\n  File "<cell>", line 2\n  File "<stdin>", line 3'
    )
