"""``-r`` and ``--replay`` in a real kernel: agents in its server, and a model over HTTP that is gone then."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(240)]

TOOLS = """\
import os
from nbagents.tools import effects

PLACE = os.path.abspath("notes.txt")

@effects("write")
def save_note(text: str) -> str:
    "Save a note."
    with open(PLACE, "a") as file:
        file.write(text + "|")
    return "saved"
"""
RECORDED = """\
%%pipeline poet -> critic --loop 2 --until "'APPROVED' in msg.content" -o draft {}
Write about rain.
"""


@pytest.fixture
def model() -> Iterator[tuple[dict[str, str], Any]]:
    """Where a model is, as the environment of a kernel; and what ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbagents.demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"speed": 0, "stand_in": "demo-fast"}).encode() + b"\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())

    def stop() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)

    yield {"OPENAI_BASE_URL": told["base_url"], "OPENAI_API_KEY": told["key"], "NBAGENTS_MODEL": ""}, stop
    stop()
    process.stdout.close()


def test_cells_are_recorded_and_replayed_offline(model: Any, new_kernel: Any, tmp_path: Path):
    environment, stop = model
    kernel = new_kernel(environment=environment)
    assert kernel.run("%load_ext nbagents").error == ""
    kernel.run(TOOLS)
    for line, prompt in (
        ("poet -m gpt-4o-mini", "You are a poet. You write four short lines. No title."),
        (
            "critic -m gpt-4o-mini",
            "You are a strict editor. If there are at most 20 words reply APPROVED, else say what to cut.",
        ),
        ("clerk -m gpt-4o-mini --tools save_note --approve ask", "You help. Use your tools."),
        ("me --kind user", "Which topic?"),
    ):
        cell = kernel.run(f"%%agent {line}\n{prompt}")
        assert cell.error == "", cell.error

    loop = kernel.run(RECORDED.format("-r loop.jsonl"))
    assert loop.error == "", loop.error
    assert "recorded in loop.jsonl" in loop.card
    draft = kernel.run("draft.content").card
    script = '%%agents {} -o said\n@me Well?\n@clerk Save the note "buy umbrellas"'
    spoken = kernel.run(script.format("-r script.jsonl"), answers=("Rain.", "yes"))
    assert spoken.error == "", spoken.error
    assert "you approved it" in spoken.card
    said = kernel.run("said.content").card
    group = kernel.run("%%msghub poet critic -r hub.jsonl\npoet('Write about snow.'); last = critic()")
    assert group.error == "", group.error
    last = kernel.run("last.content").card
    lines = (tmp_path / "script.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines[1:]]
    assert kinds == ["human", "model", "tool", "model", "end"]
    assert (tmp_path / "notes.txt").read_text() == "buy umbrellas|"

    stop()
    date = json.loads((tmp_path / "loop.jsonl").read_text().splitlines()[0])["recorded"][:10]
    label = f"replay of gpt-4o-mini, {date}"
    kernel.run("%agents clear poet critic clerk")
    loop = kernel.run(RECORDED.format("--replay loop.jsonl"))
    assert loop.error == "", loop.error
    assert loop.card.count(label) >= 3
    assert label in re.sub(r"<[^>]+>", "", loop.html)
    assert "no model, no tool and no person is asked" in loop.card
    assert kernel.run("draft.content").card == draft
    assert label in kernel.run("%agents runs").card
    again = kernel.run(script.format("--replay script.jsonl"))
    assert again.error == "", again.error
    assert again.prompts == []
    assert kernel.run("said.content").card == said
    assert "replayed, not run again; approved by you then" in again.card
    assert f"replay of a person's answer, {date}" in again.card
    assert (tmp_path / "notes.txt").read_text() == "buy umbrellas|"

    later = kernel.run("%%agents clerk -b --replay script.jsonl -o later\nSomething else.")
    assert later.error == ""
    assert "ReplayMismatchError" in kernel.run("later.content").error
    wrong = kernel.run("%%agents poet --replay loop.jsonl\nWrite about the sea.")
    assert wrong.error.startswith("ReplayMismatchError: poet's 1st call of a model is not in loop.jsonl: ")
    assert "Try: record it anew: -r loop.jsonl --overwrite" in wrong.traceback[1]

    kernel.run("%agents clear poet critic")
    group = kernel.run("%%msghub poet critic --replay hub.jsonl\npoet('Write about snow.'); last = critic()")
    # the hub was recorded after the loop, with all that they remembered: now they remember less
    assert "ReplayMismatchError" in group.error
    assert "it is sent 2 messages, and in the recording" in group.error
    kernel.run("%agents clear poet critic")
    assert kernel.run(RECORDED.format("--replay loop.jsonl -q")).error == ""
    group = kernel.run("%%msghub poet critic --replay hub.jsonl\npoet('Write about snow.'); last = critic()")
    assert group.error == "", group.error
    assert kernel.run("last.content").card == last


def test_what_is_refused_and_what_is_known(kernel: Any):
    run = kernel.run
    assert run("%%agents poet -r one.jsonl\nRain.").error == ""
    cell = run("%%agents poet -r one.jsonl\nRain.")
    assert cell.error.startswith("UsageError: one.jsonl is there already")
    assert run("%%agents poet -r one.jsonl --overwrite\nRain.").error == ""
    assert "give one" in run("%%agents poet -r a.jsonl --replay one.jsonl\nRain.").stderr
    assert "--overwrite needs --record" in run("%%agents poet --overwrite\nRain.").stderr
    assert "there is no recording gone.jsonl here" in run("%%agents poet --replay gone.jsonl\nRain.").error
    assert run("%%agents poet -r two.jsonl --dry-run\nRain.").error == ""
    assert run("import os; os.path.exists('two.jsonl')").card == "False"
    code = run("with open('one.jsonl', 'rb+') as file: file.truncate(len(file.read()) - 60)")
    assert code.error == ""
    cell = run("%%agents poet --replay one.jsonl\nRain.")
    assert cell.error.startswith("RecordingError: one.jsonl, line 2: it breaks off")
    for flag in ("--record", "--replay", "--overwrite"):
        assert flag in run("%%pipeline?").payload
    assert "--replay" in kernel.complete("%%msghub poet --rep")
    assert run("%%agents poet -r three.jsonl\nRain.").error == ""
    assert 'with record("three.jsonl"):\n    poet(Msg("user", "Rain."))' in run("%agents code").stdout


def test_a_kernel_that_is_killed_leaves_whole_lines(new_kernel: Any, tmp_path: Path):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet -m demo-fast\nYou are an echo.")
    kernel.run("%%agent slow -m demo-slow\nYou are a poet. You write four short lines.")
    assert kernel.run("%%pipeline poet -> slow -b -r run.jsonl -o later\nOne.").error == ""
    assert kernel.run("poet('two').content").error == ""
    kernel.manager.signal_kernel(signal.SIGKILL)
    lines = (tmp_path / "run.jsonl").read_bytes()
    assert lines.endswith(b"\n")
    assert [json.loads(line).get("agent") for line in lines.splitlines()] == [None, "poet"]
