"""Starting and ending: what is called when, ports, endpoints, tasks, mounting, and a notebook."""

from __future__ import annotations

import asyncio
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Mount

from nbagents import Msg
from nbagents.app import AgentApp, LocalDeployManager
from nbagents.app._serving import serve
from nbagents.exceptions import UsageError

from .conftest import Client, events_in

Begin = Callable[[AgentApp], Client]
BODY = {"input": [{"content": "?"}], "stream": False}


def test_an_app_shows_what_it_is_and_where(served: Begin) -> None:
    app = AgentApp(app_name="Friday")
    assert repr(app) == "<AgentApp Friday is idle>"
    client = served(app)
    assert repr(app) == f"<AgentApp Friday serves at {client.serving.url}>"
    client.serving.stop()
    assert (repr(app), repr(AgentApp())) == ("<AgentApp Friday is idle>", "<AgentApp is idle>")


def test_what_is_called_when(served: Begin) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def around(app: AgentApp) -> AsyncIterator[None]:
        seen.append("lifespan")
        yield
        seen.append("lifespan ends")

    app = AgentApp(
        before_start=lambda self: seen.append("before"),
        after_finish=lambda self: seen.append("after"),
        lifespan=around,
    )

    @app.init
    async def init(self: Any) -> None:
        seen.append("init")
        self.word = "shared"

    @app.shutdown
    def shutdown(self: Any) -> None:
        seen.append(f"shutdown {self.word}")

    app.query()(lambda self, msgs: Msg("a", self.word))
    client = served(app)
    assert client.ask("POST", "/process", BODY)[1]["output"][0]["content"][0]["text"] == "shared"
    client.serving.stop()
    assert seen == ["before", "lifespan", "init", "shutdown shared", "lifespan ends", "after"]
    assert not client.serving.alive


