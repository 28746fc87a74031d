"""``%agents`` in a real kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.notebook


def test_the_agents_of_this_notebook(kernel: Any):
    for code in ("%agents", "%agents status"):
        text = kernel.run(code).card
        assert text.startswith("agents of this notebook · server ")
        assert "poet    demo-fast · not an AI" in text
    assert "poet" in kernel.run("%agents ls").card


def test_a_question_is_answered_with_a_message(kernel: Any):
    cell = kernel.run('%agents ask poet "Hello."')
    assert cell.card.startswith("poet\n  Hello.")
    assert cell.stdout == ""
    kernel.run("topic = 'rain'\nx = %agents ask poet it's about {topic}")
    assert kernel.run("x.name, x.role").card == "('poet', 'assistant')"
    assert "it's about rain" in kernel.run("poet.memory").card


def test_a_question_that_fails(kernel: Any):
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    cell = kernel.run("%agents ask broken Hello.")
    assert cell.error.startswith("ModelUnavailableError: broken:")
    assert len(cell.traceback) == 2
    assert cell.stderr == ""
    assert "broken:" in kernel.run("%agents why").stdout


def test_what_an_agent_remembers(kernel: Any):
    kernel.run("%%agent fresh -m demo-fast\nYou are an echo.")
    kernel.run("%%agents fresh -q\nHello.")
    text = kernel.run("%agents show fresh").card
    assert text.startswith("fresh · memory of the prompt and 2 messages")
    assert "1 system · system\n    You are an echo." in text
    assert "no agent called 'nobody'" in kernel.run("%agents show nobody").stderr


def test_runs_can_be_stopped_by_number_by_agent_and_all(kernel: Any):
    kernel.run("%%agent slow -m demo-slow --fresh\nYou are a poet. You write four short lines. No title.")
    assert kernel.run("%agents stop").stdout == "nothing runs here\n"
    for code in ("%agents stop", "%agents stop --all", "%agents stop slow", "%agents stop {number}"):
        kernel.run("%%agents slow -b -o later\nWrite about rain.")
        kernel.run("from nbagents.runs import recent_runs\nnumber = recent_runs()[-1].number")
        assert "1 call stopped" in kernel.run(code).stdout
        cell = kernel.run("later.content")
        assert cell.error.startswith("CallStoppedError: ")
    assert "there is no run 9999" in kernel.run("%agents stop 9999").stderr


def test_the_python_of_a_cell(kernel: Any):
    kernel.run("%%agents poet critic -q\nHello.")
    assert kernel.run("%agents code").stdout == (
        'from nbagents import Msg\n\ntask = Msg("user", "Hello.")\nreplies = [poet(task), critic(task)]\n'
    )


def test_the_doctor_and_the_servers(kernel: Any):
    doctor = kernel.run("%agents doctor").card
    assert "✓  agent server" in doctor
    assert "OPENAI_API_KEY" in doctor
    assert "this notebook's" in kernel.run("%agents server ls").card
    assert kernel.run("%agents server start").stdout.startswith("the agent server runs: ")
    assert "is not the one of this notebook" in kernel.run("%agents server stop other").stderr


def test_stopping_the_server_and_starting_it_again(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    other = new_kernel()  # of another notebook, but of the same user: it shares the server
    other.run("import os; os.chdir('..')\n%load_ext nbagents")
    other.run("%%agent stranger -m demo-fast\nYou are a poet.")
    refused = kernel.run("%agents server stop").stderr
    assert "of other notebooks would end too" in refused
    assert refused.rstrip().endswith("%agents server stop --all")
    assert kernel.run("%agents server stop --all").stdout.startswith("the agent server has stopped, and ")
    assert "no agent called 'poet'" in kernel.run("%%agents poet\nHello.").stderr
    assert "poet" not in kernel.run("%agents").card.replace("define one: `%%agent poet`", "")
    assert kernel.run("%%agent poet -m demo-fast\nYou are a poet.").card.startswith("poet ready")
    assert "poet · ✓ done" in kernel.run("%%agents poet\nHello.").card


def test_a_damaged_journal_is_named_and_the_next_start_begins_afresh(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents\nfrom nbagents.rpc import connections")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    kernel.run(
        "import os, signal, sqlite3, time\nfrom nbagents.rpc._places import journal_path\n"
        "(known,) = connections()\nos.kill(known.pid, signal.SIGKILL)\n"
        "while known.is_alive(): time.sleep(0.01)\n"
        "db = sqlite3.connect(journal_path(known.server_id))\n"
        "db.execute('UPDATE agents SET settings = 0')\ndb.commit(); db.close()"
    )
    (failed,) = kernel.run("%agents server start").outputs
    assert "is damaged: row 1 of agents" in str(failed.data)
    started = kernel.run("%agents server start").stdout
    assert started.startswith("the agent server runs: ")
    assert "what the one before had kept was damaged and lies in " in started
    assert "%%" not in started


def test_nothing_has_failed(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    assert kernel.run("%agents why").stdout == "nothing has failed here\n"
    assert "there is no run 7" in kernel.run("%agents why 7").stderr
    assert "no cell of agents has run yet" in kernel.run("%agents code").stderr


def test_the_notebooks_own_default_model(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    assert "demo-slow (by %agents config)" in kernel.run("%agents config model=demo-slow").stdout
    assert "model demo-slow" in kernel.run("%%agent slow\nYou are an editor.").card
    assert "it goes like this" in kernel.run("%agents config model").stderr
    assert "knows no colour" in kernel.run("%agents config colour=red").stderr
    assert "no-such-model" in kernel.run("%agents config model=no-such-model").stderr
    assert "demo-slow" in kernel.run("%agents config").stdout


def test_a_run_keeps_the_cells_of_the_notebook(kernel: Any, tmp_path: Path):
    kernel.run(f"import nbagents; nbagents.init(save_dir={str(tmp_path)!r}, runtime_id='r')")
    kernel.run("key = 'sk-0123456789CANARY9f2c'")
    kernel.run("%agents status")
    text = (tmp_path / "r" / "code" / "notebook.py").read_text()
    assert text.endswith("runtime_id='r')\n\n# %%\nkey = 'sk-…9f2c'\n\n# %%\n%agents status\n")
    kernel.run("nbagents.init(project='x', disable_saving=True)")
    assert (tmp_path / "r" / "code" / "notebook.py").read_text() == text
