"""Tools of agents in servers: a person allows them where the call was made, or in any other session."""

from __future__ import annotations

import pytest
from approval_agents import Scribe

from nbagents import asking, context
from nbagents.asking import Question
from nbagents.exceptions import AnswerRefusedError
from nbagents.message import Msg
from nbagents.rpc import RunTeller
from nbagents.runs import Run
from nbagents.tools import Policy, audit_calls


def later(question: Question) -> None:
    """Show a question to somebody who will answer it by its id."""


def told(path, *lines):
    return Msg("user", "\n".join([str(path), *lines]), "user")


def only(client, wait_for):
    found = []

    def look():
        found[:] = client.questions()
        return found

    wait_for(look)
    return found[0]


@pytest.fixture
def run(client, workspace):
    def begin(approve=None):
        made = Run("a talk", teller=RunTeller(workspace, lambda: client.attachment))
        made.approve = None if approve is None else Policy.of(approve)
        return made

    return begin


def test_it_is_allowed_from_another_session_by_the_calls_own_hash(
    remote, client, another, run, wait_for, tmp_path
):
    notes = tmp_path / "notes"
    scribe = remote(Scribe)
    with run() as talk, asking.answering(later, approves=True):
        waiting = scribe(told(notes, "one", "two"))
        question = only(another, wait_for)
        approval = question["approval"]
        assert (approval["tool"], approval["effects"]) == ("append_line", ["write"])
        assert ["line", '"one"'] in approval["shown"]
        assert question["agent"] == "scribe"
        for wrong in ({}, {"binding": "0" * 64}):
            with pytest.raises(AnswerRefusedError, match="not the call that was asked about"):
                another.answer(question["id"], "approve", wrong)
        with pytest.raises(AnswerRefusedError, match="size is not known"):
            another.answer(
                question["id"], "approve", {"binding": approval["binding"], "arguments": '{"size": 1}'}
            )
        assert not notes.exists()
        edited = f'{{"path": "{notes}", "line": "other"}}'
        assert another.answer(
            question["id"], "approve", {"binding": approval["binding"], "arguments": edited}
        )
        wait_for(lambda: another.questions() and another.questions()[0]["id"] != question["id"])
        second = another.questions()[0]
        assert not another.answer(question["id"], "approve", {"binding": approval["binding"]})
        with pytest.raises(AnswerRefusedError):  # the first one's yes, once more
            another.answer(second["id"], "approve", {"binding": approval["binding"]})
        assert another.answer(second["id"], "deny", {"reason": "one is enough"})
        assert waiting.content.endswith("wrote other\nError: append_line was not allowed: one is enough")
    assert notes.read_text() == "other\n"
    assert [(call.decision, call.state) for call in audit_calls(talk.id)] == [
        ("denied", "denied"),
        ("edited", "done"),
    ]


def test_who_made_the_call_allows_it_here_and_all_of_its_kind(remote, run, wait_for, tmp_path):
    notes, asked = tmp_path / "notes", []

    def all_of_them(question):
        asked.append(question)
        opened = asking.find_question(question.id)
        opened.give("approve all", {"binding": question.approval.binding})

    scribe = remote(Scribe)
    with run(), asking.answering(all_of_them, approves=True):
        assert scribe(told(notes, "one", "two", "three")).content == "wrote one\nwrote two\nwrote three"
    assert len(asked) == 1
    with run(), asking.answering(all_of_them, approves=True):
        assert scribe(told(notes, "four")).content == "wrote four"
    assert len(asked) == 2  # another run


@pytest.mark.parametrize(
    ("own", "approve", "text"),
    [
        (None, None, "nobody is there to be asked"),
        (None, "deny", "no tools that write may be called here"),
        (None, "auto", "wrote one"),
        ("auto", None, "wrote one"),
        ("deny", "auto", "no tools that write"),
    ],
)
def test_what_the_run_and_the_agent_say_counts_over_there(remote, run, tmp_path, own, approve, text):
    scribe = remote(Scribe, "scribe", own)
    with run(approve):
        assert text in scribe(told(tmp_path / "notes", "one")).content
    assert (tmp_path / "notes").exists() == ("wrote" in text)


def test_a_server_that_was_told_nothing_is_told_no_by_who_called(remote, tmp_path):
    scribe = remote(Scribe)
    talk = Run("no server knows of it")
    talk.approve = Policy.of("deny")
    with talk, asking.answering(later, approves=True):
        answer = scribe(told(tmp_path / "notes", "one")).content
    assert "this run allows no such tools" in answer
    assert not (tmp_path / "notes").exists()
    assert context.run.get() == ""


def test_a_policy_that_is_none_is_refused(client, workspace):
    from nbagents.exceptions import UsageError

    with pytest.raises(UsageError, match="approve"):
        client.begin_run("odd", title="odd", workspace=workspace, approve={"write": "please"})
