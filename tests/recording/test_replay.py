"""Runs recorded with a model over HTTP, and replayed once that has been stopped: nobody can be asked."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

import nbagents
from nbagents import Msg, ReActAgent, SequentialPipeline, Toolkit, UserAgent
from nbagents.asking import scripted
from nbagents.exceptions import ModelUnavailableError, RecordingError, ReplayMismatchError, UsageError
from nbagents.rpc import RpcAgent
from nbagents.tools import effects

ECHO = "You are an echo."
POET = "You are a poet. You write four short lines. No title."
CRITIC = "You are a strict editor. If there are at most 20 words reply APPROVED, else say what to cut."


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_agents_here_and_in_two_servers_are_replayed_with_nobody_to_ask(place, endpoint, tmp_path):
    def talk():
        where = ("here", "first", "second")
        agents = [place(each, f"echo_{each}", ECHO, endpoint.config) for each in where]
        critic = place("second", "critic", CRITIC, endpoint.config)
        opinions = [agent(Msg("user", f"Write about rain, {n}.")) for n, agent in enumerate(agents)]
        return [each.content for each in (*opinions, critic(opinions[1]))]

    file = tmp_path / "run.jsonl"
    with nbagents.record(file, title="three places") as run:
        said = talk()
    assert run.state == "done"
    assert len(set(said)) == 4
    endpoint.stop()
    with pytest.raises(ModelUnavailableError):
        talk()
    with nbagents.replay(file, title="three places") as again:
        assert talk() == said
    label = f"replay of gpt-4o-mini, {told(file)[0]['recorded'][:10]}"
    assert label in again.view().title
    assert {row.model for row in again.view().rows} == {label}
    assert {row.model for row in run.view().rows} == {"gpt-4o-mini"}
    assert again.cost == 0
    assert again.tokens == run.tokens
    assert "run.jsonl" in again.notes[0]
    assert str(tmp_path) not in str(again.view())


def test_what_the_file_holds(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        said = place("first", "poet", POET, endpoint.config)(
            Msg("user", "Rain, for sk-0123456789abcdef.")
        ).content
    head, line, end = told(file)
    assert head == {"format": "nbagents.recording", "version": 1, "recorded": head["recorded"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", head["recorded"])
    assert end == {"kind": "end", "state": "done"}
    assert (line["kind"], line["agent"], line["n"]) == ("model", "poet", 1)
    assert line["answer"]["model"] == "gpt-4o-mini"
    assert "".join(line["answer"]["pieces"]) == line["answer"]["message"]["content"] == said
    assert len(line["answer"]["pieces"]) > 3
    assert line["answer"]["usage"]["total_tokens"] > 0
    text = file.read_text()
    for secret in (
        endpoint.config["api_key"],
        endpoint.config["base_url"],
        "127.0.0.1",
        "sk-0123456789",
        "bearer",
    ):
        assert secret not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["here", "first"])
def test_another_prompt_fails_and_says_who_and_how(place, endpoint, tmp_path, where):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        assert place(where, "poet", POET, endpoint.config)(Msg("user", "Write about rain.")).content
    with nbagents.replay(file):
        reply = place(where, "poet", POET, endpoint.config)(Msg("user", "Write about snow."))
        with pytest.raises(ReplayMismatchError) as raised:
            _ = reply.content
    assert str(raised.value) == (
        "poet's 1st call of a model is not in run.jsonl: what it is told begins 'user: Write about snow.',"
        " and in the recording 'user: Write about rain.'. Nobody else was asked."
    )
    assert raised.value.hint == "record it anew: -r run.jsonl --overwrite"
    with (
        nbagents.replay(file),
        pytest.raises(ReplayMismatchError, match=r"message 1 of 2 \(system\) is another"),
    ):
        _ = place(where, "poet", "You are a cook.", endpoint.config)(Msg("user", "Write about rain.")).content
    with (
        nbagents.replay(file),
        pytest.raises(ReplayMismatchError, match="nothing of cook is recorded there, only of poet"),
    ):
        _ = place(where, "cook", POET, endpoint.config)(Msg("user", "Write about rain.")).content
    with nbagents.replay(file):
        poet = place(where, "poet", POET, endpoint.config)
        assert poet(Msg("user", "Write about rain.")).content
        with pytest.raises(
            ReplayMismatchError, match=r"poet's 2nd call of a model .* only 1 is recorded there"
        ):
            _ = poet(Msg("user", "Once more.")).content


def test_times_and_ids_in_a_prompt_may_differ(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    prompt = "It is {}, and this is request {}. Write about rain."
    with nbagents.record(file):
        first = prompt.format("2026-11-02 10:11:12", "0b7e2f64-59c5-4a8e-9d5e-0a4a5f3f9c11")
        said = place("here", "poet", POET, endpoint.config)(Msg("user", first)).content
    with nbagents.replay(file):
        second = prompt.format("2027-01-31 23:59:01", "8c1d9a55-1f9b-4a35-8a3c-7a2f5d6e1b20")
        assert place("here", "poet", POET, endpoint.config)(Msg("user", second)).content == said


def test_parallel_agents_are_answered_right_in_any_order(place, endpoint, tmp_path):
    file, names = tmp_path / "run.jsonl", [f"echo{n}" for n in range(8)]

    def talk(order):
        agents = {
            n: place(("here", "first", "second")[i % 3], n, ECHO, endpoint.config)
            for i, n in enumerate(names)
        }
        replies = {name: agents[name](Msg("user", f"Write about {name}.")) for name in order}
        return {name: replies[name].content for name in names}

    with nbagents.record(file):
        said = talk(names)
    endpoint.stop()
    with nbagents.replay(file):
        assert talk(names[::-1]) == said


def test_a_tool_is_not_called_again_and_a_person_is_not_asked_again(endpoint, tmp_path):
    saved = []

    @effects("write")
    def save_note(text: str) -> str:
        """Save a note."""
        saved.append(text)
        return f"saved as number {len(saved)}"

    def talk():
        kit = Toolkit()
        kit.register_tool_function(save_note)
        clerk = ReActAgent(
            "clerk", "You help. Use your tools.", endpoint.config, toolkit=kit, approve={"write": "auto"}
        )
        me = UserAgent("me", "Which note? ")
        return SequentialPipeline([me, clerk])(Msg("user", "A note, please.")).content

    file = tmp_path / "run.jsonl"
    with scripted(['Save the note "buy umbrellas"']), nbagents.record(file):
        said = talk()
    assert saved == ["buy umbrellas"]
    kinds = [line["kind"] for line in told(file)[1:]]
    assert kinds == ["human", "model", "tool", "model", "end"]
    endpoint.stop()
    with nbagents.replay(file) as run:
        assert talk() == said
    assert saved == ["buy umbrellas"]
    date = told(file)[0]["recorded"][:10]
    mine, clerk = run.view().rows
    assert mine.model == f"replay of a person's answer, {date}"
    call = next(fold for fold in clerk.folds if fold.kind == "call")
    assert (call.title, call.state, call.allowed) == ("save_note", "done", "replayed, not run again")
    assert "saved as number 1" in call.answer


def test_a_file_that_is_there_is_overwritten_only_if_that_is_said(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        assert place("here", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    before = file.read_text()
    with pytest.raises(UsageError, match=r"run.jsonl is there already.*--overwrite"), nbagents.record(file):
        pass
    assert file.read_text() == before
    with nbagents.record(file, overwrite=True) as run:
        pass
    assert file.read_text() == before, "nothing was recorded in its place"
    assert "nothing was asked, so run.jsonl is as it was" in run.notes[-1]
    assert [each.name for each in tmp_path.iterdir()] == ["run.jsonl"]
    with nbagents.record(file, overwrite=True):
        assert file.read_text() == before
        assert place("here", "poet", POET, endpoint.config)(Msg("user", "Snow.")).content
        assert "Snow." in file.read_text()
    assert [line.get("kind") for line in told(file)] == [None, "model", "end"]
    assert [each.name for each in tmp_path.iterdir()] == ["run.jsonl"]
    other = tmp_path / "notebook.ipynb"
    other.write_text('{"cells": []}\n')
    with (
        pytest.raises(UsageError, match="is no recording, and is not overwritten"),
        nbagents.record(other, overwrite=True),
    ):
        pass
    assert other.read_text() == '{"cells": []}\n'
    with (
        pytest.raises(RecordingError, match=r"gone\.jsonl cannot be written"),
        nbagents.record(tmp_path / "no" / "gone.jsonl"),
    ):
        pass


def test_what_failed_when_it_was_recorded_fails_again(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    endpoint.stop()
    with nbagents.record(file), pytest.raises(ModelUnavailableError):
        _ = place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    assert "127.0.0.1" not in file.read_text()
    with nbagents.replay(file), pytest.raises(ModelUnavailableError, match="failed when it was recorded"):
        _ = place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content


def test_lines_are_whole_while_a_run_goes_on(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        poet = place("first", "poet", POET, endpoint.config)
        for number in range(1, 4):
            assert poet(Msg("user", f"Rain {number}.")).content
            assert file.read_bytes().endswith(b"\n")
            assert len(told(file)) == 1 + number
    cut = tmp_path / "cut.jsonl"
    cut.write_text("".join(f"{line}\n" for line in file.read_text().splitlines()[:2]))
    with nbagents.replay(cut):
        poet = place("first", "poet", POET, endpoint.config)
        assert poet(Msg("user", "Rain 1.")).content
        with pytest.raises(ReplayMismatchError, match="the file breaks off before the end of its run"):
            _ = poet(Msg("user", "Rain 2.")).content


def test_a_replay_is_quick_though_the_model_was_slow(place, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        assert place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    lines = told(file)
    lines[1]["answer"]["seconds"] = 3600
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    begin = time.monotonic()
    with nbagents.replay(file):
        assert place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    assert time.monotonic() - begin < 30


LEAVES = """
import os, sys, threading
import nbagents
from nbagents import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient

