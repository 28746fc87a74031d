"""``%agents runs``, ``show``, ``wait``, ``stop``, ``timeline``, ``cost``, ``export``: runs by number."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = pytest.mark.notebook


def test_runs_are_listed_and_shown_by_number(kernel: Any):
    kernel.run("%%agents poet critic -q\nHello.")
    number = kernel.run("from nbagents.runs import recent_runs\nrecent_runs()[-1].number").card
    listed = kernel.run("%agents runs").card
    assert listed.startswith("runs of this notebook")
    row = next(line for line in listed.split("\n") if line.startswith(f"{number} "))
    assert "✓ done" in row
    assert "poet, critic" in row
    shown = kernel.run(f"%agents show {number}").card
    assert shown.startswith(f"run {number} · poet, critic · ✓ done")
    assert "you: Hello." in shown
    assert "there is no run 9999" in kernel.run("%agents show 9999").stderr


def test_who_was_busy_when_and_what_it_took(kernel: Any):
    kernel.run("%%agents poet critic -q\nHello.")
    timeline = kernel.run("%agents timeline").card
    assert "wall " in timeline
    assert "poet" in timeline
    kernel.run("%%agents poet -q\nAlone.")
    assert "wall " in kernel.run("%agents timeline").card, "where nobody worked at the same time"
    kernel.run("%%agents poet critic -q\nHello.")
    costs = kernel.run("%agents cost").card.split("\n")
    assert costs[0].startswith("run ")
    assert any(line.startswith("poet") and line.endswith("free") for line in costs)
    assert any(line.startswith("all") for line in costs)


@pytest.mark.parametrize("end", ["md", "html", "json", "ipynb"])
def test_a_run_becomes_a_file(kernel: Any, tmp_path: Path, end: str):
    kernel.run("%%pipeline poet -> critic -q --loop 2\nWrite about <b>rain</b>.")
    path = tmp_path / f"run.{end}"
    assert "4 messages written to" in kernel.run(f"%agents export {path}").stdout
    text = path.read_text()
    assert "pass 2 of 2" in text
    if end == "json":
        told = json.loads(text)
        assert [each["agent"] for each in told["messages"]] == ["poet", "critic"] * 2
        assert told["state"] == "done"
    if end == "ipynb":
        nbformat.validate(nbformat.reads(text, as_version=4))
    if end == "html":
        assert "<b>rain</b>" not in text
        assert text.lower().startswith("<!doctype html>")
    assert "a run can be written to .md" in kernel.run(f"%agents export {tmp_path}/run.pdf").stderr


NO_FILES = [
    ".", "..", "/", "md", ".env", "~", "/etc/passwd", "/proc/self/environ", "/dev/zero", "/dev/full",
    "run.md/", "run.md/.", "../../run", "..\\\\run", "run%2emd", "run.md%00", "CON", "run.md.exe", "a.md:b",
    "/nowhere/run.md", "nowhere/../run.md", "%2e%2e/run.md", "/proc/self/run.md", "folder.md", "pipe.md",
    "device.md", "loop.md", "plain.md/run.md", "a\0b.md", "\ud800.md", "x" * 300 + ".md", "x/" * 2500 + ".md",
]  # fmt: skip
"""Names that are no files, or none that a run can be written to; some are folders, pipes, devices, links."""


def test_what_is_no_plain_file_is_not_written_to(kernel: Any):
    kernel.run("%%agents poet -q\nHello.")
    folder = Path(kernel.run("import os\nprint(os.getcwd())").stdout.strip())
    (folder / "folder.md").mkdir()
    (folder / "plain.md").write_text("mine")
    os.mkfifo(folder / "pipe.md")
    (folder / "device.md").symlink_to("/dev/zero")
    (folder / "loop.md").symlink_to("loop.md")
    before, began = sorted(folder.iterdir()), time.monotonic()
    for path in NO_FILES:
        cell = kernel.run(f"get_ipython().run_line_magic('agents', {f'export {path}'!a})")
        assert cell.stderr.startswith("UsageError: %agents: "), (path, cell)
        assert len(cell.stderr) < 500, path
        assert cell.stderr.isascii() or "…" in cell.stderr, path
    assert time.monotonic() - began < 20  # no pipe was waited for
    assert sorted(folder.iterdir()) == before
    assert (folder / "plain.md").read_text() == "mine"
    told = kernel.run("%agents export 'a\u202eb.md'").stdout
    assert told.endswith("written to 'a\\u202eb.md'\n")
    assert (folder / "a\u202eb.md").read_text().startswith("## run ")


def test_waiting_for_a_run_of_ones_own(kernel: Any):
    kernel.run("%%agent slow -m demo --fresh\nYou are a poet. You write four short lines. No title.")
    assert "no run goes on" in kernel.run("%agents wait").stderr
    kernel.run("%%agents slow -b -o later\nWrite about rain.")
    cell = kernel.run("run = %agents wait")
    assert (cell.error, cell.stderr) == ("", "")
    assert kernel.run("run.state, len(run.messages), later.done()").card == "('done', 1, True)"
    kernel.run("%%agents slow -b\nWrite about rain.")
    assert "goes on after 0.01 s" in kernel.run("%agents wait --timeout 0.01").stderr
    assert "1 call stopped" in kernel.run("%agents stop").stdout


def test_a_memory_is_emptied(kernel: Any):
    kernel.run("%%agent echo -m demo-fast --fresh\nYou are an echo.")
    kernel.run("%%agents echo -q\nHello.")
    assert kernel.run("%agents clear echo").stdout == "echo has forgotten 2 messages; its prompt stays\n"
    assert kernel.run("len(echo.memory.get_memory())").card == "0"
    assert "no agent called 'nobody'" in kernel.run("%agents clear nobody").stderr


def test_a_memory_goes_back_and_is_forked(kernel: Any):
    kernel.run("%%agent parrot -m demo-fast --fresh\nYou are an echo.")
    for word in ("One.", "Two.", "Three."):
        kernel.run(f"%%agents parrot -q\n{word}")
    cell = kernel.run("%agents fork parrot@5 as parrot_2")  # 1 is the prompt
    assert cell.stdout == "parrot_2 is like parrot and remembers 4 messages\n", cell
    assert kernel.run("%agents rewind parrot@3").stdout == "parrot has forgotten 4 messages after number 3\n"
    said = "[m.content for m in {}.memory.get_memory() if m.role == 'user']"
    assert kernel.run(said.format("parrot")).card == "['One.']"
    assert kernel.run(said.format("parrot_2")).card == "['One.', 'Two.']"
    kernel.run("%%agents parrot_2 -q\nFour.")
    assert kernel.run(said.format("parrot_2")).card == "['One.', 'Two.', 'Four.']"
    assert kernel.run(said.format("parrot")).card == "['One.']"
    assert kernel.run("%agents fork parrot as parrot_3").stdout.endswith("remembers 2 messages\n")
    assert "there is an agent parrot_3" in kernel.run("%agents fork parrot as parrot_3").stderr
    assert "parrot has 3 messages, and none of the number 9" in kernel.run("%agents rewind parrot@9").stderr
    for line in ("fork parrot", "fork parrot@x as p", "rewind parrot", "rewind parrot@2 as p"):
        assert "it goes like this: %agents" in kernel.run(f"%agents {line}").stderr
    assert "parrot_2 has forgotten" in kernel.run("%agents rewind parrot_2@1").stdout
    assert kernel.run("len(parrot_2.memory.get_memory())").card == "0"


def test_who_spoke_to_whom(kernel: Any):
    kernel.run("%%pipeline poet -> critic -q\nWrite about rain.")
    cell = kernel.run("%agents graph")
    assert "you → poet: 1\npoet → critic: 1" in cell.card
    assert "<svg" in cell.outputs[0].data["text/html"]
    assert "there is no run 999" in kernel.run("%agents graph 999").stderr


def test_a_value_has_all_that_is_known_of_a_run(kernel: Any):
    kernel.run("%%agents poet critic -q\nHello.")
    kernel.run("from nbagents.runs import recent_runs\nrun = recent_runs()[-1]")
    assert kernel.run("len(run.messages), [lane.agent for lane in run.timeline]").card == (
        "(2, ['poet', 'critic'])"
    )
    assert kernel.run("run.cost, [m.name for m in run.result]").card == "(0.0, ['poet', 'critic'])"
    assert "**poet**" in kernel.run("print(run.to_markdown())").stdout
    assert "needs pandas" in kernel.run("run.to_df()").error


def loaded(kernel: Any) -> str:
    """Load the extension; return its banner once the server is there."""
    cell = kernel.run("%load_ext nbagents")
    while cell.card.startswith("○ nbagents · agent server starting"):
        kernel.run("import time; time.sleep(0.05)")
    return str(cell.card)


@pytest.mark.long
@pytest.mark.timeout(180)
def test_after_a_restart_runs_are_told_of_shown_waited_for_and_stopped(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent slow -m demo\nYou are a poet. You write four short lines. No title.")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet. You write four short lines. No title.")
    kernel.run("%%agents poet\nBefore.")
    kernel.run("%%pipeline slow*9 -> poet -b\nWrite about rain.")
    kernel.restart()
    banner = loaded(kernel)
    assert "2 agents are still alive" in banner
    assert "1 run goes on: run 2 · `%agents wait 2`" in banner
    assert "its kernel is gone" in kernel.run("%agents runs").card
    waited = kernel.run("%agents wait 2")
    assert waited.error == "", waited.stderr
    assert waited.card.startswith("run 2 · pipeline slow*9 → poet · ✓ done")
    assert "you: Write about rain." in waited.card
    kernel.restart()
    banner = loaded(kernel)
    assert "1 run ended while this notebook was away: run 2 ✓ · `%agents show 2`" in banner
    assert kernel.run("%agents show 2").card.startswith("run 2 · pipeline slow*9 → poet · ✓ done")
    assert kernel.run("%agents cost 2").card.startswith("run 2 · pipeline slow*9 → poet")
    kernel.run("%%agents poet\nAfter.")
    kernel.run("%%pipeline slow*20 -b\nWrite about rain.")
    kernel.restart()
    assert "run 2" not in loaded(kernel)
    assert kernel.run("%agents stop 4").stdout.startswith("run 4: ")
    assert "■ stopped" in kernel.run("%agents show 4").card
    assert kernel.run("%agents stop 4").stdout == "run 4 has ended\n"


def test_a_chat_and_a_run_of_ones_own_code_are_seen_and_stopped_by_another_kernel(new_kernel: Any):
    one, two = new_kernel(), new_kernel()
    one.run("%load_ext nbagents")
    one.run("%%agent slow -m demo-long\nYou tell long stories.")
    one.run("from nbagents.runs import Chat, Run\nchat = Chat([slow])\nsaid = chat.say('Tell of rain.')")
    assert "1 agent is still alive: slow" in loaded(two)
    assert "chat with slow" in two.run("%agents runs").card
    assert two.run("%agents stop").stdout == "run 1: 1 call stopped\n"
    assert "stopped by you" in one.run("said.content").error
    assert one.run("chat.busy, chat.view().rows[-1].state").card == "(False, 'stopped')"
    one.run("with Run('by hand') as run:\n    said = slow('Tell of snow.')")
    assert "by hand" in two.run("%agents runs").card
    assert two.run("%agents stop 2").stdout == "run 2: 1 call stopped\n"
    assert "stopped by you" in one.run("said.content").error
    assert one.run("run.number, run.state, run.halted").card == "(2, 'stopped', True)"


def test_another_notebooks_agent_is_called_from_here(new_kernel: Any, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, two = new_kernel(folder=tmp_path / "a"), new_kernel(folder=tmp_path / "b")
    one.run("%load_ext nbagents")
    one.run("%%agent poet -m demo-fast\nYou are an echo.")
    one.run("%%agents poet -q\nHello.")
    two.run("%load_ext nbagents")
    assert two.run("%agents use a/poet as theirs").stdout.startswith("theirs is poet of a; ")
    two.run("%%agents theirs -o said\nAnd here.")
    assert two.run("said.content").card == "'And here.'"
    assert one.run("len(poet.memory.get_memory())").card == "4"
    assert "theirs" in two.run("%agents").card
    assert "no agent called 'nobody' in 'a'" in two.run("%agents use a/nobody").stderr
    assert "there is an agent theirs here" in two.run("%agents use a/poet as theirs").stderr
