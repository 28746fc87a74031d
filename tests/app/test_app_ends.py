"""What an app leaves behind, and what it does not let others do, when something around it goes wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagents import Msg
from nbagents.app import AgentApp, Deployment, LocalDeployManager, deployments
from nbagents.app._answer import AHEAD, Answer
from nbagents.app._serving import serve
from nbagents.exceptions import UsageError

from .conftest import Client

Begin = Callable[[AgentApp], Client]
BODY = {"input": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}


def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nobody_says_to_be_another_caller(served: Begin) -> None:
    client = served(AgentApp(rate=5, insecure=True))
    statuses = [
        client.ask("GET", "/", **{"X-Forwarded-For": f"198.51.100.{number}"})[0] for number in range(30)
    ]
    assert 429 in statuses


def test_nobody_says_to_have_come_by_tls(served: Begin) -> None:
    client = served(AgentApp())
    headers = {"X-Forwarded-Proto": "https", "Origin": f"https://127.0.0.1:{client.serving.port}"}
    assert client.ask("GET", "/", **headers)[0] == 403


def test_without_a_folder_for_its_token_it_serves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "below"))
    app = AgentApp()
    app.query()(lambda self, msgs: Msg("a", "in"))
    with serve(app, "127.0.0.1", 0) as serving:
        assert Client(serving).ask("POST", "/process", BODY)[0] == 200
        assert "-H @" not in serving.curl
    assert "nor curl of its token" in caplog.text
    assert not serving.alive


def test_no_option_takes_tls_away() -> None:
    with pytest.raises(UsageError, match="unprotected"):
        AgentApp().serve("0.0.0.0", 0, unprotected=True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/process", {**BODY, "stream": False}),
        ("/compatible-mode/v1/responses", {"input": "hello"}),
        ("/compatible-mode/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    ],
    ids=["process", "responses", "chat"],
)
def test_a_client_that_leaves_stops_an_agent_that_says_nothing(
    served: Begin, path: str, body: dict[str, Any]
) -> None:
    app, began, stopped = AgentApp(resume_seconds=0), threading.Event(), threading.Event()

    @app.query()
    async def answer(self: Any, msgs: Any) -> Any:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise
        yield "never"

    client = served(app)
    connection, _ = client.open_later("POST", path, body)
    assert began.wait(15)
    assert not stopped.is_set()
    connection.close()
    assert stopped.wait(10)


def test_an_answer_that_is_cancelled_before_its_first_step_ends() -> None:
    async def say() -> Any:
        yield "never"

    async def check() -> None:
        over: list[Answer] = []
        answer = Answer("u", "s", say, patience=0, over=over.append, changed=lambda: None)
        answer.cancel()
        last = await asyncio.wait_for(answer.whole(), 10)
        assert (last["status"], answer.done, answer.state, over) == ("canceled", True, "stopped", [answer])

    asyncio.run(check())


def test_a_slow_reader_that_leaves_last_is_waited_for_no_longer() -> None:
    async def say() -> Any:
        for number in range(2 * AHEAD):
            yield f"{number} "

    async def check() -> None:
        ended = asyncio.Event()
        answer = Answer("u", "s", say, patience=60, over=lambda _: ended.set(), changed=lambda: None)
        reader = answer.read()
        await anext(reader)
        for _ in range(10 * AHEAD):
            await asyncio.sleep(0)
        assert answer._waiting
        await reader.aclose()
        await asyncio.wait_for(ended.wait(), 20)
        assert answer.state == "done"

    asyncio.run(check())


SCRIPT = """
from nbagents.app import AgentApp
serving = AgentApp().serve(port=0)
print(serving.curl)
"""


def test_the_file_with_the_token_goes_with_the_process(runtime: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=50)
    assert ".header" in ran.stdout, ran.stderr
    assert list(runtime.rglob("*.header")) == []


def test_a_deployment_on_a_thread_that_is_cancelled_does_not_serve(runtime: Path) -> None:
    app, began, go_on = AgentApp(), threading.Event(), threading.Event()

    @app.init
    async def init(self: Any) -> None:
        began.set()
        await asyncio.to_thread(go_on.wait, 20)

    async def check() -> None:
        deploying = asyncio.create_task(LocalDeployManager(port=0).deploy(app))
        assert await asyncio.to_thread(began.wait, 15)
        deploying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deploying
        go_on.set()
        await asyncio.to_thread(until, lambda: app.serving is not None and app.serving.state == "ended")

    asyncio.run(check())


def test_what_another_version_has_deployed_is_listed_and_never_lost(runtime: Path) -> None:
    one = Deployment.of_this_process(
        "abc",
        name="A",
        url="http://127.0.0.1:1",
        mode="foreground",
        source="a:b",
        token=None,
        shutdown_timeout=1,
    )
    one.write()
    told = json.loads(one.record.read_text())
    one.record.write_text(json.dumps(told | {"of_tomorrow": 1}))
    assert deployments() == [one]
    one.record.write_text("{}")
    os.utime(one.folder, (1, 1))
    assert deployments() == []
    assert one.record.exists()
    one.remove()


SLOW = """
import pathlib, time
from nbagents import AgentApp
app = AgentApp()

@app.init
def init(self):
    pathlib.Path("began").touch()
    time.sleep(25)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_a_signal_ends_the_wait_for_a_start(runtime: Path, tmp_path: Path, number: int) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [Path(sys.executable).with_name("nbagents"), "app", "slow:app", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((tmp_path / "began").exists)
        process.send_signal(number)
        process.wait(12)
    finally:
        process.kill()
        process.wait()


def test_what_a_deployment_is_given_is_checked(runtime: Path) -> None:
    deploy = LocalDeployManager(port=0).deploy
    with pytest.raises(UsageError, match="environment is of texts"):
        asyncio.run(deploy("a:b", mode="detached_process", environment={"X": 1}))  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="ssl_keyfile"):
        asyncio.run(deploy(AgentApp(), ssl_keyfile="key.pem"))
    # Before a process begins that would only find out the same.
    for mode in ("daemon_thread", "detached_process"):
        with pytest.raises(UsageError, match=r"https cannot be served with none\.pem: No such file"):
            asyncio.run(deploy("a:b", mode=mode, ssl_certfile="none.pem"))


def test_who_guesses_tokens_is_told_to_wait_and_others_are_not(served: Begin) -> None:
    client = served(AgentApp(rate=5))
    wrong = [client.ask("GET", "/", Authorization="Bearer guess")[0] for _ in range(30)]
    assert (wrong[0], 429 in wrong) == (401, True)
    assert client.ask("GET", "/")[0] == 200


def test_what_ran_before_the_last_boot_of_this_machine_is_over(runtime: Path) -> None:
    one = Deployment.of_this_process(
        "abc",
        name="A",
        url="http://127.0.0.1:1",
        mode="foreground",
        source="a:b",
        token=None,
        shutdown_timeout=1,
    )
    before = dataclasses.replace(one, boot="before")
    before.write()
    before.log.touch(0o600)
    assert [(found.foreign, found.alive) for found in deployments()] == [(False, False)]
    for path in (before.record, before.log):
        os.utime(path, (1, 1))
    assert deployments() == []
    assert not before.folder.exists()
