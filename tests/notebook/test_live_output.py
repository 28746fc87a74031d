"""What a person at the notebook sees: the banner, the card as it streams, late messages, hints."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.notebook


def _until_ready(kernel: Any, banner: Any) -> None:
    """Wait until the banner has been replaced by the one that says the server is ready."""
    limit = time.monotonic() + 20
    while not banner.card.startswith("●"):
        assert time.monotonic() < limit, banner.card
        kernel.run("pass")


def test_the_card_streams_into_its_cell_and_is_then_frozen(kernel: Any):
    kernel.run("%%agent slow -m demo --fresh\nYou are a poet. You write four short lines. No title.")
    # This client draws no widgets; it takes some seconds until that is known.
    kernel.run("from nbagents.widgets import _card\n_card.PATIENCE = 0")
    cell = kernel.run("%%agents slow\nWrite about rain.")
    (card,) = cell.outputs
    texts = list(dict.fromkeys(shown["text/plain"] for shown in card.history))
    partial = [text for text in texts if "Rain at dawn" in text and "than before" not in text]
    assert len(partial) >= 2
    assert card.updates <= 11 * cell.seconds + 2
    assert 'role="log"' in card.history[1]["text/html"]
    assert 'role="log"' not in card.data["text/html"]
    assert card.data["text/plain"].endswith("then rain again, softer than before.")
    assert set(card.data) == {"text/html", "text/plain"}
    kernel.run("_card.PATIENCE = 5")


def test_updates_belong_to_the_cell_they_are_for(kernel: Any):
    kernel.run("%%agent slow -m demo-slow --fresh\nYou are a poet. You write four short lines. No title.")
    background = kernel.run("%%agents slow -b -o later\nWrite about rain.")
    meanwhile = kernel.run("later.content\nimport time; time.sleep(0.4)\nprint('mine')")
    assert meanwhile.stdout.endswith("mine\n")
    assert [output.kind for output in meanwhile.outputs if output.data] == []
    assert "✓ done" in background.outputs[0].data["text/plain"]


def test_a_message_that_has_not_arrived_is_shown_and_replaced(kernel: Any):
    kernel.run("%%agent slow -m demo-slow --fresh\nYou are a poet. You write four short lines. No title.")
    cell = kernel.run("m = slow('Write about rain.'); m")
    assert cell.seconds < 0.6
    assert cell.outputs[-1].history[0]["text/plain"] == "slow · ▶ running"
    kernel.run("m.content\nimport time; time.sleep(0.4)")
    assert "Rain at dawn" in cell.outputs[-1].data["text/plain"]


def test_a_list_of_messages_fills_itself(kernel: Any):
    kernel.run("%%agent slow -m demo-slow --fresh\nYou are a poet. You write four short lines. No title.")
    cell = kernel.run("both = [slow('Write about rain.'), slow('Write about tea.')]; both")
    shown = [output.history[0]["text/plain"] for output in cell.outputs]
    assert shown == ["slow · ▶ running"] * 2
    kernel.run("[m.content for m in both]\nimport time; time.sleep(0.4)")
    for output, word in zip(cell.outputs, ("Rain at dawn", "tea"), strict=True):
        assert word in output.data["text/plain"]
    kinds = kernel.run("class Own(list):\n    def _ipython_display_(self): print('own')\nOwn(both)")
    assert kinds.stdout == "own\n"
    assert kernel.run("[1, 2]").card == "[1, 2]"


def test_our_values_show_themselves(kernel: Any):
    kernel.run("m = poet('Hello.'); m.content")
    message = kernel.run("m.result()")
    assert message.card.startswith("poet\n  ")
    assert "demo · not an AI" in message.html
    assert "text/markdown" not in message.outputs[-1].data
    assert kernel.run("[m.result()]").card.startswith("poet\n  ")
    assert kernel.run("[1, m.result()]").card.startswith("[1,\n Msg(name='poet'")
    assert "memory of" in kernel.run("poet.memory").card
    assert kernel.run("poet").card.startswith("poet an agent")
    run = kernel.run(
        "from nbagents.runs import Run\nwith Run('mine') as run:\n    poet('Hello.').content\nrun"
    )
    assert "mine · ✓ done" in run.card


def test_failures_that_nobody_reads_are_reported_at_the_end_of_the_cell(kernel: Any):
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    cell = kernel.run("lost = broken('Hello.')\nimport time\nwhile not lost.done(): time.sleep(0.01)")
    assert "the failure of broken was never read" in cell.stderr


def test_asyncio_run_gets_a_hint_and_then_works(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    cell = kernel.run("import asyncio\nasyncio.run(asyncio.sleep(0, 'slept'))")
    assert cell.error.startswith("RuntimeError: asyncio.run() cannot be called")
    assert "nbagents.allow_nested()" in cell.stderr
    kernel.run("import nbagents\nnbagents.allow_nested()")
    assert kernel.run("asyncio.run(asyncio.sleep(0, 'slept'))").card == "'slept'"
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    assert "poet · ✓ done" in kernel.run("%%agents poet\nHello.").card
    assert "hint" not in kernel.run("raise RuntimeError('another')").stderr


def test_help_is_ours(kernel: Any):
    assert "Usage: %%agents [NAME … | all] [options]" in kernel.run("%%agents?").payload
    assert "Usage: %agents [COMMAND …]" in kernel.run("%agents?").payload
    assert "%%pipeline" in kernel.run("%%pipeline?").payload


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%%pipeline poet -> cr", ["critic"]),
        ("%%agents poet --ti", ["--timeout"]),
        ("%agents ser", ["server"]),
        ("%%agents\n@cr", ["critic"]),
        ("%%msghub poet cr", ["critic"]),
    ],
)
def test_names_options_and_commands_are_completed_and_nothing_else(
    kernel: Any, code: str, matches: list[str]
):
    assert kernel.complete(code) == matches


def test_python_is_completed_as_ever(kernel: Any):
    kernel.run("rainbow = 1")
    assert "rainbow" in kernel.complete("rainb")
    assert "rainbow" in kernel.complete("%%msghub poet critic\nrainb")


def test_loading_twice_and_unloading_twice_does_no_harm(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    again = "from nbagents.magics import load_ipython_extension as load, unload_ipython_extension as unload\n"
    assert kernel.run(f"{again}load(get_ipython()); load(get_ipython())").outputs == []
    transforms = "get_ipython().input_transformer_manager.cleanup_transforms"
    count = f"len([each for each in {transforms} if 'nbagents' in each.__module__])"
    assert kernel.run(count).card == "1"
    assert "poet · ✓ done" in kernel.run("%%agents poet\nHello.").card
    kernel.run("unload(get_ipython()); unload(get_ipython())")
    assert kernel.run(count).card == "0"
    assert "not found" in kernel.run("%%agents poet\nHello.").stderr
    assert "not found" in kernel.run("%agents").stderr
    assert kernel.run("poet('Hello.').result()").card.startswith("Msg(name='poet'")
    _until_ready(kernel, kernel.run("%reload_ext nbagents"))
    assert "poet · ✓ done" in kernel.run("%%agents poet\nHello.").card


def test_the_banner_says_where_the_agents_live_and_with_which_model(new_kernel: Any):
    kernel = new_kernel()
    cell = kernel.run("%load_ext nbagents")
    _until_ready(kernel, cell)
    (banner,) = cell.outputs
    text = banner.data["text/plain"]
    assert text.startswith("● nbagents ready · server ")
    assert "survives a kernel restart" in text
    assert "model: demo" in text
    assert "not an AI" in text


def test_agents_outlive_the_kernel_and_keep_their_memory(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    kernel.run("%%agent carol -m demo-fast\nYou are an echo.")
    kernel.run("%%agents poet\nHello.")
    kernel.restart()
    kernel.run("carol = 'a singer'")
    cell = kernel.run("%load_ext nbagents")
    _until_ready(kernel, cell)
    assert "⟲ 2 agents are still alive: poet (2 messages), carol (0 messages)" in cell.card
    assert kernel.run("poet.memory.size(), carol").card == "(2, 'a singer')"
    assert "unchanged · 2 messages kept" in kernel.run("%%agent poet -m demo-fast\nYou are a poet.").card


def test_another_notebooks_poet_is_another_poet(new_kernel: Any, tmp_path: Any):
    one = new_kernel(environment={"JPY_SESSION_NAME": str(tmp_path / "one.ipynb")})
    two = new_kernel(environment={"JPY_SESSION_NAME": str(tmp_path / "two.ipynb")})
    for kernel in (one, two):
        kernel.run("%load_ext nbagents")
    one.run("%%agent poet -m demo-fast\nYou are a poet.")
    assert "no agent called 'poet'" in two.run("%%agents poet\nHello.").stderr
    two.run("%%agent poet -m demo-fast\nYou are an echo.")
    one.run("%%agents poet\nHello.")
    assert two.run("poet.memory.size()").card == "0"
    everywhere = two.run("%agents list").card
    assert "one.ipynb" in everywhere
    assert "this notebook" in everywhere


@pytest.mark.parametrize("somebody", [True, False], ids=["watched", "unwatched"])
def test_what_cards_need_is_loaded_ahead_where_somebody_watches(new_kernel: Any, somebody: bool):
    kernel = new_kernel(somebody=somebody)
    kernel.run("%load_ext nbagents\nimport sys, time, threading\nended = time.monotonic() + 20")
    kernel.run(
        "while time.monotonic() < ended and any(t.name == 'nbagents-ahead' for t in threading.enumerate()):\n"
        "    time.sleep(0.05)"
    )
    assert kernel.run("'anywidget' in sys.modules").card == str(somebody)
