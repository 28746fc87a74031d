"""The kernel's interrupt ends the run of the cell at once, keeps what was said, and harms nothing else."""

from __future__ import annotations

import os
import statistics
from typing import Any

import pytest

pytestmark = pytest.mark.notebook

SOON = 1.5
TIMES = 100 if os.environ.get("NBAGENTS_LONG") == "1" else 5
STREAMING = "Rain at"
"""The beginning of a text that takes a second to come."""


@pytest.fixture
def slow(kernel: Any) -> Any:
    kernel.run("%%agent slow -m demo --fresh\nYou are a poet. You write four short lines. No title.")
    kernel.run("%%agent quick -m demo-fast --fresh\nYou are an echo.")
    return kernel


def test_a_running_cell_stops_and_keeps_the_partial_text(slow: Any):
    cell = slow.run("%%agents slow quick -o kept\nWrite about rain.", interrupt_when=STREAMING)
    assert cell.seconds < SOON
    assert cell.error.startswith("KeyboardInterrupt: run ")
    assert len(cell.traceback) == 1
    card = cell.outputs[0].data["text/plain"]
    assert "■ stopped" in card
    assert "Rain at" in card
    assert "partial text kept" in card
    assert "stopped by you after" in card
    assert 'role="log"' not in cell.outputs[0].data["text/html"]
    assert slow.run("kept[1].name, 1 + 1").card == "('quick', 2)"


def test_the_next_cell_finds_the_agent_free(slow: Any):
    slow.run("%%agents slow\nWrite about rain.", interrupt_when="▶ running")
    cell = slow.run("%%agents slow\nWrite about rain.", interrupt_when=STREAMING)
    assert cell.seconds < SOON
    assert "slow · ✓ done" in slow.run("%%agents slow --timeout 20\nWrite about rain.").card


@pytest.mark.timeout(60 + 5 * TIMES)
@pytest.mark.parametrize(
    ("code", "begun"),
    [
        ("%%agents slow quick\nWrite about rain.", STREAMING),
        ("%%pipeline slow -> quick\nWrite about rain.", STREAMING),
        ("print('begun')\nslow('Write about rain.').content", "begun"),
    ],
    ids=["agents", "pipeline", "call"],
)
def test_the_cell_is_free_at_once_however_often(slow: Any, code: str, begun: str):
    took = []
    for _ in range(TIMES):
        cell = slow.run(code, interrupt_when=begun)
        took.append(cell.seconds)
        assert cell.error.startswith("KeyboardInterrupt")
        assert "_call.py" not in "".join(cell.traceback)  # our way to where it waited is not the reader's
        assert slow.run("print('free')").stdout == "free\n"
    assert statistics.median(took) < 0.2
    assert max(took) < SOON


def test_a_loop_stops_within_a_pass(slow: Any):
    cell = slow.run(
        "%%pipeline slow -> quick --loop 5 --until False\nWrite about rain.", interrupt_when=STREAMING
    )
    assert cell.seconds < SOON
    assert "KeyboardInterrupt" in cell.error
    assert "not asked" not in cell.outputs[0].data["text/plain"]


def test_a_hub_that_waits_for_its_calls(slow: Any):
    cell = slow.run("%%msghub slow quick\nslow('Write about rain.')\nquick()", interrupt_when=STREAMING)
    assert cell.seconds < SOON
    assert cell.error.startswith("KeyboardInterrupt: run ")
    assert "stopped by you before its turn" in cell.outputs[0].data["text/plain"]


def test_a_hub_whose_body_reads_a_message(slow: Any):
    cell = slow.run(
        "%%msghub slow quick\nslow('Write about rain.').content\nquick()", interrupt_when=STREAMING
    )
    assert cell.seconds < SOON
    assert cell.error == "KeyboardInterrupt: stopped by you"
    assert "■ stopped" in cell.outputs[0].data["text/plain"]


def test_a_hub_whose_body_computes(slow: Any):
    code = "%%msghub slow quick\nimport time\nprint('begun')\nfor _n in range(300): time.sleep(0.1)"
    cell = slow.run(code, interrupt_when="begun")
    assert cell.seconds < SOON
    assert cell.error == "KeyboardInterrupt: stopped by you"


def test_a_hub_whose_body_awaits(slow: Any):
    code = "%%msghub slow quick\nimport asyncio\nprint('begun')\nawait asyncio.sleep(30)"
    cell = slow.run(code, interrupt_when="begun")
    assert cell.seconds < SOON
    assert "■ stopped" in cell.outputs[0].data["text/plain"]


def test_a_question_in_one_line(slow: Any):
    code = "print('begun')\nx = %agents ask slow Write about rain."
    cell = slow.run(code, interrupt_when="begun")
    assert cell.seconds < SOON
    assert cell.error.startswith("KeyboardInterrupt: run ")


def test_what_runs_in_the_background_goes_on(slow: Any):
    slow.run("%%agent other -m demo --fresh\nYou are a poet. You write four short lines. No title.")
    background = slow.run("%%agents other -b -o later\nWrite about rain.")
    slow.run("%%agents slow\nWrite about rain.", interrupt_when=STREAMING)
    assert slow.run("later.name").card == "'other'"
    slow.run("import time; time.sleep(0.4)")
    assert "✓ done" in background.outputs[0].data["text/plain"]


def test_the_interrupts_of_other_cells_are_as_before(slow: Any):
    slow.run("%%msghub quick\nquick('Hello.')")
    cell = slow.run("print('begun')\nimport time\ntime.sleep(30)", interrupt_when="begun")
    assert cell.seconds < SOON
    assert cell.error.startswith("KeyboardInterrupt")
    assert len(cell.traceback) > 1


def test_a_cell_that_waits_for_what_it_fills_in(slow: Any):
    slow.run("%%agent late -m demo-slow --fresh\nYou are a poet. You write four short lines. No title.")
    slow.run("pending = late('Write about rain.')")
    cell = slow.run("%%agents quick\nRepeat: {pending}", interrupt_after=0.2)
    assert cell.error == "KeyboardInterrupt: stopped by you"
    assert cell.seconds < 0.5
