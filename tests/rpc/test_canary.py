"""Fail in some sixty ways with a marked key, and look for it, and for the token, in all that was written."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from remote_agents import BUILTIN
from wire import Wire, batch, entry, hello

from nbagents import events
from nbagents.agents import DialogAgent
from nbagents.exceptions import NbAgentsError
from nbagents.render import run_html, run_text
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._proto import agent_pb2 as pb
from nbagents.runs import Run, error_view, full_traceback

pytestmark = pytest.mark.linux
MARK = "canary0123456789marked"
KEY = f"sk-{MARK}-9f2c"
CONFIG = {
    "config_name": "far",
    "model_type": "openai_chat",
    "model_name": "m",
    "api_key": KEY,
    "client_args": {"base_url": "http://127.0.0.1:9/v1", "default_headers": {"X-Gate": KEY}},
    "max_retries": 0,
}
ODD = ["a\r\nERROR forged", "\x1b[31mred", "\u202eback", "x" * 100_000, f"{KEY}\n", "{key}", "%s%n", "\0"]


class Sweep:
    """A server that knows the key, and everything that anybody was told of it."""

    def __init__(self, launcher: RpcAgentServerLauncher) -> None:
        self.launcher = launcher
        self.client = RpcAgentClient(launcher.address, token=launcher.token)
        self.wire = Wire(launcher.address, launcher.token)
        self.told: list[str] = []
        self.paths = 0

    def agent(self, class_name: str, *args: Any, **kwargs: Any) -> RpcAgent:
        agent_id = f"a{os.urandom(4).hex()}"
        settings = {"class_name": class_name, "args": list(args), "kwargs": kwargs, "import_path": sys.path}
        self.client.create_agent(settings, agent_id)
        return RpcAgent(str(args[0])[:50], agent_id, connect=lambda: self.client.attachment)

    def fails(self, work: Callable[[], object]) -> None:
        """Fail, and keep all that a notebook could show of it."""
        self.paths += 1
        try:
            said = work()
        except Exception as error:  # noqa: BLE001  # every one is looked at
            self.told += [str(error), repr(error), str(getattr(error, "hint", "")), str(vars(error))]
            self.told.append(str(getattr(error, "remote_traceback", "")))
            self.told += traceback.TracebackException.from_exception(error).format()
            self.told += [*error._render_traceback_()] if isinstance(error, NbAgentsError) else []
            self.told += [repr(error_view("poet", error)), full_traceback(error)]
        else:
            self.told.append(repr(said))

    def raw(self, path: str, body: bytes) -> None:
        self.paths += 1
        self.told.append(self.wire.unary(path, body).text)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("SOME_SERVICE_TOKEN", KEY)
        with RpcAgentServerLauncher() as launcher:
            made = Sweep(launcher)
            made.client.set_model_configs(CONFIG)
            yield made
            made.wire.close()


def agents_fail(sweep: Sweep) -> None:
    for kind in (*BUILTIN, "nonsense"):
        for text in (f"the key {KEY} was refused", f"Bearer {KEY}\n{KEY}", "x" * 19_994 + " " + KEY):
            sweep.fails(sweep.agent("remote_agents:Failing", "failing")(kind, text).result)
    odd = sweep.agent("remote_agents:Odd", "odd")
    for how in ("error", "exit", "surrogate", "set"):
        sweep.fails(odd(how).result)


def models_fail(sweep: Sweep) -> None:
    for changes in (
        {},
        {"client_args": {"base_url": f"http://{KEY}:{KEY}@127.0.0.1:9/v1"}},
    ):
        config = CONFIG | changes
        sweep.fails(lambda config=config: sweep.agent("DialogAgent", "poet", "p", config)("hi").result(20))
    sweep.fails(lambda: sweep.client.set_model_configs(CONFIG | {"config_name": ""}))
    for text in (json.dumps([KEY]), json.dumps({"api_key": KEY}), f'{{"api_key": "{KEY}"', json.dumps(KEY)):
        sweep.raw("/RpcAgent/set_model_configs", entry(1, text.encode()))


def makers_fail(sweep: Sweep) -> None:
    for name in ("remote_agents:Fussy", "remote_agents:Quitter", "nowhere:Agent", f"{KEY}:Agent", KEY):
        sweep.fails(lambda name=name: sweep.agent(name, f"named {KEY}"))
    sweep.fails(lambda: sweep.agent("DialogAgent", "d", "p", CONFIG | {"colour": KEY}))
    sweep.fails(lambda: sweep.agent("DialogAgent", "d", "p", {"api_key": KEY}))
    sweep.fails(lambda: DialogAgent("poet", "p", CONFIG | {"colour": "red"}))


def requests_fail(sweep: Sweep) -> None:
    for odd in ODD:
        data = odd.encode("utf-8", "replace")
        for method, number in (
            ("delete_agent", 1),
            ("get_agent_memory", 1),
            ("download_file", 1),
            ("clone_agent", 1),
        ):
            sweep.raw(f"/RpcAgent/{method}", entry(number, data))
        sweep.raw("/RpcAgent/call_agent_func", entry(1, b"null") + entry(2, data) + entry(3, data))
        sweep.raw(
            "/RpcAgent/create_agent", entry(1, data) + entry(2, json.dumps({"class_name": odd}).encode())
        )
        call = pb.Call(call=f"c{os.urandom(4).hex()}", agent=pb.Agent(key=odd), method=odd)
        call.arguments.data = b"[[], {}]"
        answer = sweep.wire.attach(hello(), batch(pb.Frame(seq=1, call=call)), want=1)
        sweep.told += [answer.text, *(repr(frame) for frame in answer.frames)]
    stranger = RpcAgentClient(sweep.launcher.address, token=f"{sweep.launcher.token}x")
    sweep.fails(stranger.get_agent_list)


def calls_end(sweep: Sweep) -> None:
    slow = sweep.agent("remote_agents:Slow", "slow")
    message = slow(5)
    sweep.fails(lambda: message.result(0.05))
    message.cancel()
    sweep.fails(message.result)
    sweep.fails(lambda: RpcAgent("nobody", "nobody", connect=lambda: sweep.client.attachment)().result(10))


def a_run_shows(sweep: Sweep) -> None:
    run = Run("the run")
    with run, contextlib.suppress(Exception):
        sweep.agent("remote_agents:Failing", "failing")("ValueError", f"the key {KEY} was refused").result(10)
    for live in (True, False):
        view = run.view(live)
        sweep.told += [run_html(view), run_text(view), run.to_markdown(), run.traceback(), repr(view)]


WAYS = [agents_fail, models_fail, makers_fail, requests_fail, calls_end, a_run_shows]


@pytest.mark.parametrize("way", WAYS)
def test_no_failure_tells_a_secret(sweep: Sweep, way: Callable[[Sweep], None], capfd):
    heard: list[str] = []
    unsubscribe = events.subscribe(lambda event: heard.append(repr(event)))
    way(sweep)
    unsubscribe()
    out, err = capfd.readouterr()
    look(sweep, [*sweep.told, *heard, out, err])


def look(sweep: Sweep, shown: list[str]) -> None:
    """Look for the marks in what was shown, and in everything that lies about."""
    server = psutil.Process(sweep.launcher.connection.pid)
    folder = sweep.launcher.connection.path.parent
    files = {path: path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()}
    files.pop(sweep.launcher.connection.path)  # which is where the token lies
    about = sweep.client.get_agent_list()
    for one in about:  # a name is what its maker made it
        one["name"] = one["model_name"] = ""
    shown = [
        *shown,
        *files.values(),
        *("\0".join(one.cmdline()) for one in (server, *server.children(recursive=True))),
        Path(f"/proc/{server.pid}/environ").read_text(errors="replace"),
        json.dumps(about),
        json.dumps(sweep.client.get_server_info()),
        repr(
            [
                sweep.launcher,
                sweep.launcher.options,
                sweep.launcher.connection,
                sweep.client,
                sweep.client.attachment,
            ]
        ),
    ]
    for text in shown:
        assert MARK not in text, text[max(0, text.index(MARK) - 200) :][:400]
        assert sweep.launcher.token not in text
    log = sweep.launcher.connection.log.read_text()
    assert "\x1b" not in log
    assert not any(line.startswith("ERROR forged") for line in log.splitlines())


def test_there_were_enough_ways(sweep: Sweep):
    assert sweep.paths >= 60


def test_a_server_that_is_killed_leaves_no_secret(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        sweep = Sweep(launcher)
        sweep.client.set_model_configs(CONFIG)
        message = sweep.agent("remote_agents:Slow", "slow")(30)
        psutil.Process(launcher.connection.pid).kill()
        sweep.fails(lambda: message.result(20))
        for text in [*sweep.told, launcher.connection.log.read_text(errors="replace")]:
            assert MARK not in text
            assert launcher.token not in text
