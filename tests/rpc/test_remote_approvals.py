"""Tools of agents in servers: a person allows them where the call was made, or in any other session."""

from __future__ import annotations

import pytest
from approval_agents import Chief, Scribe

from nbagents import asking, context
from nbagents.asking import Question
from nbagents.exceptions import AnswerRefusedError, UsageError
from nbagents.message import Msg
from nbagents.rpc import RunTeller
from nbagents.rpc._admission import approve_of
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.runs import Run
from nbagents.tools import Policy, audit_calls
from nbagents.tools._policy import set_policy


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


def test_what_a_run_says_travels_with_its_calls_to_servers_that_know_no_runs(remote, tmp_path):
    notes = tmp_path / "notes"
    mild, usual = remote(Scribe, "mild", "auto"), remote(Scribe, "usual")
    for said, scribe, text in (
        ("deny", mild, "no tools that write may be called here"),
        ({"write": "deny"}, mild, "no tools that write may be called here"),
        ("auto", usual, "wrote one"),
        (None, usual, "nobody is there to be asked"),
    ):
        talk = Run("no server was told of it")
        talk.approve = Policy.of(said)
        with talk:
            assert text in scribe(told(notes, "one")).content
    assert notes.read_text() == "one\n"
    assert context.run.get() == ""
    assert not context.approve.get()


def test_it_travels_from_server_to_server(remote, make_in, other, tmp_path):
    notes = tmp_path / "notes"
    scribe, chief = make_in(other, Scribe, "scribe", "auto"), remote(Chief, "chief")
    for approve, text in (("deny", "no tools that write"), (None, "wrote one")):
        talk = Run("through two")
        talk.approve = Policy.of(approve)
        with talk:
            assert text in chief(scribe, told(notes, "one")).content
    assert notes.read_text() == "one\n"


def test_what_counts_for_this_process_counts_for_plain_calls_and_over_there(remote, run, tmp_path):
    notes = tmp_path / "notes"
    here, there = Scribe("here", "auto"), remote(Scribe, "there", "auto")
    set_policy("deny")
    try:
        for scribe in (here, there):
            assert "no tools that write" in scribe(told(notes, "one")).content
            with run("auto"):
                assert "no tools that write" in scribe(told(notes, "one")).content
    finally:
        set_policy(None)
    assert not notes.exists()
    assert here(told(notes, "one")).content == there(told(notes, "two")).content.replace("two", "one")


def test_a_run_inside_another_allows_no_more(tmp_path):
    inner, outer = Run("inner"), Run("outer")
    outer.approve, inner.approve = Policy.of("deny"), Policy.of("auto")
    with outer, inner:
        assert "no tools that write" in Scribe("scribe")(told(tmp_path / "notes", "one")).content


@pytest.mark.parametrize(
    ("approve", "run_id", "said"),
    [
        (None, "", "wrote one"),
        (None, "nobody-knows-it", "nobody is there to be asked"),
        ({}, "known", "wrote one"),
        ({"write": "deny"}, "", "no tools that write"),
    ],
)
def test_a_call_of_a_run_of_which_nothing_is_said_is_asked(tmp_path, approve, run_id, said):
    call = pb.Call(run=run_id)
    if approve is not None:
        call.approve.rules.update(approve)
        call.approve.SetInParent()
    frame = pb.Call.FromString(call.SerializeToString())
    token = context.approve.set(approve_of(frame))
    try:
        assert said in Scribe("scribe", "auto")(told(tmp_path / "notes", "one")).content
    finally:
        context.approve.reset(token)


@pytest.mark.parametrize("rules", [{"write": "please"}, {"swim": "auto"}])
def test_a_policy_that_is_none_is_refused(rules):
    with pytest.raises(UsageError, match="approve"):
        approve_of(pb.Call(approve=pb.Approve(rules=rules)))
