"""A run is stopped from any session of the user, and outlives the kernel that began it, or says why not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections import defaultdict

import pytest
from remote_agents import Echo
from run_agents import Asker, Keeper, Warden

from nbagents import _loop, context
from nbagents.agents import AgentBase
from nbagents.exceptions import CallCancelledError
from nbagents.rpc import RpcAgent, RunTeller
from nbagents.rpc._own_runs import OwnRuns
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.runs import Run

PROGRAM = """
import json, sys
from nbagents.pipelines import ForLoopPipeline
from nbagents.rpc import RpcAgent, RpcAgentClient, RunTeller
from nbagents.runs import Run

given = json.loads(sys.stdin.readline())
client = RpcAgentClient(given["address"], token=given["token"])
def agent(name):
    return RpcAgent(name, given["agents"][name], connect=lambda: client.attachment)
teller = RunTeller(given["workspace"], lambda: client.attachment)
client.is_alive()
run = Run("a talk", prompt="go on", teller=teller, held=given["held"])
with run:
    if given["held"]:
        def on_pass(number):
            run.section(f"pass {number} of 3")
        loop = ForLoopPipeline([agent("echo"), agent("gate")], 3, lambda x: False, on_pass=on_pass)
        last = loop("begin")
    else:
        last = agent("echo")(agent("gate")(agent("echo")("begin")))
    print(run.id, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def teller(client, workspace) -> RunTeller:
    return RunTeller(workspace, lambda: client.attachment)


class Patient(AgentBase):
    """An agent of this process, which waits."""

    async def reply(self, x=None):
        await asyncio.sleep(60)


def about_of(client, workspace):
    known = client.runs(workspace)
    return known[-1] if known else defaultdict(str)  # the program that begins it may be slow


# ---- stopping


def test_a_run_is_stopped_from_another_session(client, another, remote, teller, workspace, wait_for):
    gate, echo = remote(Keeper, uuid.uuid4().hex), remote(Echo)
    with Run("a talk", teller=teller) as run:
        first = echo("hello")
        last = echo(gate(first))
        first.result(20)
        wait_for(lambda: about_of(another, workspace)["open"] == 2)
        assert another.stop_run(run.id) == 2
        with pytest.raises(CallCancelledError, match="stopped by you"):
            last.result(20)
        with pytest.raises(CallCancelledError, match="stopped by you"):
            echo("one more").result(20)
    assert run.halted
    assert run.state == "stopped"
    about = about_of(another, workspace)
    assert (about["state"], about["open"], about["messages"]) == ("stopped", 0, 1)
    assert about["outcome"].startswith("stopped by you after ")
    assert gate.agent_id
    assert echo("anew").result(20).content.endswith("heard anew")


def test_what_the_kernel_does_itself_is_stopped_too(another, teller, client, wait_for):
    """Also while its main thread blocks, as that of a cell does."""
    with Run("a talk", teller=teller) as run:
        waiting = Patient("patient")()
        stopped: list[int] = []

        def stop() -> None:
            wait_for(lambda: _open(another, run))
            stopped.append(another.stop_run(run.id, "stopped by ann"))

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(CallCancelledError, match="stopped by ann"):
            waiting.result(20)
        thread.join()
    assert stopped == [1]
    assert (run.state, run.halted) == ("stopped", True)
    assert next(row.note for row in run.view().rows).startswith("stopped by ann after")


def _open(client, run) -> int:
    return next((about["open"] for about in client.runs() if about["run"] == run.id), 0)


def test_one_call_is_stopped(client, another, remote, teller, workspace, wait_for):
    one, two = remote(Keeper, uuid.uuid4().hex), remote(Keeper, uuid.uuid4().hex)
    patient = Patient("patient")
    with Run("a talk", teller=teller) as run:
        calls = [one(), two(), patient()]
        wait_for(lambda: about_of(another, workspace)["open"] == 3)
        assert another.stop_call(calls[0]._promise.id)
        assert another.stop_call(calls[2]._promise.id)
        for stopped in (calls[0], calls[2]):
            with pytest.raises(CallCancelledError, match="stopped by you"):
                stopped.result(20)
        remote(Warden)(two._name).result(20)
        assert calls[1].content.endswith("went on")
        assert not another.stop_call(calls[0]._promise.id)
        assert not another.stop_call("nobody's")
        run.claim()
    assert run.state == "stopped"


def test_a_call_that_another_has_made_is_stopped_alone(client, another, remote, teller, workspace, wait_for):
    inner = remote(Keeper, uuid.uuid4().hex)
    outer = remote(Asker, "asker", inner)
    with Run("a talk", teller=teller) as run:
        answer = outer("?")
        wait_for(lambda: about_of(another, workspace)["open"] == 2)
        (call,) = {e["call"] for e in another.run_events(run.id) if e["agent"] == inner._name}
        assert another.stop_call(call)
        assert "the other was stopped" in answer.content


def test_a_server_ends_only_runs_that_it_was_told_of(client, another, remote):
    """Whatever it names."""
    waiting = Patient("patient")
    token = context.run.set("not-yours")
    call = waiting()
    context.run.reset(token)
    known = OwnRuns()

    async def stop(**about) -> None:
        known.stopped(pb.Cancel(why="stopped by a server", **about))

    for about in ({"run": "not-yours"}, {"run": "not-yours", "call": call._promise.id}):
        _loop.background().run(stop(**about))
        assert not call._promise.done
    known.begun.add("another")
    _loop.background().run(stop(run="another", call=call._promise.id))
    assert not call._promise.done
    known.begun.add("not-yours")
    _loop.background().run(stop(run="not-yours"))
    with pytest.raises(CallCancelledError, match="stopped by a server"):
        call.result(20)


def test_only_runs_that_were_begun_here_are_ended_here(client, another, remote):
    """A server that names a run of this process which it was not told of changes nothing."""
    waiting = Patient("patient")
    token = context.run.set("not-yours")
    call = waiting()
    context.run.reset(token)
    assert client.stop_run("not-yours") == 0
    assert another.stop_run("not-yours") == 0
    assert not call._promise.done
    call._promise.cancel()


def test_stopping_a_run_that_is_over_changes_nothing(client, another, remote, teller, workspace, wait_for):
    echo = remote(Echo)
    with Run("a talk", teller=teller) as run:
        echo("x").result(20)
    wait_for(lambda: about_of(client, workspace)["state"] == "done")
    assert another.stop_run(run.id) == 0
    assert about_of(client, workspace)["state"] == "done"
    assert not run.halted


# ---- without the kernel


@pytest.fixture
def kernel(server, client, remote, workspace):
    """A process that begins a run and is then killed; its agents."""
    programs = []

    def begin(*, held: bool):
        gate = remote(Keeper, uuid.uuid4().hex)
        agents = {"echo": remote(Echo).agent_id, "gate": gate.agent_id}
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        programs.append(program)
        given = {"address": server.address, "token": server.token, "agents": agents, "workspace": workspace}
        program.stdin.write(json.dumps(given | {"held": held}) + "\n")
        program.stdin.flush()
        return program, program.stdout.readline().strip(), gate

    yield begin
    for program in programs:
        program.kill()
        program.communicate()


@pytest.mark.posix
def test_a_run_goes_on_to_its_end_without_its_kernel(client, remote, kernel, workspace, wait_for):
    program, run_id, gate = kernel(held=False)
    wait_for(lambda: about_of(client, workspace)["open"] == 2)
    os.kill(program.pid, signal.SIGKILL)
    wait_for(lambda: not about_of(client, workspace)["here"], 20)  # long before the time of grace is over
    assert about_of(client, workspace)["state"] == "running"
    remote(Warden)(gate._name).result(20)
    wait_for(lambda: about_of(client, workspace)["state"] != "running")
    about = about_of(client, workspace)
    assert (about["state"], about["messages"], about["open"]) == ("done", 3, 0)
    again = Run.replay(about, client.run_events(run_id))
    assert [message.content for message in again.messages] == [
        "echo heard begin", f"{gate._name} went on", f"echo heard {gate._name} went on",
    ]  # fmt: skip


@pytest.mark.posix
def test_a_run_whose_kernel_took_its_steps_ends_with_it(client, remote, kernel, workspace, wait_for):
    program, run_id, gate = kernel(held=True)
    warden = remote(Warden)
    wait_for(lambda: about_of(client, workspace)["note"] == "pass 1 of 3")
    warden(gate._name).result(20)
    wait_for(lambda: about_of(client, workspace)["note"] == "pass 2 of 3")
    # Echo, gate, echo; and the gate is asked again.
    wait_for(lambda: [about_of(client, workspace)[key] for key in ("messages", "open")] == [3, 1])
    os.kill(program.pid, signal.SIGKILL)
    wait_for(lambda: not about_of(client, workspace)["here"], 20)
    about = about_of(client, workspace)
    assert (about["state"], about["outcome"]) == ("stopped", "kernel gone after pass 2")
    warden(gate._name).result(20)  # what was asked is still answered, and kept
    wait_for(lambda: about_of(client, workspace)["open"] == 0)
    about = about_of(client, workspace)
    assert (about["state"], about["messages"]) == ("stopped", 4)
    again = Run.replay(about, client.run_events(run_id))
    assert [row.label for row in again.view().rows if hasattr(row, "label")] == ["pass 1 of 3", "pass 2 of 3"]
    assert len(again.messages) == 4


@pytest.mark.posix
def test_a_frozen_kernel_is_not_taken_for_a_dead_one(client, remote, kernel, workspace, wait_for):
    program, _run_id, gate = kernel(held=False)
    wait_for(lambda: about_of(client, workspace)["open"] == 2)
    os.kill(program.pid, signal.SIGSTOP)
    try:
        remote(Warden)(gate._name).result(20)
        wait_for(lambda: about_of(client, workspace)["open"] == 0)
        assert about_of(client, workspace)["here"]
        assert about_of(client, workspace)["state"] == "running"
    finally:
        os.kill(program.pid, signal.SIGCONT)


def test_a_kernel_that_leaves_leaves_its_runs(client, attach, remote, workspace, wait_for):
    another = attach()
    gate, run_id, held = remote(Keeper, uuid.uuid4().hex), uuid.uuid4().hex, uuid.uuid4().hex
    another.begin_run(run_id, title="goes on", workspace=workspace)
    another.begin_run(held, title="held", workspace=workspace, held=True)
    another.note_run(held, "pass 2 of 3")
    token = context.run.set(run_id)
    RpcAgent(gate._name, gate.agent_id, connect=lambda: another.attachment)()
    context.run.reset(token)
    wait_for(lambda: client.runs(workspace)[0]["open"] == 1)
    _loop.background().run(another.attachment.close())
    wait_for(lambda: not client.runs(workspace)[0]["here"], 40)  # its last word may be lost
    first, second = client.runs(workspace)
    assert (second["state"], second["outcome"]) == ("stopped", "kernel gone after pass 2")
    assert (first["state"], first["open"]) == ("running", 1)
    remote(Warden)(gate._name).result(20)
    wait_for(lambda: client.runs(workspace)[0]["state"] == "done")
    assert client.runs(workspace)[0]["messages"] == 1
