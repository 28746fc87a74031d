"""Apps in processes of their own: they outlive who deployed them, and whoever comes later ends them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbagents._process import process_started
from nbagents.app import (
    AgentApp,
    Deployment,
    DeploymentMode,
    LocalDeployManager,
    deployments,
    stop_deployment,
)
from nbagents.exceptions import DeploymentError, UsageError

pytestmark = pytest.mark.linux
KEY = "sk-canary0123456789canary"
PASSWORD = "correct horse battery staple"
DETACHED = DeploymentMode.DETACHED_PROCESS
SERVICE = """
import os, pathlib, time
from nbagents import AgentApp

app = AgentApp(app_name="Friday", token="a-token-that-is-known")

@app.query(framework="text")
def answer(self, msgs):
    yield "one "
    limit = time.monotonic() + 30
    while pathlib.Path("hold").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    yield os.environ.get("DASHSCOPE_API_KEY", "no key")
"""
DEPLOY = """
import asyncio, json, os, signal
from nbagents.app import LocalDeployManager
told = asyncio.run(LocalDeployManager(port=0).deploy("service:app", mode="detached_process"))
print(json.dumps(told), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def service(tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an app in a module, which is the working folder; what is deployed from it ends."""
    (tmp_path / "service.py").write_text(SERVICE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    yield tmp_path
    for one in deployments():
        if one.alive and one.pid != os.getpid():
            stop_deployment(one.deploy_id)


def deployed(target: Any = "service:app", **options: Any) -> Deployment:
    given = {name: options.pop(name) for name in ("port", "startup_timeout") if name in options}
    manager = LocalDeployManager(**{"port": 0, **given})
    told = asyncio.run(manager.deploy(target, mode=DETACHED, **options))
    return next(one for one in deployments() if one.deploy_id == told["deploy_id"])


def begun(one: Deployment) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(one.url.removeprefix("http://"), timeout=40)
    headers = {
        "Authorization": f"Bearer {one.token}",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    connection.request("POST", "/process", json.dumps({"input": [{"content": "?"}]}), headers)
    return connection.getresponse()


def last_of(response: http.client.HTTPResponse) -> tuple[str, str]:
    """Return the status and the text of an answer, read to its end."""
    lines = [line for line in response.read().decode().splitlines() if line.startswith("data: {")]
    last = json.loads(lines[-1][6:])
    return last["status"], last["output"][0]["content"][0]["text"]


def left(runtime: Path) -> list[str]:
    return sorted(path.name for path in runtime.rglob("*") if not path.is_dir())


def processes() -> set[int]:
    """The processes that this one has started, and theirs."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_it_outlives_who_deployed_it_and_any_other_process_ends_it(runtime: Path, service: Path) -> None:
    run = subprocess.run([sys.executable, "-c", DEPLOY], capture_output=True, text=True, timeout=60)
    assert run.returncode == -signal.SIGKILL, run.stderr
    told = json.loads(run.stdout)
    (one,) = deployments()
    assert (one.deploy_id, one.url, one.token) == (told["deploy_id"], told["url"], told["token"])
    assert (one.name, one.mode, one.source, one.alive) == ("Friday", DETACHED, "service:app", True)
    assert one.token == "a-token-that-is-known"
    assert one.token not in repr(one)
    # The key was in the environment of who deployed it: the app has it, and no other program can see it.
    assert last_of(begun(one)) == ("completed", f"one {KEY}")
    process = Path(f"/proc/{one.pid}")
    shown = (process / "cmdline").read_bytes()
    assert b"nbagents.app" in shown
    with contextlib.suppress(PermissionError):  # nobody but root can look into it at all
        shown += (process / "environ").read_bytes()
    assert not [secret for secret in (KEY, PASSWORD, one.token) if secret.encode() in shown]
    assert os.getsid(one.pid) == one.pid
    assert oct(one.folder.stat().st_mode)[-3:] == "700"
    assert {oct(path.stat().st_mode)[-3:] for path in runtime.rglob("*") if path.is_file()} == {"600"}
    command = [str(Path(sys.executable).with_name("nbagents")), "app", "stop", one.deploy_id]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, f"Friday at {one.url} has ended\n"), ended.stderr
    assert not one.alive
    assert deployments() == []
    assert left(runtime) == []


def test_what_is_under_way_is_answered_before_it_ends(service: Path) -> None:
    (service / "hold").touch()
    one = deployed()
    response = begun(one)
    while "one" not in response.readline().decode():
        pass
    done: list[Any] = []
    ending = threading.Thread(
        target=lambda: done.append(asyncio.run(LocalDeployManager().stop(one.deploy_id)))
    )
    ending.start()
    limit = time.monotonic() + 20
    while _answers(one):
        assert time.monotonic() < limit, "it takes new requests at its end"
    assert one.alive
    (service / "hold").unlink()
    assert last_of(response) == ("completed", f"one {KEY}")
    ending.join(30)
    assert done[0]["success"] is True
    assert not one.alive


def test_a_second_signal_does_not_wait_for_answers(runtime: Path, service: Path) -> None:
    (service / "hold").touch()
    one = deployed()
    response = begun(one)
    while "one" not in response.readline().decode():
        pass
    os.kill(one.pid, signal.SIGTERM)
    limit = time.monotonic() + 20
    while _answers(one):
        assert time.monotonic() < limit
    assert one.alive
    os.kill(one.pid, signal.SIGTERM)
    while one.alive:
        assert time.monotonic() < limit, "it waits for its answers, though it was told twice"
    response.close()
    assert left(runtime) == []


def test_what_a_thread_serves_is_listed_while_it_does(runtime: Path) -> None:
    app = AgentApp(app_name="Near")
    manager = LocalDeployManager(port=0)
    told = asyncio.run(manager.deploy(app))
    (one,) = deployments()
    assert (one.deploy_id, one.name, one.mode) == (told["deploy_id"], "Near", DeploymentMode.DAEMON_THREAD)
    assert (one.pid, one.alive) == (os.getpid(), True)
    port = int(one.url.rpartition(":")[2])
    with pytest.raises(UsageError, match="taken by your own Near"):
        asyncio.run(LocalDeployManager(port=port).deploy("service:app", mode=DETACHED))
    for wrong in ({"mode": "kubernetes"}, {"environment": {"A": "b"}}):
        with pytest.raises(UsageError, match="detached_process"):
            asyncio.run(LocalDeployManager(port=0).deploy(app, **wrong))
    with pytest.raises(UsageError, match="app is an AgentApp, or a text"):
        asyncio.run(LocalDeployManager(port=0).deploy(None, mode=DETACHED))  # type: ignore[arg-type]
    # Any manager ends it.
    assert asyncio.run(LocalDeployManager().stop(one.deploy_id))["success"] is True
    assert not manager.is_running
    assert asyncio.run(manager.stop(one.deploy_id))["success"] is True
    assert asyncio.run(manager.stop(one.deploy_id))["success"] is False
    assert deployments() == []


def test_a_long_log_is_begun_anew(service: Path) -> None:
    text = "    for _ in range(11_000):\n        print('x' * 1023)\n    print('last')\n"
    (service / "service.py").write_text(f"{SERVICE}\n@app.init\ndef begin(self):\n{text}")
    one = deployed()
    limit = time.monotonic() + 20
    while one.log.stat().st_size:
        assert time.monotonic() < limit, "the log is as long as before"
    before = one.log.with_name("log.1")
    assert before.read_text().endswith("last\n")
    assert oct(before.stat().st_mode)[-3:] == "600"


def test_an_environment_that_is_given_counts(service: Path) -> None:
    one = deployed(environment={"DASHSCOPE_API_KEY": "another"})
    assert last_of(begun(one)) == ("completed", "one another")


def _answers(one: Deployment) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(one.url.rpartition(":")[2])), timeout=5):
            return True
    except OSError:
        return False


