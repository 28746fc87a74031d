"""Python cell by cell, in a real kernel in a real sandbox."""

from __future__ import annotations

import _thread
import asyncio
import base64
import gc
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import zmq
from jupyter_client.asynchronous import client as asynchronous_client
from jupyter_client.asynchronous.client import AsyncKernelClient
from nbagents.compat.agentscope.service import NoteBookExecutor

from nbagents import Msg, ReActAgent
from nbagents.exceptions import UsageError
from nbagents.tools import Effect, KernelExecutor, Toolkit
from nbagents.tools.code import _kernel_tool

pytestmark = [pytest.mark.linux, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelExecutor]:
    with KernelExecutor(timeout=60) as made:
        yield made


def test_a_cell_knows_what_was_defined_and_shows_text_errors_and_plots(kernel: KernelExecutor) -> None:
    assert kernel.run("x = 20\nprint('hi')\nx + 1").text == "hi\n21"
    failed = kernel.run("x / 0")
    assert failed.is_error
    assert failed.text.endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in failed.text
    assert kernel.run("y = x").text == "done; it shows nothing"
    plot = kernel.run("import matplotlib.pyplot as plt\nplt.plot([1, 3])\nprint('drawn')")
    assert [block["type"] for block in plot.content] == ["text", "image"]
    assert base64.b64decode(plot.content[1]["source"]["data"]).startswith(b"\x89PNG")
    html = "from IPython.display import display\nclass T:\n"
    html += "    def _repr_html_(self): return '<b>4</b>'\n    def __repr__(self): return '| 4 |'\nT()"
    assert kernel.run(html).text == "| 4 |"


def test_a_cell_is_kept_in_its_sandbox_and_its_output_in_bounds(kernel: KernelExecutor) -> None:
    assert (
        "Permission denied" in kernel.run("import socket; socket.create_connection(('127.0.0.1', 9), 2)").text
    )
    assert "No such file" in kernel.run(f"open({str(Path.home() / '.bashrc')!r})").text
    assert "StdinNotImplementedError" in kernel.run("input()").text
    long = kernel.run("print('x' * 10**6)").text
    assert len(long) < 21_000
    assert "980001 more characters are left out" in long
    flood = "from IPython.display import display\nfor number in range(5000): display(number)"
    assert kernel.run(flood).text.startswith("0\n1\n")
    assert kernel.run("for i in range(3): print(i, end='\\r')\nprint('end')").text == "end"


def test_a_cell_that_takes_too_long_is_interrupted_and_else_ended(kernel: KernelExecutor) -> None:
    kernel.run("kept = 5")
    late = kernel.run("import time; time.sleep(60)", timeout=1)
    assert late.is_error
    assert late.text.endswith("TimeoutError: the cell did not end within 1 s")
    assert kernel.run("kept").text == "5"
    timer = threading.Timer(1, kernel.interrupt)
    timer.start()
    assert "KeyboardInterrupt" in kernel.run("time.sleep(60)").text
    stubborn = "while True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass"
    assert "was ended with its kernel" in kernel.run(stubborn, timeout=1).text
    assert "NameError" in kernel.run("kept").text


def test_a_kernel_that_ends_is_said_to_be_gone_and_another_one_starts(kernel: KernelExecutor) -> None:
    gone = kernel.run("import os; os._exit(3)")
    assert gone.is_error
    assert gone.text == "The kernel is gone: the code ended it. What was defined is forgotten."
    assert kernel.run("1 + 1").text == "2"
    timer = threading.Timer(1, kernel.reset)
    timer.start()
    assert "it was reset" in kernel.run("import time; time.sleep(60)").text
    timer.join()


def test_its_tool_streams_on_any_loop_and_says_that_it_executes(kernel: KernelExecutor) -> None:
    (tool,) = kernel.tools()
    toolkit = Toolkit(approve="auto")
    toolkit.register_tool_function(tool)
    toolkit.register_tool_function(KernelExecutor(network=True).tools()[0], func_name="networked")
    assert toolkit.tools["run_python"].effects == {Effect.EXECUTE}
    assert toolkit.tools["networked"].effects == {Effect.EXECUTE, Effect.NETWORK}
    (schema, _) = toolkit.get_json_schemas()
    assert set(schema["function"]["parameters"]["properties"]) == {"code"}
    code = "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.5)"
    block = {"type": "tool_use", "id": "1", "name": "run_python", "input": {"code": code}}

    async def seen() -> list[tuple[str, bool]]:
        return [(answer.text, answer.is_last) async for answer in toolkit.call_tool_function(block)]

    answers = asyncio.run(seen())
    assert answers[-1] == ("0\n1\n2", True)
    assert answers[0] == ("0", False)
    assert toolkit.call_tool_function(block).result().text == "0\n1\n2"


def test_a_tool_call_that_is_cancelled_ends_its_cell(kernel: KernelExecutor) -> None:
    (tool,) = kernel.tools()
    kernel.run("import time; kept = 7")

    async def cancelled() -> None:
        async for answer in tool("print('begun')\ntime.sleep(60)"):
            assert answer.text == "begun"
            return

    asyncio.run(asyncio.wait_for(cancelled(), 30))
    begun = time.monotonic()
    assert kernel.run("kept").text == "7"
    assert time.monotonic() - begun < 20


