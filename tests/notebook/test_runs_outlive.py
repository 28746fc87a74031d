"""A notebook's runs as its server knows them: stopped from outside while a cell blocks, kept without it."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nbagents.rpc import RpcAgentClient, connections
from nbagents.runs import Run

pytestmark = pytest.mark.notebook


@pytest.fixture
def kernel(new_kernel: Any) -> Any:
    opened = new_kernel()
    opened.run("%load_ext nbagents")
    opened.run("%%agent slow -m demo\nYou are a poet. You write four short lines. No title.")
    opened.run("%%agent quick -m demo-fast\nYou are an echo.")
    return opened


def server() -> RpcAgentClient:
    """Return a client of the server that outlives its kernels."""
    (found,) = [each for each in connections() if each.is_alive() and each.owner == "user"]
    return RpcAgentClient(found.address, token=found.token)


def wait_for(condition: Any, seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


STOPPED = "KeyboardInterrupt: run 1 was stopped by you"


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("%%agents slow quick\nWrite about rain.", STOPPED),
        ("%%pipeline slow -> quick --loop 5 --until False\nWrite about rain.", STOPPED),
        ("%%msghub slow quick\nslow('Write about rain.')\nquick()", STOPPED),
        (  # what the author's own code reads it may catch
            "%%msghub slow quick\nslow('Write about rain.').content\nquick()",
            "CallStoppedError: the call of slow was stopped by you",
        ),
    ],
)
def test_a_run_is_stopped_from_outside_while_its_cell_runs(kernel: Any, cell: str, error: str):
    client, stopped = server(), []

    def stop() -> None:
        wait_for(lambda: client.runs() and ("delta", "slow") in _told(client))
        stopped.append(client.stop_run(client.runs()[-1]["run"]))

    thread = threading.Thread(target=stop)
    thread.start()
    ran = kernel.run(cell)
    thread.join()
    assert stopped[0] >= 1
    assert ran.error.startswith(error), ran
    card = ran.outputs[0].data["text/plain"]
    assert "■ stopped" in card
    assert "partial text kept" in card
    about = client.runs()[-1]
    assert (about["state"], about["open"], about["here"]) == ("stopped", 0, True)
    assert kernel.run("%%agents quick\nHello.").error == ""
    wait_for(lambda: client.runs()[-1]["state"] == "done")  # the kernel tells of it without waiting


def _told(client: RpcAgentClient) -> list[tuple[str, str]]:
    return [(each["kind"], each["agent"]) for each in client.run_events(client.runs()[-1]["run"])]


def _kinds(client: RpcAgentClient) -> list[str]:
    return [kind for kind, _ in _told(client)]


def test_a_run_in_the_background_outlives_its_kernel(kernel: Any):
    cell = kernel.run("%%pipeline slow -> (slow, quick) -> quick -b\nWrite about rain.")
    assert not cell.error
    client = server()
    wait_for(lambda: client.runs() and client.runs()[-1]["open"] == 4)
    kernel.manager.signal_kernel(signal.SIGKILL)
    wait_for(lambda: not client.runs()[-1]["here"])
    wait_for(lambda: client.runs()[-1]["state"] != "running")
    about = client.runs()[-1]
    assert (about["state"], about["messages"], about["number"]) == ("done", 4, 1)
    again = Run.replay(about, client.run_events(about["run"]))
    assert [message.name for message in again.messages] == ["slow", "slow", "quick", "quick"]
    kernel.restart()
    kernel.run("%load_ext nbagents")
    assert "run 2 · quick" in kernel.run("%%agents quick\nHello.").card


def test_a_kernel_that_dies_in_mid_stream_loses_nothing_and_disturbs_nobody(
    kernel: Any, new_kernel: Any, tmp_path: Path
):
    (tmp_path / "other").mkdir()
    other = new_kernel(folder=tmp_path / "other")
    other.run("%load_ext nbagents")
    other.run("%%agent slow -m demo\nYou are a poet. You write four short lines. No title.")
    other.run("%%agents slow -b -o theirs\nWrite about snow.")
    client = server()
    kernel.client.execute("%%agents slow -o said\nWrite about rain.")  # its cell waits
    wait_for(lambda: len(client.runs()) == 2 and "delta" in _kinds(client))
    kernel.manager.signal_kernel(signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: not client.runs()[-1]["here"])
    assert time.monotonic() - killed < 2
    assert other.run("theirs.done(), theirs.content.count('snow') > 0").card == "(False, True)"
    kernel.restart()
    kernel.run("%load_ext nbagents")
    waited = kernel.run("run = %agents wait 1\nrun.state, run.messages[-1].content")
    assert waited.error == ""
    again = kernel.run("%%agents slow -o anew\nWrite about rain.")
    assert again.error == ""
    assert kernel.run("run.state, run.messages[-1].content == anew.content").card == "('done', True)"
    assert "✓ done" in kernel.run("%agents show 1").card


def test_a_loop_ends_with_its_kernel(kernel: Any):
    code = "%%pipeline quick -> slow --loop 50 --until False -b\nWrite about rain."
    assert not kernel.run(code).error
    client = server()
    wait_for(lambda: client.runs() and client.runs()[-1]["note"] == "pass 2 of 50")
    kernel.manager.signal_kernel(signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: client.runs()[-1]["state"] != "running")
    assert time.monotonic() - killed < 2
    about = client.runs()[-1]
    assert (about["state"], about["outcome"]) == ("stopped", "kernel gone after pass 2")
    assert about["messages"] >= 2


def test_a_question_is_answered_from_outside_while_its_cell_waits(kernel: Any):
    kernel.run("from nbagents import UserAgent\nann = UserAgent('ann', choices=['yes', 'no'])")
    client, answered = server(), []

    def answer() -> None:
        wait_for(client.questions)
        (question,) = client.questions()
        answered.append(question)
        client.answer(question["id"], "yes")

    thread = threading.Thread(target=answer)
    thread.start()
    cell = kernel.run("%%agents ann -o said\nIs it good?")
    thread.join()
    assert cell.error == ""
    assert kernel.run("said.content").card == "'yes'"
    assert answered[0]["run"] == client.runs()[-1]["run"]
    assert answered[0]["workspace"] == client.runs()[-1]["workspace"] != ""
    assert client.run_events(answered[0]["run"])[-1]["kind"] == "ended"


ASKER = """
from nbagents import AgentBase, Msg, asking
class Asker(AgentBase):
    async def reply(self, x=None):
        answer = await asking.fill(asking.Question(self.name, "Which one? ", default="none"))
        return Msg(self.name, f"{answer.text} it is")
asker = Asker("asker").to_dist()
"""


def test_what_an_agent_elsewhere_asks_is_asked_in_the_cell(kernel: Any):
    assert kernel.run(ASKER).error == ""
    cell = kernel.run("%%agents asker -o said\nGo on.", answers=("that",))
    assert (cell.error, len(cell.prompts)) == ("", 1)
    assert kernel.run("said.content").card == "'that it is'"
    client = server()  # another one than the agent's
    about = client.runs()[-1]
    assert (about["state"], about["messages"]) == ("done", 1)
    told = [each["kind"] for each in client.run_events(about["run"])]
    assert told == ["queued", "started", "question", "answered", "done", "ended"]


def test_what_an_agent_elsewhere_asks_nobody_is_answered_by_its_default(new_kernel: Any):
    kernel = new_kernel(somebody=False)
    kernel.run("%load_ext nbagents")
    assert kernel.run(ASKER).error == ""
    cell = kernel.run("%%agents asker -o said\nGo on.")
    assert cell.error == ""
    assert kernel.run("said.content").card == "'none it is'"