BROKEN = {
    "its module fails": ("import nothing_like_this", "No module named 'nothing_like_this'"),
    "its start fails": (
        "@app.init\ndef begin(self):\n    raise LookupError('no database at a-token-that-is-known')",
        "LookupError: no database at",
    ),
    "it dies": (
        "print('the key is', *map(os.environ.get, ('DASHSCOPE_API_KEY', 'DATABASE_PASSWORD')), flush=True)\n"
        "os._exit(3)",
        "with status 3\nThe end of its log:\nthe key is",
    ),
    "it dies without a word": (
        "import os\n@app.init\ndef begin(self):\n    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
        f"    raise LookupError('no database for {KEY}')",
        "LookupError: no database for",
    ),
    "it has no app": ("del app", "app in service is no AgentApp"),
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_what_does_not_start_says_why_and_leaves_nothing(what: str, runtime: Path, service: Path) -> None:
    code, said = BROKEN[what]
    (service / "service.py").write_text(f"{SERVICE}\n{code}\n")
    before = processes()
    with pytest.raises((DeploymentError, UsageError)) as raised:
        deployed()
    assert said in str(raised.value)
    assert not [secret for secret in (KEY, PASSWORD) if secret in str(raised.value)]
    assert processes() <= before
    assert left(runtime) == []


def test_one_that_does_not_begin_in_time_is_ended(runtime: Path, service: Path) -> None:
    (service / "service.py").write_text(
        f"{SERVICE}\nimport threading\n@app.init\ndef begin(self):\n    threading.Event().wait(60)\n"
    )
    before = processes()
    with pytest.raises(DeploymentError, match=r"did not (answer|start) within 4 s"):
        deployed(startup_timeout=4)
    assert processes() <= before
    assert left(runtime) == []


def test_a_port_of_another_program_is_an_error_and_not_ready(runtime: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"the port {port} of 127.0.0.1 is taken by another program"):
            deployed(port=port)
    assert left(runtime) == []


def test_a_port_of_ones_own_deployment_is_named_with_what_ends_it(runtime: Path) -> None:
    earlier = deployed()
    port = int(earlier.url.rpartition(":")[2])
    for again in (lambda: deployed(port=port), lambda: AgentApp().serve(port=port)):
        with pytest.raises(UsageError, match=f"own Friday, deployed as {earlier.deploy_id}") as told:
            again()
        assert f"`nbagents app stop {earlier.deploy_id}`" in str(told.value.hint)
    assert [one.deploy_id for one in deployments() if one.alive] == [earlier.deploy_id]


def test_a_deployment_that_is_cancelled_leaves_no_process(runtime: Path, service: Path) -> None:
    (service / "service.py").write_text(
        f"{SERVICE}\nimport pathlib, threading\npathlib.Path('begins').touch()\nthreading.Event().wait(60)\n"
    )
    before = processes()

    async def steps() -> None:
        deploying = asyncio.ensure_future(LocalDeployManager(port=0).deploy("service:app", mode=DETACHED))
        limit = time.monotonic() + 30
        while not (service / "begins").exists():
            assert time.monotonic() < limit
            await asyncio.sleep(0.02)
        deploying.cancel()
        await asyncio.gather(deploying, return_exceptions=True)
        assert deploying.cancelled()
        limit = time.monotonic() + 10
        while processes() - before:
            assert time.monotonic() < limit, "its process goes on"
            await asyncio.sleep(0.02)

    asyncio.run(steps())
    assert left(runtime) == []


def test_one_that_dies_without_a_word_can_be_looked_into_and_is_taken_off(runtime: Path) -> None:
    one = deployed()
    os.kill(one.pid, signal.SIGKILL)
    os.waitpid(one.pid, 0)
    (dead,) = deployments()
    assert not dead.alive
    assert dead.log.exists()
    stop_deployment(dead.deploy_id)
    assert deployments() == []
    assert left(runtime) == []
    # After a day nobody asks any more.
    again = deployed()
    os.kill(again.pid, signal.SIGKILL)
    os.waitpid(again.pid, 0)
    for path in (again.record, again.log):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert deployments() == []
    assert left(runtime) == []


def test_those_of_other_machines_are_listed_and_left_alone(runtime: Path) -> None:
    one = Deployment.of_this_process(
        "abc",
        name="Far",
        url="http://127.0.0.1:1",
        mode=DETACHED,
        source="a:b",
        token="t" * 32,
        shutdown_timeout=1,
    )
    far = dataclasses.replace(one, machine="elsewhere")
    far.write()
    (listed,) = deployments()
    assert (listed.foreign, listed.alive) == (True, False)
    with pytest.raises(UsageError, match="runs on the machine elsewhere"):
        stop_deployment("abc")
    assert asyncio.run(LocalDeployManager().stop("abc"))["success"] is False
    assert deployments() == [listed]
    command = [str(Path(sys.executable).with_name("nbagents")), "app", "stop", "--forget", "abc"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = "Far at http://127.0.0.1:1 on elsewhere is off the list\n"
    assert (ended.returncode, ended.stdout) == (0, said), ended.stderr
    assert left(runtime) == []
    far.write()
    far.record.chmod(0o644)  # others could have written it
    assert deployments() == []
    with pytest.raises(UsageError, match="nothing is deployed as 'abc'"):
        stop_deployment("abc")
    for wrong in ("../abc", "", "a/b"):
        with pytest.raises(UsageError, match="not a valid id"):
            stop_deployment(wrong)


def entry(mode: str, shutdown_timeout: float) -> Deployment:
    about = {"name": "App", "url": "http://127.0.0.1:1", "source": "a:b", "token": None}
    return Deployment.of_this_process("abc", mode=mode, shutdown_timeout=shutdown_timeout, **about)


@pytest.mark.parametrize("mode", ["run", "daemon_thread", "of another version"])
def test_a_process_that_may_not_be_for_the_app_alone_gets_no_signal(mode: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        one = dataclasses.replace(
            entry(mode, shutdown_timeout=-9.9), pid=other.pid, pid_started=process_started(other.pid)
        )
        one.write()
        with pytest.raises(DeploymentError, match="has not ended it when asked"):
            stop_deployment("abc")
        assert one.is_asked_to_stop()
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_process_that_got_the_pid_of_one_that_ended_is_not_touched() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        dataclasses.replace(entry(DETACHED, shutdown_timeout=1), pid=other.pid, pid_started="1").write()
        stop_deployment("abc")
        assert other.poll() is None
        assert deployments() == []
        other.communicate(b"\n")
