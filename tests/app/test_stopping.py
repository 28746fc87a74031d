"""Apps on threads of other processes: listed and ended from anywhere; what is left of the killed goes."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nbagents.app import AgentApp, LocalDeployManager, deployments, served, stop_deployment
from nbagents.app._serving import serve
from nbagents.exceptions import DeploymentError, UsageError
from nbagents.magics._serving_card import MOST_USERS, source_of

from .conftest import Client

pytestmark = [pytest.mark.posix, pytest.mark.timeout(180)]
TOKEN = "a-token-that-is-known"
HOLDER = """
import asyncio, json, signal, sys
from nbagents.app import AgentApp, LocalDeployManager
app = AgentApp(app_name="Near", token="a-token-that-is-known")
app.query(framework="text")(lambda self, msgs: "hello")
app.shutdown(lambda self: print("over", flush=True))
if sys.argv[1] == "run":
    url = app.serve(port=0).url
else:
    url = asyncio.run(app.deploy(LocalDeployManager(port=0, shutdown_timeout=0.1)))["url"]
print(json.dumps(url), flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""
Begin = Callable[[AgentApp], Client]


class Holder:
    """Another process, which serves an app on a thread and does what it is told besides, as a kernel does."""

    def __init__(self, how: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = json.loads(self.said())

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def told(self, expression: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()
        return self.said()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(autouse=True)
def where(runtime: Path) -> Path:
    return runtime


@pytest.fixture
def holder() -> Iterator[Callable[[str], Holder]]:
    begun: list[Holder] = []

    def begin(how: str) -> Holder:
        begun.append(Holder(how))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.send_signal(signal.SIGCONT)
        one.kill()


@pytest.fixture
def run(runtime: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name(name)), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90)

    return run


def left(runtime: Path) -> list[str]:
    return sorted(path.name for path in runtime.rglob("*") if not path.is_dir())


def asked(url: str, token: str = TOKEN) -> str:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Connection": "close"}
    connection.request(
        "POST", "/process", json.dumps({"input": [{"content": "?"}], "stream": False}), headers
    )
    told: str = json.loads(connection.getresponse().read())["output"][0]["content"][0]["text"]
    connection.close()
    return told


@pytest.mark.parametrize("how", ["run", "deploy"])
@pytest.mark.parametrize("by", ["manager", "function", "terminal"])
def test_what_another_process_serves_on_a_thread_ends_and_the_process_does_not(
    how: str, by: str, holder: Any, runtime: Path, run: Any
) -> None:
    other = holder(how)
    (one,) = deployments()
    assert (one.url, one.alive, one.pid) == (other.url, True, other.process.pid)
    assert one.mode == {"run": "run", "deploy": "daemon_thread"}[how]
    assert {oct(path.stat().st_mode)[-3:] for path in runtime.rglob("*") if path.is_file()} == {"600"}
    assert asked(one.url) == "hello"
    if by == "manager":
        told = asyncio.run(LocalDeployManager().stop(one.deploy_id))
        assert told == {"success": True, "message": "stopped", "details": {"url": one.url}}
    elif by == "function":
        assert stop_deployment(one.deploy_id) == one
    else:
        ended = run("nbagents", "app", "stop", one.deploy_id)
        assert (ended.returncode, ended.stdout) == (0, f"Near at {one.url} has ended\n"), ended.stderr
    assert other.said() == "over\n"  # in order, with its own functions
    with pytest.raises(ConnectionError):
        asked(one.url)
    assert other.told("6 * 7") == "42\n"
    assert deployments() == []
    assert left(runtime) == []


def test_a_process_that_does_not_end_it_is_named_with_what_ends_it(holder: Any) -> None:
    other = holder("deploy")
    (one,) = deployments()
    other.process.send_signal(signal.SIGSTOP)
    with pytest.raises(
        DeploymentError, match=f"the process {one.pid}, which serves Near .* is frozen"
    ) as told:
        stop_deployment(one.deploy_id)
    assert "restart that kernel" in str(told.value.hint)
    assert other.process.poll() is None
    # It is done when the process comes to it.
    other.process.send_signal(signal.SIGCONT)
    assert other.said() == "over\n"


def test_what_is_left_of_one_that_was_killed_goes_and_nothing_of_the_living(
    holder: Any, runtime: Path
) -> None:
    dead, other = holder("run"), holder("deploy")
    assert left(runtime) == ["curl.header"] * 2 + ["deployment.json"] * 2
    dead.kill()
    assert left(runtime) == ["curl.header"] * 2 + ["deployment.json"] * 2
    (one,) = deployments()
    assert one.url == other.url
    assert left(runtime) == ["curl.header", "deployment.json"]
    assert TOKEN in one.header.read_text()
    # The next that starts looks too.
    other.kill()
    with AgentApp(app_name="New").serve(port=0) as serving:
        assert serving.deployment is not None
        assert [path.parent.name for path in runtime.rglob("*.header")] == [serving.deployment.deploy_id]
    assert left(runtime) == []


def test_a_port_that_another_notebook_serves_at_is_named_with_what_ends_it(holder: Any) -> None:
    other = holder("run")
    (one,) = deployments()
    with pytest.raises(UsageError, match=f"your own Near, served by the process {one.pid}") as told:
        AgentApp().serve(port=int(other.url.rpartition(":")[2]))
    assert f"`nbagents app stop {one.deploy_id}`" in str(told.value.hint)


def test_it_is_listed_with_its_health_and_without_its_token(holder: Any, run: Any) -> None:
    assert run("nbagents", "app", "list").stdout == "no app of yours serves\n"
    assert run("nbagents", "app", "list", "--json").stdout == "[]\n"
    other = holder("run")
    shown, told = (run("nbagents", "app", "list", *more).stdout for more in ([], ["--json"]))
    assert TOKEN not in shown + told
    row = shown.splitlines()[1]
    assert row.endswith("answers")
    assert {"Near", other.url, "run", str(other.process.pid)} <= set(row.split())
    (one,) = json.loads(told)
    assert (one["name"], one["url"], one["pid"]) == ("Near", other.url, other.process.pid)
    assert (one["state"], one["health"]) == ("serving", "answers")
    assert isinstance(one["started"], float)
    other.process.send_signal(signal.SIGSTOP)
    assert "does not answer: something holds it up" in run("nbagents", "app", "list").stdout
    other.process.send_signal(signal.SIGCONT)


def test_stopping_what_is_dead_says_so_and_the_others_are_stopped_all_the_same(holder: Any, run: Any) -> None:
    dead, other = holder("run"), holder("run")
    first, second = deployments()
    dead.kill()
    ids = [one.deploy_id for one in (first, second)]
    ended = run("nbagents", "app", "stop", ids[0], "nothing", "neither", ids[1])
    assert ended.returncode == 1
    assert ended.stdout == (
        f"Near at {first.url} had died already; it is off the list now\nNear at {second.url} has ended\n"
    )
    assert "nothing is deployed as 'nothing'" in ended.stderr
    assert "nothing is deployed as 'neither'" in ended.stderr
    assert other.said() == "over\n"


# ------------------------------------------------------------------------------------- two at once


def slow() -> tuple[AgentApp, threading.Event, threading.Event]:
    """An app that begins when it is told to."""
    app, began, go_on = AgentApp(app_name="Slow"), threading.Event(), threading.Event()

    @app.init
    async def init(self: Any) -> None:
        began.set()
        await asyncio.to_thread(go_on.wait, 60)

    return app, began, go_on


def test_of_two_deploys_at_once_one_serves_and_the_other_is_told(runtime: Path) -> None:
    app, began, go_on = slow()
    with AgentApp().serve(port=0) as free:
        port = free.port
    manager = LocalDeployManager(port=port)
    calls: dict[str, Callable[[], Any]] = {
        "it is deploying something": lambda: asyncio.run(manager.deploy(app)),
        "begins to serve at the port": lambda: asyncio.run(LocalDeployManager(port=port).deploy(app)),
        f"at the port {port} of 127": lambda: AgentApp(app_name="Slow").serve(port=port),
    }
    with ThreadPoolExecutor() as pool:
        first = pool.submit(lambda: asyncio.run(manager.deploy(app)))
        try:
            assert began.wait(30)
            for said, call in calls.items():
                with pytest.raises(UsageError, match=said):
                    call()
            assert deployments() == []  # it does not serve yet
        finally:
            go_on.set()  # else the pool would wait for it, whatever went wrong
        told = first.result(60)
    assert [one.url for one in served()] == [told["url"]]
    assert [one.deploy_id for one in deployments()] == [told["deploy_id"]]
    assert manager.service_url == told["url"]
    assert asyncio.run(manager.stop(told["deploy_id"]))["success"]
    assert (served(), left(runtime)) == ((), [])
    # The port, and the manager, are free again.
    again = asyncio.run(manager.deploy(app))
    assert asyncio.run(manager.stop(again["deploy_id"]))["success"]


def test_an_app_that_is_moved_twice_at_once_moves_once() -> None:
    app, began, go_on = slow()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(app.serve, port=0)
        assert began.wait(30)
        with pytest.raises(UsageError, match="another call begins to serve this app"):
            app.serve(port=0)
        go_on.set()
        with first.result(60) as serving:
            assert served() == (serving,)


def test_many_managers_at_once_have_one_app_start_once(runtime: Path) -> None:
    app, started = AgentApp(app_name="Many"), []  # type: ignore[var-annotated]
    app.init(lambda self: started.append(threading.get_ident()))
    app.query(framework="text")(lambda self, msgs: "hello")
    managers = [LocalDeployManager(port=0) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda manager: asyncio.run(manager.deploy(app)), managers))
    assert len(started) == 1
    assert len({one["url"] for one in told}) == len(deployments()) == 8
    assert {asked(one["url"], app.token or "") for one in told} == {"hello"}
    for manager, one in zip(managers, told, strict=True):
        assert asyncio.run(manager.stop(one["deploy_id"]))["success"]
    assert left(runtime) == []


# ------------------------------------------------------------------------------------- two addresses


def test_a_deployed_app_serves_on_where_it_ran(runtime: Path) -> None:
    app, seen = AgentApp(app_name="Both"), []  # type: ignore[var-annotated]
    app.init(lambda self: seen.append("init"))
    app.shutdown(lambda self: seen.append("shutdown"))
    app.query(framework="text")(lambda self, msgs: "hello")
    ran = app.serve(port=0)
    manager = LocalDeployManager(port=0)
    told = asyncio.run(app.deploy(manager))
    assert app.serving is ran
    assert {asked(url, told["token"]) for url in (ran.url, told["url"])} == {"hello"}
    with pytest.raises(UsageError, match="taken by your own Both, which this process serves"):
        asyncio.run(app.deploy(LocalDeployManager(port=ran.port)))
    # `run` moves what `run` has served, and nothing that was deployed.
    moved = app.serve(port=0)
    assert (ran.state, moved.alive) == ("ended", True)
    assert asked(told["url"], told["token"]) == "hello"
    assert moved.stop()
    assert seen == ["init"]
    assert app.serving is not None
    assert app.serving.url == told["url"]
    assert asked(told["url"], told["token"]) == "hello"
    assert asyncio.run(app.stop_chat("nobody", "none")) is False
    assert asyncio.run(manager.stop(told["deploy_id"]))["success"]
    assert seen == ["init", "shutdown"]
    # And it begins anew.
    with app.serve(port=0) as again:
        assert asked(again.url, told["token"]) == "hello"
    assert seen == ["init", "shutdown"] * 2
    assert left(runtime) == []


def test_an_app_whose_end_hangs_begins_anew() -> None:
    app, go_on = AgentApp(app_name="Hangs"), threading.Event()
    app.query(framework="text")(lambda self, msgs: "hello")
    app.shutdown(lambda self: go_on.wait(60))
    first = serve(app, "127.0.0.1", 0, shutdown_timeout=0.1)
    assert first.stop() is False
    app.shutdown(lambda self: None)
    with app.serve(port=0) as again:
        assert asked(again.url, app.token or "") == "hello"
    go_on.set()
    assert first.ended(30)


# ------------------------------------------------------------------------------------- what is kept


def test_what_a_manager_and_a_card_remember_is_bounded(served: Begin) -> None:
    app = AgentApp()
    manager = LocalDeployManager(port=0)
    for _ in range(3):
        told = asyncio.run(manager.deploy(app))
        stop_deployment(told["deploy_id"])  # by another way than the manager
    assert manager.get_deployment_info() == [
        {"deploy_id": told["deploy_id"], "url": told["url"], "alive": False}
    ]
    assert not manager.is_running
    app.query(framework="text")(lambda self, msgs: "hello")
    client = served(app)
    source: Any = source_of(client.serving)
    colors: list[int] = []
    for number in range(3 * MOST_USERS):
        client.say("?", user_id=f"user-{number}", session_id="s")
        rows = source.view().rows
        colors.append(rows[-1].color)
        if number:  # those who are shown keep theirs
            assert rows[-2].color == colors[-2]
    assert len(source._users) <= MOST_USERS
    assert colors == list(range(3 * MOST_USERS))


def test_an_app_that_ends_by_itself_is_let_go_of(runtime: Path) -> None:
    serving = AgentApp().serve(port=0)
    assert serving in served()
    serving._server.should_exit = True  # as its own failure would
    assert serving.ended(30)
    assert serving not in served()
    assert (os.listdir(runtime / "connections" / "nbagents" / "apps"), left(runtime)) == ([], [])
