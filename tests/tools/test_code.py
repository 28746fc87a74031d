"""Tools that run code: for callers of both forms, wherever they are; and what the code cannot do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbagents import execute_python_code, execute_shell_command
from nbagents._loop import background
from nbagents.agents import AgentBase
from nbagents.exceptions import CallCancelledError, UsageError, WouldBlockLoopError
from nbagents.message import Msg
from nbagents.sandbox import Level, best_level
from nbagents.tools import (
    Execution,
    ServiceExecStatus,
    ServiceResponse,
    ServiceToolkit,
    Toolkit,
    ToolResponse,
    effects_of,
)

pytestmark = pytest.mark.linux


@pytest.fixture(autouse=True)
def _whatever_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBAGENTS_SANDBOX", min(best_level(), Level.NAMESPACES).name)


async def _done(execution: Execution) -> ToolResponse:
    return await execution


def _called(toolkit: Toolkit, name: str, **given: object) -> ToolResponse:
    block = {"type": "tool_use", "id": "1", "name": name, "input": given}
    return asyncio.run(toolkit.call_tool_function(block).last())


class CommandWaiting(AgentBase):
    """Runs a command in a folder, and waits for it."""

    def reply(self, x: Msg | None = None) -> Msg:
        assert x is not None
        command = "while true; do echo 1 >> on; sleep 0.05; done"
        return Msg(self.name, execute_shell_command(command, folder=str(x.content)).content, "assistant")


def _wait_for(there: Callable[[], bool], every: float = 0.02) -> None:
    limit = time.monotonic() + 20
    while not there():
        assert time.monotonic() < limit
        time.sleep(every)


# ------------------------------------------------------------------------------- both forms


def test_who_reads_gets_a_service_response():
    result = execute_python_code("print(6 * 7)")
    assert isinstance(result, ServiceResponse)
    assert result.status is ServiceExecStatus.SUCCESS
    assert result.content == result["content"] == result.get("content") == "42\n"
    assert dict(result) == {**result} == result == {"status": 1, "content": "42\n"}
    assert json.loads(json.dumps(result)) == {"status": 1, "content": "42\n"}
    assert str(result) == "[STATUS]: SUCCESS\n[RESULT]: 42\n"


def test_code_that_fails_says_where():
    result = execute_python_code("print('before')\nnumber = 1 / 0")
    assert result.status is ServiceExecStatus.ERROR
    assert result.content.startswith("before\nTraceback")
    assert "line 2" in result.content
    assert "number = 1 / 0" in result.content
    assert "ZeroDivisionError" in result.content


def test_who_awaits_gets_a_tool_response():
    response = asyncio.run(_done(execute_python_code("import sys\nprint('out')\nsys.exit('err')")))
    assert isinstance(response, ToolResponse)
    expected = "<returncode>1</returncode><stdout>out\n</stdout><stderr>err\n</stderr>"
    assert response.content == [{"type": "text", "text": expected}]
    assert response.is_error
    assert response.metadata == {"returncode": 1, "ended": "done", "sandbox": best_level().name.lower()}


def test_a_command_is_the_shells():
    result = execute_shell_command("echo $((6 * 7)) | tr 4 5; false || echo 'kill rm -rf shutdown'")
    assert result.content == "52\nkill rm -rf shutdown\n"
    assert execute_shell_command("exit 3").status is ServiceExecStatus.ERROR


def test_on_the_background_loop_it_is_awaited_and_never_waited_for():
    async def both() -> str:
        with pytest.raises(WouldBlockLoopError, match="has not ended yet") as refused:
            _ = execute_python_code("print(1)").content
        assert refused.value.hint == "put await before the call"
        execution = execute_python_code("print(2)")
        text = (await execution).text
        return text + str(execution.content)  # it has ended, so it can be read

    assert background().run(both()) == "<returncode>0</returncode><stdout>2\n</stdout><stderr></stderr>2\n"


def test_it_works_on_threads():
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(execute_python_code("print(1)").content)),
        threading.Thread(
            target=lambda: found.append(asyncio.run(_done(execute_shell_command("echo 1"))).text)
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == ["1\n", "<returncode>0</returncode><stdout>1\n</stdout><stderr></stderr>"]


# ----------------------------------------------------------------------------------- limits


def test_code_that_does_not_end_is_ended_and_says_so():
    result = execute_python_code("print('begun')\nwhile True: pass", timeout=1)
    assert result.content.startswith("begun\nTimeoutError: the code did not end within 1 s, and was stopped")
    response = asyncio.run(_done(execute_shell_command("sleep 300", timeout=0.5)))
    assert response.metadata is not None
    assert response.metadata["ended"] == "timeout"
    assert response.is_error


def test_memory_and_output_are_limited():
    result = execute_python_code("bytearray(400 << 20)", maximum_memory_bytes=200 << 20)
    assert "MemoryError" in result.content
    content = execute_python_code("print('x' * 3_000_000)").content
    assert len(content) < 1_100_000
    assert content.endswith("(2000001 more bytes of output are left out)")


def test_docker_is_refused_with_what_to_do():
    with pytest.raises(UsageError, match="without Docker") as refused:
        execute_python_code("print(1)", use_docker=True)
    assert "Level.BUBBLEWRAP" in str(refused.value.hint)
    assert execute_python_code("print(1)", use_docker=False).content == "1\n"


def test_each_call_has_a_folder_of_its_own_or_one_that_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert execute_shell_command("echo 1 > file; ls").content == "file\n"
    assert execute_shell_command("ls").content == ""
    assert list(tmp_path.iterdir()) == []  # nothing is left of either
    folder = tmp_path / "project"
    folder.mkdir()
    assert execute_python_code("open('helped.py', 'w').write('number = 7')", folder=folder).succeeded
    assert execute_python_code("import helped; print(helped.number)", folder=folder).content == "7\n"
    assert "helped.py" in execute_shell_command("ls", folder=folder).content


def test_a_script_that_ends_first_leaves_no_folder(tmp_path: Path):
    code = "import nbagents; nbagents.execute_shell_command('sleep 300')"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    script = f"{code}; import time, os\nwhile not os.listdir({str(tmp_path)!r}): time.sleep(0.01)"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=50)
    assert [path for path in tmp_path.iterdir() if any(path.iterdir())] == []


def test_the_network_is_closed_unless_it_is_opened():
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert not execute_python_code(code).succeeded
        assert execute_python_code(code, network=True).succeeded


def test_a_call_that_is_cancelled_ends_the_command_that_it_waits_for(tmp_path: Path):
    agent = CommandWaiting("waiting")
    reply = agent(Msg("user", str(tmp_path)))
    _wait_for((tmp_path / "on").exists)
    reply.cancel()
    with pytest.raises(CallCancelledError):
        reply.result(10)
    sizes = [-1]

    def rests() -> bool:
        sizes.append((tmp_path / "on").stat().st_size)
        return sizes[-1] == sizes[-2]

    _wait_for(rests, every=0.5)


# ---------------------------------------------------------------------------- as models call it


def test_a_model_gives_the_code_and_the_time_and_nothing_else(tmp_path: Path):
    toolkit = Toolkit(approve="auto")
    toolkit.register_tool_function(execute_python_code)
    toolkit.register_tool_function(execute_shell_command, preset_kwargs={"folder": str(tmp_path)})
    schemas = [schema["function"]["parameters"]["properties"] for schema in toolkit.get_json_schemas()]
    assert [set(schema) for schema in schemas] == [{"code", "timeout"}, {"command", "timeout"}]
    assert "<stdout>3\n</stdout>" in _called(toolkit, "execute_python_code", code="print(3)", timeout=20).text
    _called(toolkit, "execute_shell_command", command="echo 1 > made")
    assert (tmp_path / "made").exists()
    for more in ({"folder": "/"}, {"network": True}, {"least": 0}, {"readable": ["/root"]}):
        answer = _called(toolkit, "execute_python_code", code="print(3)", **more)
        assert answer.is_error
        assert "is not known" in answer.text


def test_a_model_asks_for_no_more_time_than_it_may_have():
    toolkit = Toolkit(approve="auto")
    toolkit.register_tool_function(execute_shell_command, preset_kwargs={"max_timeout": 0.5})
    assert (
        "did not end within 0.5 s"
        in _called(toolkit, "execute_shell_command", command="sleep 30", timeout=1e19).text
    )
    for seconds in (float("inf"), float("nan"), 0, -1):
        answer = _called(toolkit, "execute_shell_command", command="echo 1", timeout=seconds)
        assert answer.is_error
        assert "timeout is a number of seconds above zero" in answer.text
        with pytest.raises(UsageError, match="timeout is a number"):
            execute_python_code("print(1)", timeout=seconds)
    answer = _called(toolkit, "execute_shell_command", command="echo 1", max_timeout=1000)
    assert "max_timeout is not known" in answer.text


def test_a_service_toolkit_calls_it_too():
    toolkit = ServiceToolkit(approve="auto")
    toolkit.add(execute_python_code, timeout=20)
    said = toolkit.parse_and_call_func('[{"name": "execute_python_code", "arguments": {"code": "print(2)"}}]')
    assert "[STATUS]: SUCCESS" in said.content
    assert "<stdout>2" in said.content


def test_its_effects_are_declared():
    assert effects_of(execute_python_code) == effects_of(execute_shell_command) == {"execute"}


@pytest.mark.parametrize(
    "command",
    [
        "cat {key}",
        "find {folder} -maxdepth 1 -name key -exec cat {{}} +",
        "git -c core.pager='cat {key}' -c alias.x='!cat {key}' x",
        "python3 -c \"print(open('{key}').read())\"",
        "echo $(cat {key})",
        "true\ncat {key}",
        "env X=1 sh -c 'cat <{key}'",
        "tar cf - {key}; awk 1 {key}; xargs -a {key} echo",
        "ln -s {key} here; cat here; cp {key} there; cat there",
        "cat /proc/1/root{key} /proc/self/root{key} /proc/*/cwd/../*/key",
    ],
)
def test_no_command_reaches_what_is_outside(command: str, tmp_path: Path):
    (tmp_path / "key").write_text(f"canary-{secrets.token_hex(4)}")
    said = execute_shell_command(command.format(key=tmp_path / "key", folder=tmp_path)).content
    assert not re.search(r"canary-\w+", said), said


def test_what_a_killed_process_leaves_is_removed_by_the_next_one(tmp_path: Path) -> None:
    program = "from nbagents import execute_python_code; execute_python_code({!r}).content"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.Popen([sys.executable, "-c", program.format("while True: pass")], env=environment)
    try:
        until = time.monotonic() + 40
        while not (found := list(tmp_path.rglob("code.py"))) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        killed.kill()
        killed.wait()
    assert found
    assert found[0].exists()
    subprocess.run([sys.executable, "-c", program.format("1")], env=environment, timeout=40, check=True)
    assert list(tmp_path.iterdir()) == []
