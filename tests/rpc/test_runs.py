"""A server keeps what happens in the runs that it is told of: in order, within limits, for any session."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from remote_agents import Echo
from run_agents import Streamer, Warden

from nbagents import _loop, context
from nbagents.agents import AgentBase
from nbagents.exceptions import MessageTooLargeError, NbAgentsError, ProtocolError, RunNotFoundError
from nbagents.message import Msg
from nbagents.rpc import RunTeller
from nbagents.rpc import _recorded as recorded
from nbagents.rpc._recorded import RecordedRun
from nbagents.runs import Run


@pytest.fixture
def begin(client, workspace):
    """Begin a run; return its id."""

    def begun(title: str = "a talk", **more) -> str:
        run_id = uuid.uuid4().hex
        client.begin_run(run_id, title=title, workspace=workspace, **more)
        return run_id

    return begun


@pytest.fixture
def inside():
    """Let the calls that a function makes belong to a run."""

    def call(run_id, fn, *args):
        token = context.run.set(run_id)
        try:
            return fn(*args)
        finally:
            context.run.reset(token)

    return call


def kinds(events) -> list[str]:
    return [each["kind"] for each in events]


def contents(events) -> list[str]:
    return [each["data"]["message"]["content"] for each in events if each["kind"] == "done"]


# ---- what is told


def test_what_is_said_is_kept_and_told(client, remote, begin, inside, workspace):
    echo, run_id = remote(Echo), begin(prompt="go on")
    assert inside(run_id, echo, Msg("user", "hello")).content == "echo heard hello"
    client.note_run(run_id, "pass 1 of 3")
    (about,) = client.runs(workspace)
    assert about.pop("started") > 1e9
    assert about.pop("elapsed") >= 0
    assert about == {
        "run": run_id, "number": 1, "title": "a talk", "prompt": "go on", "workspace": workspace,
        "state": "running", "outcome": "", "messages": 1, "open": 0, "here": True, "note": "pass 1 of 3",
        "alone": False,
    }  # fmt: skip
    client.end_run(run_id, "done", "all said")
    (about,) = client.runs(workspace)
    assert (about["state"], about["outcome"]) == ("done", "all said")
    events = client.run_events(run_id)
    assert kinds(events) == ["queued", "started", "done", "note", "ended"]
    assert [each["seq"] for each in events] == sorted(each["seq"] for each in events)
    assert all(each["at"] >= 0 for each in events)
    assert contents(events) == ["echo heard hello"]


def test_numbers_count_in_each_workspace(client, workspace):
    def number(where, wanted=None):
        return client.begin_run(uuid.uuid4().hex, title="", workspace=where, number=wanted)

    assert [number(workspace) for _ in range(3)] == [1, 2, 3]
    assert number(workspace + "x") == 1
    assert number(workspace, 2) == 4  # two is taken
    assert number(workspace, 9) == 9
    assert number(workspace) == 10


def test_a_run_that_begins_twice_is_one(client, begin, workspace):
    run_id = begin()
    assert client.begin_run(run_id, title="again", workspace=workspace) == 1
    assert [about["title"] for about in client.runs(workspace)] == ["a talk"]


def test_the_last_fifty_of_a_workspace_are_kept(client, begin, workspace):
    goes_on, first = begin("goes on"), begin("first")
    client.end_run(first, "done")
    for number in range(49):
        client.end_run(begin(f"{number}"), "done")
    begin("last")
    titles = [about["title"] for about in client.runs(workspace)]
    assert titles == ["goes on", *(f"{number}" for number in range(1, 49)), "last"]
    assert client.run_events(goes_on) == []
    with pytest.raises(RunNotFoundError, match="keeps the last 50"):
        client.run_events(first)


def test_calls_of_other_runs_do_not_belong_to_it(client, remote, begin, inside):
    echo, run_id = remote(Echo), begin()
    inside("of-nobody", echo, "x").result(20)
    echo("y").result(20)
    assert client.run_events(run_id) == []


def test_what_streams_is_one_text_until_the_message_is_there(client, remote, begin, inside, wait_for):
    name = uuid.uuid4().hex
    streamer, warden, run_id = remote(Streamer, name), remote(Warden), begin()
    waiting = inside(run_id, streamer)
    wait_for(lambda: "delta" in kinds(client.run_events(run_id)))
    (delta,) = [each for each in client.run_events(run_id) if each["kind"] == "delta"]
    assert delta["data"]["text"] == "".join(f"{number} " for number in range(10))
    warden(name).result(20)
    waiting.result(20)
    assert kinds(client.run_events(run_id)) == ["queued", "started", "done"]


def test_what_had_streamed_before_a_failure_stays(client, remote, begin, inside):
    name = uuid.uuid4().hex
    streamer, warden, run_id = remote(Streamer, name), remote(Warden), begin()
    waiting = inside(run_id, streamer, "fail")
    warden(name).result(20)
    with pytest.raises(ValueError, match="no more"):
        waiting.result(20)
    *_, delta, failed = client.run_events(run_id)
    assert delta["data"]["text"].startswith("0 1 2")
    assert (failed["kind"], failed["data"]["error"]["type"]) == ("failed", "ValueError")
    assert "no more" in failed["data"]["error"]["traceback"]


# ---- for any session


def test_another_session_watches_it(client, another, remote, begin, inside):
    name = uuid.uuid4().hex
    streamer, warden, run_id = remote(Streamer, name), remote(Warden), begin()
    told, over = [], threading.Event()

    def listen(event):
        told.append(event)
        if event["kind"] == "ended":
            over.set()

    stop = another.watch_run(run_id, listen)
    waiting = inside(run_id, streamer)
    warden(name).result(20)
    waiting.result(20)
    client.end_run(run_id, "done")
    assert over.wait(20)
    stop()
    assert "".join(each["data"]["text"] for each in told if each["kind"] == "delta") == waiting.content
    known = {each["seq"]: each for each in another.run_events(run_id)}
    assert [each for each in told if each["kind"] != "delta"] == list(known.values())
    client.note_run(run_id, "later")
    assert another.runs()  # behind what would have been told
    assert told[-1]["kind"] == "ended"


def test_a_run_that_nobody_knows_cannot_be_watched(another):
    with pytest.raises(RunNotFoundError):
        another.watch_run("nobody's", print)


def test_a_client_of_another_session_cannot_tell_of_it(client, another, begin, workspace):
    run_id = begin()
    teller = RunTeller(workspace, lambda: another.attachment)
    another.is_alive()

    def tell():
        another.attachment.runs.begun.add(run_id)
        teller._put(run_id, "note", {"label": "forged"})

    _loop.background().post(tell)
    assert another.runs(workspace)[0]["note"] == ""


# ---- what the server does not see by itself


class Local(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, f"{self.name} here")


def test_a_run_tells_of_itself(client, remote, workspace, wait_for):
    echo, local = remote(Echo), Local("local")
    teller = RunTeller(workspace, lambda: client.attachment)
    with Run("a talk", prompt="go", teller=teller, held=True) as run:
        run.tell("go on", "echo")
        run.section("pass 1 of 2")
        assert echo(local()).content == "echo heard local here"
    assert run.state == "done"
    wait_for(lambda: client.runs(workspace)[0]["state"] == "done")
    (about,) = client.runs(workspace)
    assert (about["run"], about["messages"], about["note"]) == (run.id, 2, "pass 1 of 2")
    events = client.run_events(run.id)
    assert kinds(events)[:2] == ["you", "note"]
    assert sorted(contents(events)) == ["echo heard local here", "local here"]
    assert kinds(events).count("queued") == 2  # each call once
    again = Run.replay(about, events)
    assert (again.state, again.number, again.title) == ("done", about["number"], "a talk")
    texts = [getattr(row, "text", "") or row.label for row in again.view().rows]
    assert texts == ["go on", "pass 1 of 2", "local here", "echo heard local here"]
    assert {lane.agent for lane in again.timeline} == {"local", "echo"}


def test_why_a_run_itself_failed_is_told(client, workspace, wait_for):
    with Run("a talk", teller=RunTeller(workspace, lambda: client.attachment)) as run:
        run.end("failed", error=NbAgentsError("--until never became true in 3 passes"))
    wait_for(lambda: client.runs(workspace)[0]["state"] == "failed")
    assert client.runs(workspace)[0]["outcome"] == "--until never became true in 3 passes"


def test_a_run_that_begins_before_its_server_is_told_later(client, workspace):
    there = []
    teller = RunTeller(workspace, lambda: there[0] if there else None)
    run = Run("early", teller=teller)
    with run:
        there.append(client.attachment)
        teller.again(client.attachment)
        assert [about["title"] for about in client.runs(workspace)] == ["early"]


def test_a_run_takes_the_number_that_the_server_gives(client, begin, workspace, wait_for):
    last = client.begin_run(uuid.uuid4().hex, title="", workspace=workspace, number=10**6)
    with Run("next", teller=RunTeller(workspace, lambda: client.attachment)) as run:
        wait_for(lambda: run.number == last + 1)
    assert Run("and on").number == last + 2


# ---- again


def test_a_replay_grows(client, remote, begin, inside, workspace):
    name = uuid.uuid4().hex
    streamer, warden, run_id = remote(Streamer, name), remote(Warden), begin()
    waiting = inside(run_id, streamer)
    client.note_run(run_id, "begun")
    told: list[dict] = []
    over = threading.Event()

    def listen(event):
        told.append(event)
        if event["kind"] == "ended":
            over.set()

    stop = client.watch_run(run_id, listen)
    replayed = Run.replay(client.runs(workspace)[0], client.run_events(run_id))
    assert (replayed.state, replayed.over, replayed.messages) == ("running", False, [])
    warden(name).result(20)
    waiting.result(20)
    client.end_run(run_id, "done", "all said")
    assert over.wait(20)
    stop()
    for event in [*told, *told]:
        replayed.take(event)
    assert (replayed.state, replayed.outcome) == ("done", "all said")
    assert [message.content for message in replayed.messages] == [waiting.content]
    assert len(replayed.view().rows) == 2


def test_a_replay_tells_errors_as_they_were():
    error = {"type": "CallCancelledError", "message": "the call of poet was stopped by you", "hint": ""}
    events = [
        {"seq": 1, "kind": "queued", "call": "c", "agent": "poet", "parent": "", "at": 0.0, "data": {}},
        {"seq": 2, "kind": "started", "call": "c", "agent": "poet", "parent": "", "at": 0.1, "data": {}},
        {"seq": 3, "kind": "delta", "call": "c", "agent": "poet", "data": {"text": "so"}},
        {"seq": 4, "kind": "failed", "call": "c", "at": 2.1, "data": {"error": error}},
    ]  # fmt: skip
    about = {
        "run": "r",
        "number": 7,
        "state": "stopped",
        "outcome": "stopped by you after 2.1 s",
        "elapsed": 2.2,
    }
    run = Run.replay(about, events)
    (row,) = run.view().rows
    assert (row.state, row.text, row.note) == (
        "stopped",
        "so",
        "stopped by you after 2.0 s · partial text kept",
    )
    assert run.elapsed == pytest.approx(2.2, abs=0.2)


# ---- limits


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("begin_run", "[]"),
        ("begin_run", "{"),
        ("begin_run", "{}"),
        ("begin_run", '{"run": 3}'),
        ("begin_run", json.dumps({"run": "x" * 513})),
        ("begin_run", json.dumps({"run": "half \ud800"})),
        ("begin_run", json.dumps({"run": "x", "title": []})),
        ("begin_run", json.dumps({"run": "x", "number": -1})),
        ("begin_run", json.dumps({"run": "x", "number": True})),
        ("begin_run", json.dumps({"run": "x", "held": "yes"})),
        ("runs", json.dumps({"workspace": {}})),
        ("watch_run", json.dumps({"run": [], "over": True})),
        ("stop_run", "{}"),
        ("stop_call", json.dumps({"call": ""})),
    ],
)
def test_what_is_malformed_is_refused(client, method: str, body: str):
    with pytest.raises(ProtocolError):
        client._ask(method, value=body)


def test_a_run_ends_in_one_of_three_ways(client, begin):
    with pytest.raises(ProtocolError, match="done, failed, stopped"):
        client.end_run(begin(), "running")


def test_what_is_too_large_is_refused(client, begin, workspace):
    with pytest.raises(MessageTooLargeError, match="limit is 1 MiB"):
        begin(prompt="x" * 2**20)
    begin("t" * 1000, prompt="x" * 50_000)
    (about,) = client.runs(workspace)
    assert (len(about["title"]), len(about["prompt"])) == (300, 20_000)


def test_of_a_long_run_the_end_is_kept(monkeypatch):
    monkeypatch.setattr(recorded, "MAX_RUN_EVENTS", 100)
    run = RecordedRun("r", 1, None)
    for number in range(150):
        run.hear("note", "", "", "", {"label": f"{number}"}, 0.0)
    first, *rest = run.entries()
    assert (first.kind, json.loads(first.data)) == ("missed", {"count": 50})
    assert [json.loads(each.data)["label"] for each in rest] == [f"{n}" for n in range(50, 150)]


@pytest.mark.parametrize(("limit", "most"), [("MAX_RUN_BYTES", 100_000), ("MAX_RUN_PARTS", 5_000)])
def test_a_run_is_kept_within_its_limits(monkeypatch, limit: str, most: int):
    monkeypatch.setattr(recorded, limit, most)
    run = RecordedRun("r", 1, None)
    for number in range(1000):
        run.hear(
            "queued",
            f"{number}",
            "a",
            "",
            {"method": "_reply", "waits_for": ["x"] * 10, "deep": [[]] * 50},
            0,
        )
        run.hear("done", f"{number}", "a", "", {"message": "x" * 1000}, 0)
    size, parts = sum(each.size() for each in run.entries()), sum(each.parts() for each in run.entries())
    assert size < 10**7
    assert (size if limit == "MAX_RUN_BYTES" else parts) <= most + 500
    assert run.messages == 1000


def test_what_is_printed_is_kept_within_limits():
    run = RecordedRun("r", 1, None)
    run.hear("queued", "c", "a", "", {}, 0.0)
    for _ in range(10_000):
        run.hear("printed", "c", "a", "", {"text": "x" * 50}, 0.0)
    printed = [each for each in run.entries() if each.kind == "printed"]
    assert sum(len(each.data) for each in printed) < 25_000
    assert len(printed) < 300
