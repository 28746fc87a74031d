"""Questions to people: asked in a server, answered where the call was made or in any other session."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from run_agents import Blunt, Curious

from nbagents import _loop, asking, context
from nbagents.agents import UserAgent
from nbagents.asking import Question
from nbagents.exceptions import AnswerRefusedError, CallCancelledError, ProtocolError, UsageError
from nbagents.message import Msg
from nbagents.rpc import AgentGroup, Attachment, RunTeller, post_question
from nbagents.runs import Run


def later(question: Question) -> None:
    """Show a question to somebody who will answer it by its id."""


def asked(client, prompt: str, wait_for) -> dict:
    """Return the open question of these words."""
    found: list[dict] = []

    def look():
        found[:] = [each for each in client.questions() if each["prompt"] == prompt]
        return found

    wait_for(look)
    return found[0]


# ---- an agent of the server asks


@pytest.mark.parametrize("cls", [Curious, Blunt])
def test_it_is_answered_by_whoever_made_the_call(remote, client, cls):
    agent = remote(cls)
    with asking.scripted(["that one"]):
        assert agent("Which one?").content == "that one"
    assert client.questions() == []


def test_it_is_answered_from_another_session(remote, client, another, workspace, wait_for):
    agent, prompt = remote(Curious, "curious"), uuid.uuid4().hex
    with (
        Run("a talk", teller=RunTeller(workspace, lambda: client.attachment)) as run,
        asking.answering(later),
    ):
        waiting = agent(prompt, choices=["this", "that"], timeout=50, default="none")
        told = asked(another, prompt, wait_for)
        assert 0 < told.pop("left") <= 50
        question_id = told.pop("id")
        assert told == {
            "agent": "curious", "prompt": prompt, "choices": ["this", "that"], "fields": None,
            "wants_url": False, "kind": "ask", "said": "", "timeout": 50.0, "default": "none", "run": run.id,
            "call": waiting._promise.id, "workspace": workspace, "shown": False,
        }  # fmt: skip
        assert [each["id"] for each in another.questions(workspace)] == [question_id]
        assert another.questions(workspace + "x") == []
        wait_for(lambda: asking.find_question(question_id))  # it is open here too
        assert another.answer(question_id, "that")
        assert waiting.content == "that"
        assert not another.answer(question_id, "this")
        wait_for(lambda: asking.find_question(question_id) is None)
    events = {each["kind"]: each["data"] for each in client.run_events(run.id)}
    assert events["question"]["prompt"] == prompt
    assert (events["answered"]["how"], events["answered"]["text"]) == ("answered", "that")


def test_with_nobody_there_it_fails_at_once_or_takes_its_default(remote, monkeypatch):
    monkeypatch.setattr(asking, "terminal", None)
    agent = remote(Curious)
    with pytest.raises(UsageError, match="nobody is there to answer"):
        agent("Which?").result(20)
    assert agent("Which?", default="none").content == "none"


def test_a_call_by_a_single_request_is_told_at_once_that_nobody_is_there(remote, client):
    agent = remote(Curious)
    task = client.call_agent_func("_reply", "Which?", agent.agent_id)
    with pytest.raises(UsageError, match="nobody is there to answer"):
        client.update_placeholder(task, 20)


def test_calls_of_a_group_are_answered_like_any_other(monkeypatch):
    monkeypatch.setattr(asking, "terminal", None)
    with AgentGroup(Curious, 3, ["curious"]) as group:
        with pytest.raises(UsageError, match="nobody is there to answer"):
            group.ask("Which?").result(20)
        with asking.scripted(["this", "that", "other"]):
            replies = group.ask("Which?").result(20)
        assert {reply.content for reply in replies} == {"this", "that", "other"}


def test_what_does_not_fit_is_refused_and_can_be_answered_better(remote, another, wait_for):
    agent, prompt = remote(Curious), uuid.uuid4().hex
    with asking.answering(later):
        waiting = agent(prompt, fields=[{"name": "age", "type": "integer"}])
        question = asked(another, prompt, wait_for)
        with pytest.raises(AnswerRefusedError, match="age"):
            another.answer(question["id"], "", {"age": "many"})
        assert another.answer(question["id"], "fine", {"age": "7"})
        assert waiting.metadata == {"age": 7, "how": "answered"}


def test_fields_are_asked_for_one_by_one_here(remote):
    agent = remote(Curious)
    with asking.scripted(["fine", "many", "7"]):
        assert agent("How old?", fields=[{"name": "age", "type": "integer"}]).metadata["age"] == 7


def test_a_script_that_has_run_out_says_so(remote):
    agent = remote(Curious)
    with asking.scripted([]), pytest.raises(UsageError, match="the script has no answer left"):
        agent("Which?").result(20)


def test_its_time_passes_over_there(remote, client):
    agent = remote(Curious)
    with asking.answering(later):
        with pytest.raises(TimeoutError):
            agent("Which?", timeout=0.05).result(20)
        assert agent("Which?", timeout=0.05, default="none").content == "none"
    assert client.questions() == []


def test_a_call_that_is_stopped_asks_no_more(remote, client, another, wait_for):
    agent, prompt = remote(Curious), uuid.uuid4().hex
    with asking.answering(later):
        waiting = agent(prompt)
    question = asked(another, prompt, wait_for)
    assert another.stop_call(waiting._promise.id)
    with pytest.raises(CallCancelledError):
        waiting.result(20)
    wait_for(lambda: not [each for each in client.questions() if each["prompt"] == prompt])
    wait_for(lambda: asking.find_question(question["id"]) is None)


def test_a_person_may_be_absent(remote, another, wait_for):
    agent, prompt = remote(Curious), uuid.uuid4().hex
    with asking.answering(later):
        waiting = agent(prompt, default="none")
        assert another.answer(asked(another, prompt, wait_for)["id"], None, absent=True)
        assert (waiting.content, waiting.metadata["how"]) == ("none", "default")


# ---- the kernel asks


def test_a_question_of_this_process_is_answered_from_another_session(client, another, workspace, wait_for):
    user = UserAgent("ann", choices=["yes", "no"])

    def shown(question: Question) -> None:
        post_question(client.attachment, asking.find_question(question.id))

    teller = RunTeller(workspace, lambda: client.attachment)
    with Run("a talk", teller=teller) as run, asking.answering(shown):
        waiting = user(Msg("poet", "Is it good?"))
        wait_for(lambda: another.questions(workspace))
        (question,) = another.questions(workspace)
        assert (question["agent"], question["kind"]) == ("ann", "turn")
        assert question["said"] == "poet: Is it good?"
        assert another.answer(question["id"], "yes")
        assert waiting.content == "yes"
    wait_for(lambda: "done" in [each["kind"] for each in another.run_events(run.id)])
    told = [each["kind"] for each in another.run_events(run.id)]
    assert [kind for kind in told if kind in ("question", "answered")] == ["question", "answered"]


def test_a_question_that_is_answered_here_is_over_there(client, another, wait_for):
    opened = asking.open_question(Question("ann", "Which?"))
    post_question(client.attachment, opened)
    wait_for(lambda: any(each["id"] == opened.question.id for each in another.questions()))
    opened.give("this")
    wait_for(lambda: not any(each["id"] == opened.question.id for each in another.questions()))


@pytest.mark.parametrize(("default", "how"), [("as it was", "default"), (None, "absent")])
def test_a_question_of_this_process_is_passed_from_another_session(client, another, wait_for, default, how):
    opened = asking.open_question(Question("ann", "Which?", default=default))
    post_question(client.attachment, opened)
    wait_for(lambda: any(each["id"] == opened.question.id for each in another.questions()))
    assert another.answer(opened.question.id, None)
    wait_for(lambda: opened.over)
    assert opened.how == how
    assert (opened.answer and opened.answer.text) == default


def test_a_client_asks_by_itself(client, another, wait_for):
    answers: list = []

    def ask(**more):
        try:
            answers.append(client.ask(Question("ann", more.pop("prompt")).to_dict() | more, timeout=30))
        except Exception as error:  # noqa: BLE001  # that is what is looked at
            answers.append(error)

    for how, given in {"fine": {"text": "fine"}, "absent": {"text": None, "absent": True}}.items():
        prompt = uuid.uuid4().hex
        thread = threading.Thread(target=ask, kwargs={"prompt": prompt})
        thread.start()
        assert another.answer(asked(another, prompt, wait_for)["id"], **given), how
        thread.join()
    fine, absent = answers
    assert fine == {"how": "answered", "text": "fine", "fields": {}, "url": None}
    assert isinstance(absent, UsageError)
    with pytest.raises(TimeoutError):
        client.ask(Question("ann", "Which?").to_dict(), timeout=0.05)
    late = client.ask(Question("ann", "Which?", default="none").to_dict(), timeout=0.05)
    assert (late["how"], late["text"]) == ("default", "none")


def test_a_session_that_is_gone_asks_no_more(client, server, wait_for):
    gone = Attachment(server.connection.address, server.token)
    opened = asking.open_question(Question("ann", uuid.uuid4().hex))

    async def post() -> None:
        await gone.open()
        post_question(gone, opened)

    _loop.background().run(post())
    wait_for(lambda: any(each["id"] == opened.question.id for each in client.questions()))
    _loop.background().run(gone.close())
    wait_for(lambda: not any(each["id"] == opened.question.id for each in client.questions()), 40)
    assert not opened.over
    opened.absent()


# ---- limits


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"agent": "ann"},
        {"agent": "ann", "prompt": "?", "id": "x" * 600},
        {"agent": "ann", "prompt": "?", "id": ""},
        {"agent": "a" * 600, "prompt": "?", "id": "x"},
        {"agent": "ann", "prompt": "?", "id": "x", "timeout": "soon"},
        {"agent": "ann", "prompt": "?", "id": "x", "choices": 3},
        {"agent": "ann", "prompt": "?", "id": "x", "fields": [3]},
        {"agent": "ann", "prompt": "?", "id": "x", "fields": [{}]},
    ],
)
def test_what_is_no_question_is_refused(client, question):
    with pytest.raises(ProtocolError):
        client._ask("ask", value=json.dumps({"question": question}))


def test_a_session_asks_only_so_much_at_once(client, server, wait_for):
    busy = Attachment(server.connection.address, server.token)
    prompt = uuid.uuid4().hex

    async def ask(number: int):
        about = Question("ann", prompt, id=f"{prompt}-{number}").to_dict()
        return busy.ask("ask", value=json.dumps({"question": about}))

    _loop.background().run(busy.open())
    for number in range(100):
        _loop.background().run(ask(number))
    wait_for(lambda: len([each for each in client.questions() if each["prompt"] == prompt]) == 100)

    async def one_more():
        await (await ask(100))

    with pytest.raises(ProtocolError, match="at most 100 questions"):
        _loop.background().run(one_more())
    _loop.background().run(busy.close())


def test_what_nobody_asked_is_not_open(client):
    assert client.answer("nobody's", "x") is False
    with pytest.raises(ProtocolError):
        client._ask("answer", value=json.dumps({"id": "x", "fields": []}))


def test_the_context_of_the_call_decides_who_answers(remote):
    """Not that of whoever happens to wait."""
    agent = remote(Curious)
    with asking.scripted(["first"]):
        waiting = agent("Which?")
    with asking.scripted(["second"]):
        assert waiting.content == "first"
    assert context.run.get() == ""
