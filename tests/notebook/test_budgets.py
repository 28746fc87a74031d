"""Limits of runs in a real kernel: with agents of the notebook's own, watched and not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.notebook

OWN = """
from nbagents import DialogAgent, asking
config = {"config_name": "demo-fast", "model_type": "openai_chat", "model_name": "demo-fast"}
config["endpoint"] = "demo"
local = DialogAgent("local", "You are an echo.", config)
dear = DialogAgent("dear", "You are an echo.", config | {"price": [1e6, 1e6]})
"""


@pytest.fixture(scope="module")
def limited(kernel: Any) -> Any:
    assert kernel.run(OWN).error == ""
    return kernel


def test_a_limit_that_is_not_reached_changes_nothing(limited: Any):
    cell = limited.run("%%agents local --max-calls 3 --budget 0.10 -o said\nHello.")
    assert cell.error == ""
    assert "✓ done" in cell.card


def test_at_the_limit_a_person_is_asked(limited: Any):
    code = "%%agents --max-calls 1 -o said\n@local One.\n@local Two."
    cell = limited.run(code, answers=("yes",))
    assert cell.error == "", cell.error
    assert limited.run("said.content").card == "'Two.'"
    cell = limited.run(code, answers=("stop",))
    assert cell.error.startswith("BudgetExceededError: the run was stopped at its limit: 1 of 1 call")


def test_the_cost_of_a_run(limited: Any):
    cell = limited.run("%%agents dear -o said\nHello.")
    assert "$" in cell.card
    limited.run("from nbagents.runs import recent_runs\nrun = recent_runs()[-1]")
    assert float(limited.run("run.cost").card) > 1
    assert limited.run("list(run.costs) == ['dear'] and run.costs['dear'][1] == run.cost").card == "True"
    assert "$" not in limited.run("%%agents local\nHello.").card


def test_settings(limited: Any):
    assert "max_calls: 7" in limited.run("%agents config max_calls=7 budget=$0.5").stdout
    assert "budget needs dollars above 0, not 'much'" in limited.run("%agents config budget=much").stderr
    limited.run("%agents config max_calls=1")
    cell = limited.run("%%agents\n@local One.\n@local Two.", answers=("stop",))
    assert "1 of 1 call" in cell.error
    assert limited.run("%%agents --max-calls 5\n@local One.\n@local Two.").error == ""


def test_where_nobody_watches_the_run_fails_and_says_what_to_type(new_kernel: Any, tmp_path: Path):
    (tmp_path / "nbagents.toml").write_text('max_calls = 2\n[prices]\n"demo-fast" = [1000000, 1000000]\n')
    kernel = new_kernel(somebody=False)
    kernel.run("%load_ext nbagents")
    kernel.run(OWN)
    cell = kernel.run("%%agents\n@local One.\n@local Two.\n@local Three.")
    assert cell.error.startswith("BudgetExceededError: the run has reached its limit: 2 of 2 calls made")
    assert "Try: a higher limit: --max-calls 50" in cell.traceback[1]
    cell = kernel.run("%%agents --budget 0.01\n@local One.\n@local Two.")
    assert "of $0.01 spent" in cell.error


def test_a_model_without_a_price_and_a_budget(new_kernel: Any):
    kernel = new_kernel(
        environment={"OPENAI_BASE_URL": "https://models.example/v1", "OPENAI_MODEL": "theirs"}
    )
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent far\nYou are an echo.")
    cell = kernel.run("%%agents far --budget 0.10\nHello.")
    assert "the price of theirs is not known, so --budget cannot be kept" in cell.stderr
    assert "--max-calls 20" in cell.stderr


def test_agents_in_the_server_keep_limits_too(limited: Any):
    code = "%%agents --max-calls 1 -o said\n@poet One.\n@poet Two."
    cell = limited.run(code, answers=("yes",))
    assert cell.error == "", cell.error
    assert limited.run("said.name").card == "'poet'"
    cell = limited.run(code, answers=("stop",))
    assert cell.error.startswith("BudgetExceededError: ")
    assert "the run was stopped at its limit: 1 of 1 call" in cell.error


FAR = """
far = DialogAgent("far", "You are an echo.", config, to_dist=True)
"""


def test_a_limit_is_one_for_agents_of_the_kernel_its_server_and_further_servers(limited: Any):
    assert limited.run(FAR).error == ""
    code = "%%agents --max-calls 2 -o said\n@poet One.\n@local Two.\n@far Three.\n@poet Four."
    cell = limited.run(code, answers=("stop",))
    assert len(cell.prompts) == 1
    assert "2 of 2 calls made" in cell.prompts[0]
    assert cell.error.startswith("BudgetExceededError: the run was stopped at its limit: 2 of 2 calls")
    cell = limited.run(code, answers=("yes",))
    assert (cell.error, len(cell.prompts)) == ("", 1)


def test_agents_in_the_server_fail_where_nobody_watches(new_kernel: Any):
    kernel = new_kernel(somebody=False)
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet\nYou are a poet.")
    cell = kernel.run("%%agents --max-calls 1\n@poet One.\n@poet Two.")
    assert cell.error.startswith("BudgetExceededError: ")
    assert "1 of 1 call made" in cell.error
    assert "--max-calls 50" in cell.traceback[1]
