"""`UserAgent`: a person among the agents, from a script's answers, a pipe and a real terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time

import pytest

from nbagents import asking
from nbagents.agents import AgentBase, UserAgent
from nbagents.exceptions import CallCancelledError, UsageError, WouldBlockLoopError
from nbagents.hub import msghub
from nbagents.message import Msg


@pytest.fixture
def nobody(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)


def test_a_persons_answer_is_a_message_of_role_user(capsys):
    user = UserAgent("Ada")
    question = Msg("poet", "Shall I go on?")
    with asking.scripted(["yes"]):
        reply = user(question)
        assert reply.content == "yes"
    assert (reply.name, reply.role, reply.url, reply.metadata) == ("Ada", "user", None, None)
    assert user.memory.get_memory() == [question, reply]
    assert capsys.readouterr().out == "Ada: yes\n"


def test_the_answers_of_a_script_are_for_the_calls_made_inside_it():
    user = UserAgent()
    with asking.scripted(["one", "two", "three"]):
        first, second = user(), user()
    assert (first.content, second.content) == ("one", "two")
    assert user.name == "User"


def test_required_keys_and_a_url_are_asked_for():
    asked = []

    def answer(question):
        asked.append((question.agent, question.prompt, question.timeout))
        return {"Say: ": "I agree", "vote: ": "3", "why: ": "rhyme"}.get(
            question.prompt, "https://example.org/a.png"
        )

    user = UserAgent("judge", input_hint="Say: ", require_url=True)
    with asking.answering(answer):
        reply = user(None, required_keys=["vote", "why"], timeout=5)
        assert reply.content == "I agree"
        assert UserAgent("u")(required_keys="vote").metadata == {"vote": "3"}
    assert reply.metadata == {"vote": "3", "why": "rhyme"}
    assert reply.url == "https://example.org/a.png"
    assert asked[:4] == [
        ("judge", prompt, 5) for prompt in ["Say: ", "vote: ", "why: ", "URL (or Enter to skip): "]
    ]


def test_an_address_may_be_skipped():
    with asking.scripted(["text", ""]):
        assert UserAgent(require_url=True)().url is None


def test_without_memory_nothing_is_kept():
    with asking.scripted(["yes"]):
        user = UserAgent(use_memory=False)
        assert user(Msg("poet", "?")).content == "yes"
    assert user.memory is None


def test_with_nobody_there_the_call_fails_at_once(nobody):
    reply = UserAgent("Ada", input_hint="Your turn: ")()
    with pytest.raises(UsageError, match="Ada asks 'Your turn:' and nobody is there"):
        reply.result(20)


def test_a_script_that_has_run_out_of_answers_says_so():
    with asking.scripted(["only one"]):
        user = UserAgent("Ada")
        assert user().content == "only one"
        with pytest.raises(UsageError, match="the script has no answer left"):
            user().result(20)


def test_a_person_holds_up_only_who_waits_for_the_answer():
    answered = threading.Event()

    class Answers(AgentBase):
        def reply(self, x=None):
            answered.set()
            return "me first"

    def think(question):
        assert answered.wait(20)
        return "after you"

    with asking.answering(think):
        reply = UserAgent("slow person")()
    assert Answers("other")().result(20).content == "me first"
    assert reply.content == "after you"


def test_in_a_hub_a_persons_answer_is_heard():
    user, listens = UserAgent("Ada"), AgentBase("listens")
    with asking.scripted(["hello all"]), msghub([user, listens]):
        user()
    assert [m.content for m in listens.memory] == ["hello all"]


# --------------------------------------------------------------------- real input, real processes


def test_the_answers_of_a_pipe_are_taken_in_order(script):
    run = script(
        """
        user = UserAgent("me")
        print([user().content, user(timeout=20).content, user(timeout=20).content])
        """
    )
    out, err = run.end("one\ntwo\nthree\n")
    assert out.splitlines()[-1].endswith("['one', 'two', 'three']")
    assert err == ""


def test_input_works_while_a_loop_of_the_programs_own_runs(script):
    run = script(
        """
        async def main():
            slow, said = await asyncio.gather(Slow("slow")(), UserAgent("me")())
            print(slow.content, said.content)
        asyncio.run(main())
        """
    )
    out, err = run.end("typed\n")
    assert out.splitlines()[-1] == "slow typed"
    assert err == ""


@pytest.mark.parametrize("timeout", ["None", "20"])
def test_at_the_end_of_the_input_the_call_fails(script, timeout):
    run = script(
        f"""
        try:
            UserAgent("me")(timeout={timeout}).content
        except EOFError as error:
            print("the end", "default" in str(error))
        """,
        stdin=subprocess.DEVNULL,
    )
    out, err = run.end()
    assert out == "User Input: the end True\n"
    assert err == ""


def test_a_question_that_is_not_answered_in_time_is_over(script):
    run = script(
        """
        user = UserAgent("me")
        late, other = user(timeout=0.3), Slow("slow")()
        print(other.content)   # it waits through the question, and is not harmed by it
        try:
            late.content
        except TimeoutError as error:
            print(error)
        """
    )
    assert run.line() == "User Input: slow"
    assert run.line() == "me: nobody answered within 0.3 s"
    assert run.end() == ("", "")


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, source: str, script) -> None:
        self.master, slave = pty.openpty()
        self.run = script(source, stdin=slave)
        os.close(slave)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())


def prompted(run, prompt: str) -> None:
    """Read until the question stands there."""
    read, limit = "", time.monotonic() + 20
    while not read.endswith(prompt):
        assert time.monotonic() < limit
        read += run.process.stdout.read(1)


@pytest.mark.parametrize("timeout", ["None", "20"])
def test_a_person_types_at_a_terminal(script, timeout):
    terminal = Terminal(f'print(UserAgent("me")(timeout={timeout}).content + "!")', script)
    prompted(terminal.run, "User Input: ")
    terminal.type("hello\n")
    out, err = terminal.run.end()
    assert out.splitlines()[-1] == "hello!"
    assert err == ""
    os.close(terminal.master)


def test_an_interrupt_at_the_question_ends_it(script):
    terminal = Terminal(
        """
    reply = UserAgent("me")()
    try:
        reply.content
    except KeyboardInterrupt:
        print("interrupted")
    try:
        reply.result(20)
    except Exception as error:
        print(type(error).__name__)
    """,
        script,
    )
    prompted(terminal.run, "User Input: ")
    time.sleep(0.2)
    terminal.run.interrupt()
    out, err = terminal.run.end()
    assert out.splitlines()[-2:] == ["interrupted", CallCancelledError.__name__]
    assert "Fatal" not in err
    os.close(terminal.master)


def test_asking_on_the_loop_is_refused_instead_of_stopping_every_agent():
    class Asks(AgentBase):
        async def reply(self, x=None):
            return asking.ask(asking.Question("u", "well? "))

    with pytest.raises(WouldBlockLoopError, match="asked on the background loop"):
        Asks("u")().result(10)


def test_a_schema_has_the_names_of_all_versions():
    schema = {"properties": {"age": {"type": "integer"}}, "required": ["age"]}
    for name in ("schema", "structured_schema", "structured_model"):
        with asking.scripted(["Here:", "forty", "41"]):
            reply = UserAgent("Ada")(**{name: schema})
            assert (reply.content, reply.metadata) == ("Here:", {"age": 41})
