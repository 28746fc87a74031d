"""Code of models in cells: read, awaited, and interrupted."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.linux]


def test_in_a_cell_it_is_read_awaited_and_interrupted(kernel: Any):
    kernel.run("import os, nbagents; from nbagents.sandbox import Level, best_level")
    kernel.run("os.environ['NBAGENTS_SANDBOX'] = min(best_level(), Level.NAMESPACES).name")
    assert (
        kernel.run("nbagents.execute_python_code('print(6 * 7)')").card == "[STATUS]: SUCCESS\n[RESULT]: 42\n"
    )
    cell = kernel.run("print((await nbagents.execute_shell_command('echo 1')).text)")
    assert "<stdout>1\n</stdout>" in cell.stdout
    hang = "nbagents.execute_shell_command('sleep 300')"
    for code in (f"print('on'); {hang}.content", f"print('on'); await {hang}"):
        cell = kernel.run(code, interrupt_when="on")
        assert cell.seconds < 5
        assert "KeyboardInterrupt" in cell.error or "Cancelled" in cell.error, cell.error
