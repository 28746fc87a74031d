"""The file of a recording: what is none, damaged, cut or too new is named with its line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbagents.exceptions import RecordingError, UsageError
from nbagents.recording import LONGEST, Recorder, Replayer, asked_of_model, asked_of_tool, read_recording

ANSWER = {
    "model": "gpt-4o-mini",
    "operation": "chat",
    "pieces": ["Be", "ads."],
    "text": "Beads.",
    "content": [],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    recorder = Recorder(path)
    for number in range(3):
        recorder.note("poet", asked_of_model("chat", [{"role": "user", "content": f"Rain {number}"}]), ANSWER)
    assert recorder.end("done") == ()
    return path


def changed(file: Path, number: int, line: str | None) -> Path:
    lines = file.read_text().splitlines()
    lines[number - 1 : number] = [] if line is None else [line]
    file.write_text("".join(f"{each}\n" for each in lines))
    return file


def test_a_whole_one_is_read(file):
    recording = read_recording(file)
    assert (recording.name, recording.state, recording.models) == ("run.jsonl", "done", ("gpt-4o-mini",))
    assert [(entry.agent, entry.number) for entry in recording.entries] == [
        ("poet", 1),
        ("poet", 2),
        ("poet", 3),
    ]
    assert recording.entries[0].answer == ANSWER


def test_a_last_line_that_breaks_off(file):
    data = file.read_bytes()
    end = data.rindex(b'{"kind": "end"')
    file.write_bytes(data[: end - 40])
    with pytest.raises(RecordingError, match=r"run\.jsonl, line 4: it breaks off") as raised:
        read_recording(file)
    assert "delete line 4" in raised.value.hint
    assert "-r run.jsonl --overwrite" in raised.value.hint
    file.write_bytes(data[: data.rindex(b'{"kind": "model"')])
    assert len(read_recording(file).entries) == 2, "whole lines are good as far as they go"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ('{"kind": "model"}', "`agent` is no name"),
        ('{"kind": "model", "agent": "a", "n": 0, "answer": {}}', "`n` is no whole number, at least 1"),
        ('{"kind": "model", "agent": "a", "n": 1, "answer": []}', "`answer` is no object"),
        ('{"kind": "dance", "agent": "a", "n": 1, "answer": {}}', "its kind is"),
        ('{"kind": "tool", "agent": "a", "n": 1, "asked": "x", "answer": {}}', "`asked` is no hash"),
        ("[" * 100_000, "it is no JSON"),
        ('"' + "x" * (LONGEST + 5000) + '"', "it is longer than"),
    ],
)
def test_a_damaged_line(file, line, why):
    with pytest.raises(RecordingError, match=r"run\.jsonl, line 3: the recording is damaged: ") as raised:
        read_recording(changed(file, 3, line))
    assert why in str(raised.value)
    assert raised.value.hint == "record it anew: -r run.jsonl --overwrite"


@pytest.mark.parametrize("part", ["pieces", "content", "usage", "model", "error"])
def test_an_answer_of_another_shape(file, part):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1]["answer"][part] = 7
    with pytest.raises(RecordingError, match=rf"run\.jsonl, line 2: .*`{part}`"):
        read_recording(changed(file, 2, json.dumps(lines[1])))


def test_more_after_the_end(file):
    end = file.read_text().splitlines()[-1]
    with pytest.raises(RecordingError, match=r"line 4: .* more after the line that ends it"):
        read_recording(changed(file, 3, end))


def test_what_is_no_recording(file, tmp_path):
    for text in ("", "# Notes\n", '{"cells": []}\n', '{"format": 1}\n'):
        file.write_text(text)
        with pytest.raises(RecordingError, match=r"run\.jsonl, line 1: this is no recording of nbagents"):
            read_recording(file)
    with pytest.raises(RecordingError, match=r"cannot be read: Is a directory|is no file"):
        read_recording(tmp_path)
    with pytest.raises(UsageError, match=r"there is no recording gone\.jsonl here"):
        read_recording(tmp_path / "gone.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(RecordingError, match=r"pipe\.jsonl is no file"):
        read_recording(tmp_path / "pipe.jsonl")


def test_one_of_a_newer_version(file):
    head = json.loads(file.read_text().splitlines()[0])
    with pytest.raises(
        RecordingError, match=r"a newer nbagents has written it, in version 2 .* up to version 1"
    ):
        read_recording(changed(file, 1, json.dumps(head | {"version": 2})))


def test_an_answer_that_is_too_large_is_left_out_and_said_to_be(tmp_path):
    recorder = Recorder(tmp_path / "run.jsonl")
    recorder.note(
        "poet",
        asked_of_tool("paint", {}),
        {"state": "done", "content": [{"type": "text", "text": "x" * LONGEST}]},
    )
    recorder.end("done")
    (entry,) = read_recording(tmp_path / "run.jsonl").entries
    assert entry.answer["too_large"] > LONGEST
    assert (tmp_path / "run.jsonl").stat().st_size < 1000


def test_a_link_in_its_place_is_not_followed(file, tmp_path):
    link, target = tmp_path / "link.jsonl", tmp_path / "target"
    target.write_text("mine")
    link.symlink_to(target)
    with pytest.raises(UsageError, match="is there already"):
        Recorder(link)
    with pytest.raises(UsageError, match="is no recording"):
        Recorder(link, overwrite=True)
    link.unlink()
    link.symlink_to(file)
    before = file.read_text()
    recorder = Recorder(link, overwrite=True)
    recorder.note("poet", asked_of_model("chat", ["Rain."]), ANSWER)
    recorder.end("done")
    assert file.read_text() == before
    assert not link.is_symlink()


def test_what_several_models_are_called(tmp_path):
    recorder = Recorder(tmp_path / "run.jsonl")
    for number, model in enumerate(("demo", "gpt-4o-mini")):
        recorder.note("poet", asked_of_model("chat", [f"{number}"]), ANSWER | {"model": model})
    recorder.end("done")
    replayer = Replayer(tmp_path / "run.jsonl")
    assert replayer.label == f"replay of demo (not an AI) and gpt-4o-mini, {replayer.date}"


def test_a_pipe_is_not_waited_for_and_not_overwritten(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(UsageError, match=r"pipe\.jsonl is no recording, and is not overwritten"):
        Recorder(tmp_path / "pipe.jsonl", overwrite=True)
    nested = tmp_path / "nested.jsonl"
    nested.write_text("[" * 1000)
    with pytest.raises(UsageError, match=r"nested\.jsonl is no recording, and is not overwritten"):
        Recorder(nested, overwrite=True)


FULL = """
import resource, signal, sys
from nbagents.recording import Recorder, asked_of_model

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
recorder = Recorder(sys.argv[1])
for number in range(9):
    told = {"model": "m", "operation": "chat", "pieces": [], "text": "x" * 400}
    recorder.note("poet", asked_of_model("chat", [f"Rain {number}"]), told)
print(*recorder.end("done"))
"""


def test_a_full_disk_leaves_whole_lines(tmp_path):
    file = tmp_path / "run.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL, file], capture_output=True, text=True, check=True)
    assert "run.jsonl cannot be written further: File too large" in done.stdout
    recording = read_recording(file)
    assert recording.state == ""
    assert 1 <= len(recording.entries) < 9


def test_names_that_are_too_long_or_hold_a_key_are_found_again(tmp_path):
    for number, name in enumerate(("x" * 600, "sk-learn-assistant", "half \ud83d")):
        recorder = Recorder(tmp_path / f"{number}.jsonl")
        recorder.note(name, asked_of_model("chat", ["Rain."]), ANSWER)
        assert recorder.end("done") == ()
        replayer = Replayer(tmp_path / f"{number}.jsonl")
        assert asyncio.run(replayer.answer(name, asked_of_model("chat", ["Rain."])))["text"] == "Beads."