def test_an_app_that_cannot_start_says_why() -> None:
    app, ended = AgentApp(after_finish=lambda self: ended.append(1)), []  # type: ignore[var-annotated]

    @app.init
    def init(self: Any) -> None:
        raise LookupError("no such database")

    with pytest.raises(LookupError, match="no such database"):
        serve(app, "127.0.0.1", 0)
    assert ended == [1]


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"the port {port} of 127.0.0.1 is taken"):
            serve(AgentApp(), "127.0.0.1", port)
    for wrong in (-1, 65536, "80", True):
        with pytest.raises(UsageError, match="a port is a number"):
            serve(AgentApp(), "127.0.0.1", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("hangs", ["awaits", "blocks", "blocks the loop"])
def test_a_start_that_takes_too_long_leaves_the_port_to_the_corrected_cell(hangs: str) -> None:
    app, go_on = AgentApp(app_name="Friday"), threading.Event()
    app.query(framework="text")(lambda self, msgs: "hello")

    @app.init
    async def init(self: Any) -> None:
        if hangs == "awaits":
            await asyncio.Event().wait()
        elif hangs == "blocks":
            await asyncio.to_thread(go_on.wait, 60)
        else:
            go_on.wait(60)

    port = free_port()
    try:
        with pytest.raises(TimeoutError, match="did not start within"):
            app.serve(port=port, startup_timeout=0.3)
        corrected = AgentApp(app_name="Friday")
        corrected.query(framework="text")(lambda self, msgs: "hello")
        with corrected.serve(port=port) as serving:
            assert Client(serving).ask("POST", "/process", BODY)[0] == 200
    finally:
        go_on.set()
    if hangs != "blocks the loop":  # the very same app begins anew too
        app.init(lambda self: None)
        with app.serve(port=port) as serving:
            assert Client(serving).ask("POST", "/process", BODY)[0] == 200


@pytest.mark.posix
def test_a_start_that_is_interrupted_leaves_the_port_free() -> None:
    port = free_port()
    script = INTERRUPTED.format(port=port)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.stdout == "interrupted\nserves\n", run.stderr


INTERRUPTED = """
import asyncio, os, signal
from nbagents.app import AgentApp
app = AgentApp()
@app.init
async def init(self):
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()
try:
    app.serve(port={port})
except KeyboardInterrupt:
    print("interrupted")
app.init(lambda self: None)
with app.serve(port={port}):
    print("serves")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ({"ssl_cert": "tls.crt"}, "did you mean ssl_certfile=?"),
        ({"startup_timout": 3}, "did you mean startup_timeout=?"),
        ({"reload": True}, "there are shutdown_timeout="),
        ({"mode": "detached_process"}, "await app.deploy(LocalDeployManager("),
    ],
)
def test_an_option_that_there_is_not_is_refused_with_what_was_meant(
    option: dict[str, Any], hint: str
) -> None:
    app, port = AgentApp(), free_port()
    for begin in (app.run, app.serve):
        with pytest.raises(UsageError, match=f"no option '{min(option)}'") as raised:
            begin(port=port, **option)
        assert hint in (raised.value.hint or "")
    # What uvicorn itself refuses leaves the port free as well.
    with pytest.raises(TypeError, match="int"):
        app.serve(port=port, headers=3)
    with app.serve(port=port, timeout_keep_alive=7) as serving:
        assert serving.alive


def test_the_same_cell_run_again_takes_the_place_of_the_first(served: Begin) -> None:
    first = AgentApp(app_name="Friday")
    first.query()(lambda self, msgs: Msg("a", "first"))
    client = served(first)
    second = AgentApp(app_name="Friday")
    second.query()(lambda self, msgs: Msg("a", "second"))
    with serve(second, "127.0.0.1", client.serving.port) as serving:
        assert not client.serving.alive
        assert Client(serving).ask("POST", "/process", BODY)[1]["output"][0]["content"][0]["text"] == "second"
        with pytest.raises(UsageError, match="is taken by your own Friday"):
            serve(AgentApp(app_name="Other"), "127.0.0.1", serving.port)
    # Apps without a name take each other's place too.
    with serve(AgentApp(), "127.0.0.1", 0) as one, serve(AgentApp(), "127.0.0.1", one.port) as other:
        assert (one.alive, other.alive) == (False, True)


def test_deployers_do_not_end_each_others_apps_because_nobody_has_named_them() -> None:
    async def steps() -> None:
        first, second = LocalDeployManager(port=0), AgentApp()
        mine = await first.deploy(AgentApp())
        port = int(mine["url"].rpartition(":")[2])
        with pytest.raises(UsageError, match="is taken by your own app, which this process serves"):
            await LocalDeployManager(port=port).deploy(second)
        assert first.is_running
        # The same app, deployed anew by the manager of the cell that was run again, takes its own place.
        named, anew = LocalDeployManager(port=0), AgentApp(app_name="Friday")
        told = await named.deploy(AgentApp(app_name="Friday"))
        again = LocalDeployManager(port=int(told["url"].rpartition(":")[2]))
        await again.deploy(anew)
        assert (named.is_running, again.is_running) == (False, True)
        for manager in (first, again):
            (one,) = manager.get_deployment_info()
            await manager.stop(one["deploy_id"])

    asyncio.run(steps())


def test_run_does_not_end_what_a_deployer_serves_though_nobody_could_be_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()  # where no folder can be made: so no process is told, nor curl
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "below"))
    app = AgentApp(app_name="Both")
    app.query(framework="text")(lambda self, msgs: "hello")
    manager = LocalDeployManager(port=0)
    told = asyncio.run(app.deploy(manager))
    with app.serve(port=0):
        assert manager.is_running
    assert manager.is_running
    assert asyncio.run(manager.stop(told["deploy_id"]))["success"]


def test_a_deployer_deploys_and_stops() -> None:
    app = AgentApp(app_name="Friday")
    app.query()(lambda self, msgs: Msg("a", "deployed"))

    async def steps() -> None:
        manager = LocalDeployManager(port=0)
        deployed = await app.deploy(manager)
        assert deployed["token"] == app.token
        assert manager.is_running
        assert manager.service_url == deployed["url"]
        assert app.serving is not None
        status, told = await asyncio.to_thread(Client(app.serving).ask, "POST", "/process", BODY)
        assert (status, told["status"]) == (200, "completed")
        with pytest.raises(UsageError, match="serves already"):
            await app.deploy(manager)
        assert (await manager.stop("nothing"))["success"] is False
        assert (await manager.stop(deployed["deploy_id"]))["success"] is True
        assert not manager.is_running

    asyncio.run(steps())


def test_a_deployment_is_stopped_when_it_has_ended_and_not_before() -> None:
    app = AgentApp()
    go_on = threading.Event()
    app.query()(lambda self, msgs: Msg("a", "x"))
    app.shutdown(lambda self: go_on.wait(30))

    async def steps() -> None:
        manager = LocalDeployManager(port=0, shutdown_timeout=0.1)
        deployed = await app.deploy(manager)
        begun = time.monotonic()
        told = await manager.stop(deployed["deploy_id"])
        assert time.monotonic() - begun < 20
        assert (told["success"], "takes long" in told["message"]) == (False, True)

    asyncio.run(steps())
    go_on.set()


class Sum(BaseModel):
    a: int
    b: int = 2


def test_endpoints_take_what_fits_and_stream_what_is_yielded(served: Begin) -> None:
    app = AgentApp()

    @app.endpoint("/add")
    async def add(sum: Sum) -> Any:
        return {"sum": sum.a + sum.b}

    @app.endpoint("/greet", methods=["GET", "POST"])
    def greet(name: str, loud: bool = False) -> str:
        return name.upper() if loud else name

    @app.endpoint("/count")
    async def count(n: int) -> Any:
        for index in range(n):
            yield {"n": index}
        raise ValueError("no more")

    client = served(app)
    assert client.ask("POST", "/add", {"a": 1}) == (200, {"sum": 3})
    assert client.ask("POST", "/add", {"a": "x"})[0] == 422
    assert client.ask("GET", "/greet?name=ada&loud=true") == (200, "ADA")
    assert client.ask("POST", "/greet", {})[1]["error"]["message"] == "name: missing"
    told = events_in(client.ask("POST", "/count", {"n": 2})[1])
    assert told[:2] == [{"n": 0}, {"n": 1}]
    assert told[2]["error_type"] == "ValueError"
    with pytest.raises(UsageError, match="taken by the app"):
        app.endpoint("/health")(greet)
    # One that is defined while the app runs is served too.
    app.endpoint("/late")(lambda: "late")
    assert client.ask("POST", "/late", {}) == (200, "late")


def test_a_task_is_begun_and_looked_after(served: Begin) -> None:
    app = AgentApp()

    @app.task("/square")
    def square(n: int) -> int:
        if n < 0:
            raise ValueError("too small")
        return n * n

    client = served(app)
    outcomes = []
    for n in (7, -1):
        status, told = client.ask("POST", "/square", {"n": n})
        assert status == 200
        deadline = time.monotonic() + 10
        while told["status"] == "running":
            assert time.monotonic() < deadline
            _, told = client.ask("GET", f"/square/{told['task_id']}")
        outcomes.append(told)
    assert outcomes[0]["result"] == 49
    assert "too small" in outcomes[1]["error"]["message"]
    assert client.ask("GET", "/square/nothing")[0] == 404


def test_it_is_mounted_in_an_application_of_the_users(served: Begin) -> None:
    import uvicorn

    app = AgentApp()
    app.query()(lambda self, msgs: Msg("a", "mounted"))
    outer = Starlette(routes=[Mount("/agents", app)])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(outer, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    class Mounted:
        port, token = listener.getsockname()[1], app.token

    client = Client(Mounted())  # type: ignore[arg-type]
    assert client.ask("POST", "/agents/process", BODY)[1]["output"][0]["content"][0]["text"] == "mounted"
    assert client.ask("GET", "/agents/health", Authorization="")[0] == 200
    assert client.ask("POST", "/agents/process", BODY, Authorization="")[0] == 401
    server.should_exit = True
    thread.join()


SCRIPT = """
import sys, nbagents.app as app
made = app.AgentApp(token="known-token")
made.query()(lambda self, msgs: "hello")
made.shutdown(lambda self: print("over", flush=True))
made.run(port=int(sys.argv[1]))
print("after", flush=True)
"""


@pytest.mark.posix
def test_in_a_script_it_serves_until_it_is_interrupted() -> None:
    import signal

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.readline() + process.stderr.readline()
    assert f"serves at http://127.0.0.1:{port}" in said
    assert "known-token" not in said
    command = shlex.split(said.splitlines()[1])
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert '"text":"hello"' in asked.stdout, asked
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out.split()) == (0, ["over", "after"]), errors