address, agent_id, file = sys.argv[1:]
client = RpcAgentClient(address, token=sys.stdin.readline().strip())
poet = RpcAgent("poet", agent_id, kind="Later", connect=lambda: client.attachment)
with nbagents.replay(file):
    reply = poet(Msg("user", "Rain."))
    print("begun", flush=True)
    sys.stdin.read()
    os._exit(0)
"""


def test_a_replay_asks_nobody_when_its_recording_is_gone(place, servers, endpoint, tmp_path):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        assert place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    gate, told = tmp_path / "gate", tmp_path / "told"
    os.mkfifo(gate)
    os.mkfifo(told)
    client, agent_id = servers["first"], uuid.uuid4().hex
    settings = {
        "class_name": "later_agents:Later",
        "args": ["poet", POET, endpoint.config],
        "kwargs": {"gate": str(gate), "told": str(told)},
        "import_path": sys.path,
    }
    client.create_agent(settings, agent_id)
    command = [sys.executable, "-c", LEAVES, client.address, agent_id, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write(client.attachment.token + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "begun\n"
        with gate.open("w"):  # opens once the agent waits there
            process.stdin.close()
            process.wait(20)
    assert told.read_text().startswith("ReplayMismatchError: whoever replays this run has left")


def test_a_replay_that_is_over_asks_nobody_though_its_server_has_let_go_of_it(
    place, servers, endpoint, tmp_path
):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file):
        assert place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    gate, told = tmp_path / "gate", tmp_path / "told"
    os.mkfifo(gate)
    os.mkfifo(told)
    client, agent_id = servers["first"], uuid.uuid4().hex
    settings = {
        "class_name": "later_agents:Later",
        "args": ["poet", POET, endpoint.config],
        "kwargs": {"gate": str(gate), "told": str(told)},
        "import_path": sys.path,
    }
    client.create_agent(settings, agent_id)
    poet = RpcAgent("poet", agent_id, kind="Later", connect=lambda: client.attachment)
    with nbagents.replay(file) as run:
        reply = poet(Msg("user", "Rain."))
        run.end("failed")
    with nbagents.replay(file):  # that server is told of another run, and that the first is over
        assert place("first", "poet", POET, endpoint.config)(Msg("user", "Rain.")).content
    with gate.open("w"):  # opens once the agent waits there
        pass
    assert told.read_text().startswith("ReplayMismatchError: whoever replays this run has left")
    with pytest.raises(ReplayMismatchError):
        _ = reply.content
