"""Asking a person without knowing how the person is reached."""

from __future__ import annotations

import contextvars
import sys
import threading

import pytest

from nbagents import asking
from nbagents.asking import Question, answering, ask, scripted
from nbagents.exceptions import UsageError

KEEP = Question("editor", "Keep it? ")


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    monkeypatch.setattr(asking, "terminal", None)


def test_a_script_answers_in_order():
    with scripted(["yes", "no"]):
        assert [ask(KEEP), ask(KEEP)] == ["yes", "no"]
        with pytest.raises(UsageError, match="editor asks 'Keep it\\?' and the script has no answer left"):
            ask(KEEP)


def test_the_nearest_answerer_answers():
    with answering(lambda question: "outer"):
        with answering(lambda question: f"inner to {question.agent}"):
            assert ask(KEEP) == "inner to editor"
        assert ask(KEEP) == "outer"
        with pytest.raises(ZeroDivisionError), scripted(["x"]):
            1 / 0  # noqa: B018
        assert ask(KEEP) == "outer"


def test_the_answerer_goes_with_the_context():
    found = []
    with scripted(["yes"]):
        inside = contextvars.copy_context()
    thread = threading.Thread(target=lambda: found.append(inside.run(ask, KEEP)))
    thread.start()
    thread.join(20)
    assert found == ["yes"]


def test_with_nobody_there_asking_fails_at_once_or_takes_the_default():
    with pytest.raises(UsageError, match="editor asks 'Keep it\\?' and nobody is there to answer") as caught:
        ask(KEEP)
    assert "scripted" in caught.value.hint
    assert ask(Question("editor", "Keep it? ", default="yes")) == "yes"


def test_the_terminal_is_asked_last_and_only_with_an_input(monkeypatch):
    monkeypatch.setattr(asking, "terminal", lambda question: "typed")
    monkeypatch.setattr(sys, "stdin", object())
    assert ask(KEEP) == "typed"
    with scripted(["scripted"]):
        assert ask(KEEP) == "scripted"
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError):
        ask(KEEP)


@pytest.mark.parametrize("error", [TimeoutError, EOFError])
def test_the_default_stands_for_a_person_who_does_not_answer(error):
    def silent(question):
        raise error("silence")

    with answering(silent):
        assert ask(Question("editor", "Keep it? ", timeout=1, default="yes")) == "yes"
        assert ask(Question("editor", "Keep it? ", default="")) == ""
        with pytest.raises(error, match="silence"):
            ask(KEEP)