def test_in_a_server_the_tool_has_a_kernel_of_its_own(kernel: KernelExecutor, runtime: Path) -> None:
    toolkit = Toolkit(approve="auto")
    toolkit.register_tool_function(kernel.tools()[0])
    kernel.run("where = 'here'")
    agent = ReActAgent("remote", "You compute.", "demo", toolkit=toolkit, to_dist=True)
    try:
        steps = "1. run_python: 'where' in dir()\n2. run_python: where = 'there'\n3. run_python: where"
        said = agent(Msg("user", steps)).content
    finally:
        agent.stop()
    assert said.startswith("run_python returned “False”")
    assert said.endswith("run_python returned “'there'”.")
    assert kernel.run("where").text == "'here'"


def test_agentscopes_names_do_the_same(kernel: KernelExecutor) -> None:
    assert NoteBookExecutor is KernelExecutor
    assert kernel.run_code_on_notebook("2 * 3").content == "6"
    assert kernel.run_code_on_notebook("nope").status == -1
    kernel.reset_notebook()
    assert kernel.run_code_on_notebook("1").content == "1"


def test_files_are_shared_through_the_folder_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("to be read")
    work = Path("/tmp") / f"nb-work-{os.getpid()}"
    work.mkdir()
    try:
        with KernelExecutor(folder=work, readable=[tmp_path / "data"]) as own:
            said = own.run(f"open('made.txt', 'w').write(open({str(tmp_path / 'data' / 'a.txt')!r}).read())")
            assert said.text == "10"
            assert own.run(f"open({str(tmp_path / 'secret')!r})").is_error
            assert own.run(f"open({str(tmp_path / 'data' / 'b.txt')!r}, 'w')").is_error
            with KernelExecutor(folder=work) as beside:  # two may share a folder
                assert beside.run("open('made.txt').read()").text == "'to be read'"
        assert (work / "made.txt").read_text() == "to be read"
        assert {path.name for path in work.iterdir()} == {"made.txt"}
        with pytest.raises(UsageError, match="is closed"):
            own.run("1")
    finally:
        subprocess.run(["rm", "-r", str(work)], check=True)
    long = tmp_path / ("long" * 20)
    long.mkdir()
    with KernelExecutor(folder=long) as deep, pytest.raises(UsageError, match="too long for the sockets"):
        deep.run("1")


def test_a_kernel_ends_with_the_process_that_made_it() -> None:
    program = (
        "import os, sys; from nbagents.tools import KernelExecutor; k = KernelExecutor(); k.run('1');"
        " print(k._life.kernel.running.pid, k._life._own.parent, flush=True); sys.stdin.readline(); {}"
    )
    for end in ("os.kill(os.getpid(), 9)", "None"):
        run = subprocess.Popen(
            [sys.executable, "-c", program.format(end)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdin is not None
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        held = psutil.Process(int(pid))
        inside = [held, *held.children(recursive=True)]
        run.communicate("go\n", timeout=30)
        assert psutil.wait_procs(inside, timeout=20)[1] == []
        if end != "None":
            with KernelExecutor() as next_one:
                next_one.run("1")
        assert not Path(folder).exists()


def test_a_first_cell_is_heard_however_late_its_kernel_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(AsyncKernelClient):
        def connect_iopub(self, identity: bytes | None = None) -> zmq.Socket:
            made = self.context.socket(zmq.SUB)
            made.setsockopt(zmq.SUBSCRIBE, b"")
            asyncio.get_running_loop().call_later(5, made.connect, self._make_url("iopub"))
            return made

    monkeypatch.setattr(asynchronous_client, "AsyncKernelClient", Slow)
    with KernelExecutor() as late:
        assert late.run("print('first')").text == "first"


def test_what_a_cell_shows_is_waited_for_also_when_its_answer_is_there_before(
    kernel: KernelExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.run("1")
    channel, held = kernel._life.kernel._client.iopub_channel, iter(range(2))
    hear = channel.get_msg

    async def late(*, timeout: float) -> object:  # noqa: ASYNC109
        if next(held, None) is None:
            return await hear(timeout=timeout)
        await asyncio.sleep(timeout)  # as on a machine that has much to do
        raise queue.Empty

    monkeypatch.setattr(channel, "get_msg", late)
    assert kernel.run("print('late')").text == "late"


def test_an_interrupt_of_whoever_waits_ends_the_cell(kernel: KernelExecutor) -> None:
    kernel.run("import time; kept = 9")
    timer = threading.Timer(1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        kernel.run("time.sleep(60)")
    assert kernel.run("kept").text == "9"


def test_kernels_that_only_tools_know_end_when_they_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kernel_tool, "MOST", 1)
    monkeypatch.setattr(_kernel_tool, "IDLE", 4.0)
    toolkit, owners = Toolkit(approve="auto"), []

    def parent(name: str) -> psutil.Process:
        block = {"type": "tool_use", "id": "1", "name": name, "input": {"code": "1 + 1"}}
        assert toolkit.call_tool_function(block).result().text == "2"
        (executor,) = [one for one, _ in _kernel_tool._kept.values() if one.id == ids[name]]
        return psutil.Process(executor._life.kernel.running.pid)

    ids = {}
    for name in ("first", "second"):
        made = KernelExecutor()
        toolkit.register_tool_function(made.tools()[0], func_name=name)
        ids[name] = made.id
        del made
        gc.collect()
        owners.append(parent(name))
    gone, alive = psutil.wait_procs(owners[:1], timeout=20)
    assert (gone, alive) == (owners[:1], [])
    assert owners[1].is_running()
    assert psutil.wait_procs(owners[1:], timeout=30)[1] == []
