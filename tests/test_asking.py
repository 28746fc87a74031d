"""Asking a person without knowing how the person is reached."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import time
from typing import Literal

import pydantic
import pytest

from nbagents import asking, context, events
from nbagents._loop import background
from nbagents.asking import Answer, Field, Question, answering, ask, fields_of, fill, open_question, scripted
from nbagents.exceptions import AnswerRefusedError, UsageError, WouldBlockLoopError

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


# ------------------------------------------------------------------- open questions, by their ids


@pytest.fixture
def heard():
    told: list[events.Event] = []
    stop = events.subscribe(told.append)
    yield told
    stop()


def test_a_question_is_open_until_its_first_answer(heard):
    opened = open_question(Question("editor", "Keep it? ", timeout=30))
    assert [one.question.id for one in asking.open_questions()] == [opened.question.id]
    assert asking.find_question(opened.question.id) is opened
    assert 29 < opened.to_dict()["left"] <= 30
    assert asking.answer(opened.question.id, "yes")
    assert not asking.answer(opened.question.id, "no")
    assert (opened.over, opened.result().text, asking.open_questions()) == (True, "yes", [])
    assert asking.ended_question(opened.question.id) == {
        "id": opened.question.id,
        "how": "answered",
        "text": "yes",
        "agent": "editor",
    }
    assert asking.ended_question("nobody asked") is None
    assert not asking.answer("nobody asked", "yes")
    assert [(event.kind, event.data["id"]) for event in heard] == [
        ("question", opened.question.id),
        ("answered", opened.question.id),
    ]


def test_of_many_answers_at_once_one_wins():
    opened = open_question(KEEP)
    ready, won = threading.Barrier(8), []

    def say(number):
        ready.wait(20)
        if asking.answer(opened.question.id, str(number)):
            won.append(str(number))

    threads = [threading.Thread(target=say, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert won == [opened.result().text]


def test_the_event_of_an_answer_from_elsewhere_names_the_call_that_asked(heard):
    token = context.run.set("run-7")
    opened = open_question(KEEP)
    context.run.reset(token)
    thread = threading.Thread(target=asking.answer, args=(opened.question.id, "yes"))
    thread.start()
    thread.join(20)
    assert [event.run for event in heard] == ["run-7", "run-7"]
    assert opened.question.run == "run-7"


def test_an_open_question_is_told_to_whoever_comes_later():
    opened = open_question(KEEP)
    found = []
    opened.on_end(lambda: found.append("first"))
    opened.absent(why="it was closed")
    opened.on_end(lambda: found.append("late"))
    assert found == ["first", "late"]
    with pytest.raises(UsageError, match="editor asks 'Keep it\\?' and it was closed"):
        opened.result()


def test_ask_waits_for_an_answer_by_its_id(monkeypatch):
    monkeypatch.setattr(asking, "waits", True)
    found = []
    thread = threading.Thread(target=lambda: found.append(ask(KEEP)))
    thread.start()
    limit = time.monotonic() + 20
    while not asking.open_questions() and time.monotonic() < limit:
        time.sleep(0.01)
    asking.answer(asking.open_questions()[0].question.id, "later")
    thread.join(20)
    assert found == ["later"]


def test_asking_on_the_loop_is_refused_where_it_would_wait(monkeypatch):
    monkeypatch.setattr(asking, "waits", True)

    async def asks():
        ask(KEEP)

    with pytest.raises(WouldBlockLoopError, match=r"await nbagents\.asking\.fill"):
        background().run(asks())
    assert asking.open_questions() == []


def test_filling_in_holds_no_thread(monkeypatch):
    monkeypatch.setattr(asking, "waits", True)
    before = threading.active_count()

    async def many():
        tasks = [asyncio.ensure_future(fill(Question("u", f"{n}"))) for n in range(200)]
        await asyncio.sleep(0)
        assert threading.active_count() <= before
        for opened in asking.open_questions():
            asking.answer(opened.question.id, f"to {opened.question.prompt}")
        return [answer.text for answer in await asyncio.gather(*tasks)]

    assert asyncio.run(many()) == [f"to {n}" for n in range(200)]


@pytest.mark.parametrize(("default", "wanted"), [("yes", Answer("yes", {}, None, "default")), (None, None)])
def test_when_the_time_is_over_the_default_answers_or_asking_fails(monkeypatch, default, wanted):
    monkeypatch.setattr(asking, "waits", True)
    question = Question("editor", "Keep it?", timeout=0.1, default=default)
    began = time.monotonic()
    if wanted is not None:
        assert asyncio.run(fill(question)) == wanted
        assert ask(question) == "yes"
    else:
        for asks in (lambda: asyncio.run(fill(question)), lambda: ask(question)):
            with pytest.raises(TimeoutError, match=r"editor: nobody answered within 0\.1 s"):
                asks()
    assert 0.2 <= time.monotonic() - began < 5
    assert asking.open_questions() == []


def test_a_waiting_that_is_cancelled_closes_the_question(monkeypatch):
    monkeypatch.setattr(asking, "waits", True)

    async def stopped():
        task = asyncio.ensure_future(fill(KEEP))
        await asyncio.sleep(0)
        (opened,) = asking.open_questions()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return opened

    opened = asyncio.run(stopped())
    assert asking.ended_question(opened.question.id)["how"] == "stopped"
    assert not asking.answer(opened.question.id, "late")


# ------------------------------------------------------------------- fields


class Review(pydantic.BaseModel):
    vote: Literal["yes", "no"]
    points: int = pydantic.Field(description="How many of ten?")
    share: float = 0.5
    again: bool | None = None

    @pydantic.field_validator("points")
    @classmethod
    def _few(cls, value):
        if value > 10:
            raise ValueError("ten is the most")
        return value


def test_the_fields_of_a_class():
    assert fields_of(Review) == (
        Field("vote", "string", "Vote", True, None, ("yes", "no")),
        Field("points", "integer", "How many of ten?", True),
        Field("share", "number", "Share", False, 0.5),
        Field("again", "boolean", "Again", False),
    )
    assert fields_of(Review.model_json_schema()) == fields_of(Review)
    assert fields_of("why") == fields_of(["why"]) == (Field("why"),)
    assert fields_of(None) == ()


@pytest.mark.parametrize("odd", [3, [1], {"type": "string"}, {"properties": {"a": 1}}])
def test_what_is_no_schema_is_refused(odd):
    with pytest.raises(UsageError, match="schema"):
        fields_of(odd)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", " -3 ", -3),
        ("integer", 3.0, 3),
        ("integer", "9" * 30, int("9" * 30)),
        ("number", "2.5", 2.5),
        ("boolean", "No", False),
        ("boolean", True, True),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", [1], [1]),
        ("string", " as it is ", " as it is "),
    ],
)
def test_texts_are_read_as_what_they_stand_for(kind, given, value):
    assert asking.check_fields([Field("f", kind)], {"f": given}) == {"f": value}


def test_each_field_that_does_not_fit_is_told():
    fields = [Field("vote", enum=("yes", "no", 0)), Field("n", "integer"), Field("x", "number"), Field("why")]
    fields += [Field("sure", "boolean"), Field("data", "json"), Field("more", required=False)]
    given = {"vote": "maybe", "n": "2.5", "x": "nan", "why": " ", "sure": "perhaps", "data": "{"}
    with pytest.raises(AnswerRefusedError) as caught:
        asking.check_fields(fields, given)
    assert str(caught.value).split("\n") == [
        "vote: one of yes, no, 0 is wanted, not 'maybe'",
        "n: a whole number is wanted, not '2.5'",
        "x: a number is wanted, not 'nan'",
        "why: is needed",
        "sure: yes or no is wanted, not 'perhaps'",
        "data: JSON is wanted, not '{'",
    ]
    with pytest.raises(AnswerRefusedError, match="a whole number"):
        asking.check_fields([Field("n", "integer")], {"n": True})
    assert asking.check_fields([Field("vote", enum=("yes", 0))], {"vote": "0"}) == {"vote": 0}
    assert asking.check_fields([Field("n", "integer", default=4)], {}) == {"n": 4}


def test_an_answer_that_does_not_fit_leaves_the_question_open():
    opened = open_question(
        Question("editor", "?", fields=fields_of({"properties": {"n": {"type": "integer"}}}))
    )
    with pytest.raises(AnswerRefusedError, match="n: a whole number is wanted, not 'x'"):
        asking.answer(opened.question.id, "", {"n": "x"})
    assert asking.answer(opened.question.id, "", {"n": "3", "odd": 1})
    assert opened.result().fields == {"n": 3}


def test_line_by_line_each_field_is_asked_until_it_fits():
    fields = (Field("n", "integer"), Field("why", required=False))
    with scripted(["hello", "three", "", " http://x ", "3"]):
        answer = asyncio.run(fill(Question("u", "?", fields=fields, wants_url=True)))
    assert answer == Answer("hello", {"n": 3}, "http://x")


def test_a_question_travels_as_json():
    where = {"id": "id", "run": "r", "call": "c", "workspace": "w"}
    asked = Question(
        "u", "?", 5.0, "no", ("yes", "no"), fields_of(Review), True, kind="turn", said="poet: hi", **where
    )
    assert Question.from_dict(asked.to_dict()) == asked
    names = "agent call choices default fields id kind left prompt run said timeout wants_url workspace"
    assert " ".join(sorted(asked.to_dict())) == names
