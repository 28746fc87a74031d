"""One limit for a run, wherever its agents live: lent in parts, taken back, asked about once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid

import pytest
from limit_agents import Asker, Talker
from run_agents import Warden

from nbagents import DialogAgent, asking, budget
from nbagents.exceptions import BudgetExceededError
from nbagents.rpc import RpcAgent, RpcAgentClient
from nbagents.runs import Run

CONFIG = {"config_name": "d", "model_type": "openai_chat", "model_name": "demo-fast", "endpoint": "demo"}
DEAR = CONFIG | {"price": [1e5, 1e5]}


@pytest.fixture
def place(server, other):
    """Make an agent that echoes: "here", in the "server" or in the "other" one."""

    def make(where, name, config=CONFIG):
        if where == "here":
            return DialogAgent(name, "You are an echo.", config)
        client = client_of({"server": server, "other": other}[where])
        agent_id = uuid.uuid4().hex
        settings = {"class_name": "DialogAgent", "args": [name, "You are an echo.", config], "kwargs": {}}
        client.create_agent(settings, agent_id)
        return RpcAgent(name, agent_id, kind="DialogAgent", connect=lambda: client.attachment)

    return make


def client_of(server):
    return RpcAgentClient(server.address, token=server.token)


def limited(**limits):
    run = Run("limited")
    run.limits = budget.Limits.read(limits)
    return run


class Person:
    """Answers what is asked, one after the other, then "stop"; keeps the questions."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, question):
        self.asked.append(question.prompt)
        return self.answers.pop(0) if self.answers else "stop"


def ends(calls):
    """Return how calls end: what they say, or the names of their errors."""
    told = []
    for call in calls:
        try:
            told.append(bool(call.content))
        except BudgetExceededError as error:
            told.append(type(error).__name__)
    return told


REFUSED = "BudgetExceededError"


def test_a_run_in_three_places_pauses_once_and_one_person_is_asked_once(place):
    agents = [place(where, where) for where in ("here", "server", "other")]
    person = Person()
    with asking.answering(person), limited(max_calls=5) as run:
        told = ends([agent("hello") for _ in range(4) for agent in agents])
    assert sorted(told, key=str) == [REFUSED] * 7 + [True] * 5
    assert len(person.asked) == 1
    assert person.asked[0].startswith("The run is paused at its limit: 5 of 5 calls made")
    assert budget.spent(run.id)[0] == 5


def test_what_a_person_allows_is_for_all_places(place):
    agents = [place(where, where) for where in ("server", "other", "here")]
    person = Person("allow 4 more calls")
    with asking.answering(person), limited(max_calls=5):
        told = ends([agent("hello") for _ in range(4) for agent in agents])
    assert (told.count(True), told.count(REFUSED)) == (9, 3)
    assert [prompt.split("limit: ")[1].split(" made")[0] for prompt in person.asked] == [
        "5 of 5 calls",
        "9 of 9 calls",
    ]


def test_what_is_lent_and_not_used_is_taken_back_before_anybody_is_asked(place):
    idle, busy = place("server", "idle"), place("other", "busy")
    person = Person()
    with asking.answering(person), limited(max_calls=20) as run:
        assert idle("hello").content
        told = ends([busy("hello") for _ in range(21)])
    assert told.count(True) == 19
    assert len(person.asked) == 1
    assert budget.spent(run.id)[0] == 20


def test_an_agent_that_asks_one_in_another_server_counts_there_too(place, remote):
    person = Person()
    far = place("other", "far")
    near = remote(Asker, "near", far)
    with asking.answering(person), limited(max_calls=2):
        told = ends([near("hello") for _ in range(3)])
    assert told == [True, True, REFUSED]
    assert len(person.asked) == 1


def test_a_budget_is_kept_over_all_places_but_for_calls_under_way(place):
    agents = [place(where, where, DEAR) for where in ("here", "server", "other")]
    person = Person()
    with asking.answering(person), limited(budget=10.0) as run:
        told = []
        while len(told) < 100 and (not told or told[-1] is True):
            told += ends([agents[len(told) % 3]("hello")])
    spent = budget.spent(run.id)[1]
    each = spent / told.count(True)
    assert 10.0 <= spent < 10.0 + 2 * each, "one call at a time: at most the last one goes beyond"
    assert len(person.asked) == 1
    assert "of $10 spent" in person.asked[0]


def test_far_from_the_limit_nothing_is_asked_for(place, monkeypatch):
    agent = place("server", "quick")
    asked = []
    real = budget.grant
    monkeypatch.setattr(budget, "grant", lambda *args: asked.append(args) or real(*args))
    with limited(max_calls=400):
        assert ends([agent("hello") for _ in range(60)]) == [True] * 60
    assert not asked


def test_where_nobody_is_there_the_calls_of_all_places_fail_with_what_to_type(place, monkeypatch):
    monkeypatch.setattr(asking, "terminal", None)
    with limited(max_calls=1):
        assert place("other", "first")("hello").content
        with pytest.raises(BudgetExceededError, match="1 of 1 call made") as caught:
            place("server", "second")("hello").result(30)
    assert "--max-calls" in caught.value.hint


def test_a_question_for_a_call_that_was_stopped_is_taken_away(place):
    shown, agent = threading.Event(), place("server", "stopped")
    taken = []

    def person(question):
        taken.append(asking.find_question(question.id))
        shown.set()

    with asking.answering(person), limited(max_calls=1):
        assert agent("hello").content
        waits = agent("hello")
        assert shown.wait(30)
        waits.cancel()
    assert taken[0].wait(30)
    assert taken[0].how == "stopped"


PROGRAM = """
import json, sys
from nbagents import budget
from nbagents.rpc import RpcAgent, RpcAgentClient, RunTeller
from nbagents.runs import Run

given = json.loads(sys.stdin.readline())
client = RpcAgentClient(given["address"], token=given["token"])
run = Run("limited", teller=RunTeller(given["workspace"], lambda: client.attachment))
run.limits = budget.Limits(max_calls=8, ask=False)
client.is_alive()
with run:
    said = RpcAgent("left", given["agent"], connect=lambda: client.attachment)("go on")
    print(run.id, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.posix
def test_when_the_process_that_began_a_run_is_gone_its_server_goes_on_with_what_is_left(
    server, client, remote, workspace, wait_for
):
    gate = uuid.uuid4().hex
    given = {"address": server.address, "token": server.token, "workspace": workspace}
    given["agent"] = remote(Talker, gate, CONFIG, 12).agent_id
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        program.stdin.write(json.dumps(given) + "\n")
        program.stdin.flush()
        run_id = program.stdout.readline().strip()
        wait_for(lambda: [about["open"] for about in client.runs(workspace)] == [1])
    finally:
        program.kill()
        program.communicate()
    wait_for(lambda: not client.runs(workspace)[0]["here"], 30)
    assert remote(Warden)(gate).result(20).content == "open"
    wait_for(lambda: client.runs(workspace)[0]["state"] != "running", 30)
    events = client.run_events(run_id)
    assert sum(each["kind"] == "usage" for each in events) == 8
    failed = [each["data"] for each in events if each["kind"] == "failed"]
    assert "the run has reached its limit: 8 of 8 calls made" in str(failed)
