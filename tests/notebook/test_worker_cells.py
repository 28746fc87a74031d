"""The cell of a worker is edited and run again: the new one serves the type, and no other worker ends."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.notebook

BEGIN = """
from nbagents.rpc import GrpcWorkerAgentRuntime, RpcAgentServerLauncher
from nbagents.runtime import RoutedAgent, rpc
from nbagents.topics import AgentId, MessageContext
server = RpcAgentServerLauncher(port=0)
server.launch()
"""
WORKER = """
class Clerk(RoutedAgent):
    @rpc
    async def answer(self, message: str, ctx: MessageContext) -> str:
        return f"{message}, says EDITION"

worker = GrpcWorkerAgentRuntime(server.address)
await worker.start()
await Clerk.register(worker, "clerk", lambda: Clerk("a clerk"))
print(await worker.send_message("hello", AgentId("clerk", "x")))
"""


def test_the_cell_of_a_worker_is_edited_and_run_again(new_kernel: Any):
    kernel = new_kernel()
    assert not kernel.run(BEGIN).error
    for edition in ("the first", "the second", "the third"):
        cell = kernel.run(WORKER.replace("EDITION", edition))
        assert not cell.error
        assert cell.stdout == f"hello, says {edition}\n"
    # Shown, it is in Out; that is nobody's variable.
    assert "GrpcWorkerAgentRuntime of" in kernel.run("worker").outputs[0].data["text/plain"]
    assert kernel.run(WORKER.replace("EDITION", "the fourth")).stdout == "hello, says the fourth\n"


def test_a_worker_that_somebody_has_keeps_its_type(new_kernel: Any):
    kernel = new_kernel()
    assert not kernel.run(BEGIN).error
    assert not kernel.run(WORKER).error
    for kept in ("kept = worker", "kept = [worker]"):
        assert not kernel.run(kept).error
        cell = kernel.run(WORKER)
        assert "AgentTypeTakenError" in cell.error
        assert "await worker.stop()" in "".join(cell.traceback)
        assert not kernel.run("worker = kept if not isinstance(kept, list) else kept[0]").error
    cell = kernel.run("print(await worker.send_message('still', AgentId('clerk', 'x')))")
    assert cell.stdout == "still, says EDITION\n"


HOLDER = """
class App:
    def __init__(self):
        self.worker = worker
app = {"of": [App()]}
"""
WAITS = """
import asyncio
waiting = asyncio.ensure_future(worker.stop_when_signal())
await asyncio.sleep(0)
"""


@pytest.mark.parametrize("holds", [HOLDER, WAITS, "ask = worker.send_message"])
def test_a_worker_that_something_of_the_users_has_keeps_its_type(new_kernel: Any, holds: str):
    kernel = new_kernel()
    assert not kernel.run(BEGIN).error
    assert not kernel.run(WORKER).error
    assert not kernel.run(holds).error
    assert "AgentTypeTakenError" in kernel.run(WORKER).error


def test_a_worker_of_another_line_does_not_end_one_that_runs(new_kernel: Any):
    kernel = new_kernel()
    assert not kernel.run(BEGIN).error
    assert not kernel.run(WORKER.replace("worker = ", "worker = first = ")).error
    assert not kernel.run("del first").error
    assert "AgentTypeTakenError" in kernel.run(WORKER).error


def test_two_of_one_cell_are_a_mistake(new_kernel: Any):
    kernel = new_kernel()
    assert not kernel.run(BEGIN).error
    cell = kernel.run("async def go():" + (WORKER * 2).replace("\n", "\n    ") + "\nawait go()")
    assert "AgentTypeTakenError" in cell.error
