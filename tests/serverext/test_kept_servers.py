"""Kernels of a Jupyter server share the agent servers that it keeps, which live and end with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbagents
from nbagents.exceptions import AgentServerError, ProtocolError, UsageError, VersionMismatchError
from nbagents.rpc._custody import Custodian
from nbagents.serverext._app import AgentsExtension
from nbagents.serverext._fleet import Fleet

pytestmark = [pytest.mark.posix, pytest.mark.notebook, pytest.mark.timeout(240)]
SLOW = "%%agent talker -m demo-long\nYou are a lecturer."
TALK = "%%agents talker\nGive your lecture."


def owners(jupyter: Any) -> list[str]:
    return [each["owner"] for each in jupyter.servers()]


def test_a_kernel_uses_the_server_of_its_jupyter(fresh: Any):
    jupyter = fresh
    kernel = jupyter.kernel()
    shown = kernel.load()
    assert re.search(
        r"server [0-9a-f]{8} \(pid \d+, survives a kernel restart, ends with Jupyter\)", shown
    ), shown
    kernel.run("%%agent poet\nYou write haiku.")
    kernel.run("%%agents poet\nhello")
    (about,) = jupyter.servers()
    assert (about["owner"], about["mine"], about["agents"], about["python"]) == (
        "jupyter", True, 1, os.sys.executable,
    )  # fmt: skip
    (agent,) = jupyter.api(f"servers/{about['id']}/agents").json
    assert (agent["name"], agent["messages"]) == ("poet", 2)
    assert agent["workspace"].endswith("one.ipynb")
    memory = jupyter.api(f"servers/{about['id']}/agents/{agent['id']}/memory").json
    assert [(message["name"], message["role"]) for message in memory] == [
        ("user", "user"),
        ("poet", "assistant"),
    ]


def test_agents_outlive_a_restart_of_the_kernel(fresh: Any):
    jupyter = fresh
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run("%%agent poet\nYou write haiku.")
    kernel.run("%%agents poet\nhello")
    (before,) = jupyter.servers()

    kernel.restart()
    shown = kernel.load()

    assert "1 agent is still alive: poet (2 messages)" in shown
    (after,) = jupyter.servers()
    assert (after["id"], after["pid"]) == (before["id"], before["pid"])


def test_two_notebooks_share_a_server_each_in_its_workspace(fresh: Any):
    jupyter = fresh
    one, two = jupyter.kernel("one.ipynb"), jupyter.kernel("two.ipynb")
    for kernel in (one, two):
        kernel.load()
        kernel.run("%%agent poet\nYou write haiku.")
    one.run("%%agents poet\nhello")

    (about,) = jupyter.servers()
    agents = jupyter.api(f"servers/{about['id']}/agents").json

    assert {(Path(agent["workspace"]).name, agent["messages"]) for agent in agents} == {
        ("one.ipynb", 2),
        ("two.ipynb", 0),
    }
    assert "two.ipynb" not in two.run("%agents")


def test_a_server_that_dies_is_started_again_by_jupyter(fresh: Any, wait_for: Callable[..., Any]):
    jupyter = fresh
    one, two = jupyter.kernel("one.ipynb"), jupyter.kernel("two.ipynb")
    for kernel in (one, two):
        kernel.load()
        kernel.run("%%agent poet\nYou write haiku.")
        kernel.run("%%agents poet\nhello")
    (before,) = jupyter.servers()

    os.kill(before["pid"], signal.SIGKILL)
    after = wait_for(
        lambda: [s for s in jupyter.servers() if s["state"] == "ready" and s["pid"] != before["pid"]]
    )

    assert [each["id"] for each in after] == [before["id"]]
    for kernel in (one, two):
        shown = kernel.run("%%agents poet\nand again")
        assert "✓ done" in shown, shown
        assert "poet remembers 2 messages" in shown
    agents = jupyter.api(f"servers/{before['id']}/agents").json
    assert [agent["messages"] for agent in agents] == [4, 4]
    assert [each["pid"] for each in jupyter.servers()] == [after[0]["pid"]], "nobody has started another one"


def test_a_server_that_dies_again_and_again_is_given_up_until_somebody_asks(
    fresh: Any, wait_for: Callable[..., Any]
):
    jupyter = fresh
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run("%%agent poet\nYou write haiku.")
    (before,) = jupyter.servers()
    killed: set[int] = set()

    def failed() -> bool:
        (about,) = jupyter.servers()
        if about["state"] == "ready" and about["pid"] not in killed:
            killed.add(about["pid"])
            os.kill(about["pid"], signal.SIGKILL)
        return about["state"] == "failed"

    wait_for(failed)
    assert len(killed) == 5
    refused = kernel.run("%%agents poet\nhello")
    assert "ServerFailedError" in refused or "died 5 times within 60 s" in refused, refused
    assert [each["state"] for each in jupyter.servers()] == ["failed"]

    kernel.run("%agents server start")
    assert "✓ done" in kernel.run("%%agents poet\nhello")
    (after,) = jupyter.servers()
    assert (after["id"], after["state"]) == (before["id"], "ready")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_servers_end_with_jupyter(
    make_jupyter: Callable[..., Any],
    is_running: Callable[[int], bool],
    wait_for: Callable[..., Any],
    how: int,
):
    jupyter = make_jupyter()
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run(SLOW)
    kernel.run(TALK, wait=False)
    (about,) = wait_for(lambda: [each for each in jupyter.servers() if each["calls"]])

    began = time.monotonic()
    os.kill(jupyter.process.pid, how)
    wait_for(lambda: not is_running(about["pid"]), 10)
    # An interrupt without a terminal ends Jupyter as it ends any program, which takes its time.
    assert time.monotonic() - began < (10 if how == signal.SIGINT else 3)

    jupyter.process.wait(20)
    own = "at-" if how == signal.SIGKILL else "none"  # who was killed could not clear away
    wait_for(lambda: [name for name in jupyter.leftovers() if not name.startswith(own)] == [], 8)


def test_what_a_killed_jupyter_leaves_the_next_one_removes(make_jupyter: Callable[..., Any], tmp_path: Path):
    one = make_jupyter()
    assert [name[:3] for name in one.leftovers()] == ["at-", "at-"]
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait(10)
    old = set(one.leftovers())
    assert old

    two = make_jupyter(JUPYTER_RUNTIME_DIR=str(one.runtime), XDG_RUNTIME_DIR=str(one.sockets))

    assert not old & set(one.leftovers())
    assert len(one.leftovers()) == 2
    assert two.process.poll() is None


def test_a_stopped_server_comes_back_empty_when_it_is_needed(fresh: Any):
    jupyter = fresh
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run("%%agent poet\nYou write haiku.")
    (before,) = jupyter.servers()
    assert jupyter.api(f"servers/{before['id']}", "DELETE").status == 200
    assert jupyter.servers() == []
    shown = kernel.run("%%agents poet\nhello")
    assert "✓ done" in shown, shown
    (after,) = jupyter.servers()
    assert after["id"] != before["id"]
    assert (after["owner"], after["mine"]) == ("jupyter", True)

    assert "has stopped" in kernel.run("%agents server stop")
    assert jupyter.servers() == []
    assert [name for name in jupyter.leftovers() if not name.startswith("at-")] == []


def test_running_calls_keep_jupyter_from_being_culled(fresh: Any, wait_for: Callable[..., Any]):
    jupyter = fresh
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run(SLOW)
    kernel.run(TALK, wait=False)
    (about,) = wait_for(lambda: [each for each in jupyter.servers() if each["calls"]])
    assert about["calls"] == 1

    def last() -> str:
        return jupyter.ask("api/status?no_track_activity=1").json["last_activity"]

    first = last()
    wait_for(lambda: last() > first, 15)


def test_running_calls_are_activity():
    """What Jupyter asks for before it ends for want of activity, which it does once a minute."""
    extension = AgentsExtension()
    extension.fleet = Fleet()
    assert not extension.current_activity()
    extension.fleet._calls = {"busy": 2, "idle": 0}
    assert extension.current_activity() == [{"server": "busy", "calls": 2}]


def test_a_page_that_only_looks_is_no_activity(fresh: Any, wait_for: Callable[..., Any]):
    jupyter = fresh
    jupyter.api("servers", "POST", {})

    def last() -> str:
        return jupyter.ask("api/status?no_track_activity=1").json["last_activity"]

    first, began = last(), time.monotonic()
    while time.monotonic() - began < 6:  # longer than the time between two looks
        jupyter.servers()
        time.sleep(0.2)
    assert last() == first


def test_each_interpreter_has_a_server_of_its_own(fresh: Any, tmp_path: Path):
    (place,) = (fresh.runtime / "nbagents").glob("at-*.json")
    door = Custodian.read(place)
    assert door is not None
    wish = {"want": "server", "version": nbagents.__version__, "again": True}
    other = next(path for path in Path(sys.executable).parent.glob("python3*") if str(path) != sys.executable)
    ids = [door.ask(wish | {"python": python}) for python in (sys.executable, str(other), sys.executable)]
    assert ids[0] == ids[2] != ids[1]
    assert {each["python"] for each in fresh.servers()} == {sys.executable, str(other)}

    for odd, error in (
        ({"version": "0.0.1"}, VersionMismatchError),
        ({"python": "python"}, UsageError),
        ({"python": str(tmp_path)}, UsageError),
        ({"python": shutil.which("false")}, AgentServerError),
        ({"python": None}, ProtocolError),
        ({"want": "everything"}, ProtocolError),
    ):
        with pytest.raises(error):
            door.ask(wish | {"python": sys.executable} | odd)
    assert len(fresh.servers()) == 2


# ------------------------------------------------------------------- where kernels find no Jupyter


def test_a_kernel_whose_jupyter_keeps_no_servers_shares_the_user_s(make_jupyter: Callable[..., Any]):
    jupyter = make_jupyter("--ServerApp.jpserver_extensions={'nbagents.serverext': False}")
    kernel = jupyter.kernel()
    assert "NBAGENTS_EXTENSION" not in kernel.run("import os; print(sorted(os.environ))")
    shown = kernel.load()
    assert "survives a kernel restart)" in shown, shown
    assert "user" in kernel.run("%agents server")
    kernel.run("%agents server stop")


@pytest.mark.parametrize("damage", ["gone", "no JSON"])
def test_without_the_file_it_is_the_same(make_jupyter: Callable[..., Any], damage: str):
    jupyter = make_jupyter()
    kernel = jupyter.kernel()
    path = Path(kernel.run("import os; print(os.environ['NBAGENTS_EXTENSION'])").strip())
    if damage == "gone":
        path.unlink()
    else:
        path.write_text("[" * 5000)
    shown = kernel.load()
    assert "survives a kernel restart)" in shown, shown
    assert owners(jupyter) == ["user"]
    kernel.run("%agents server stop")


def test_a_kernel_that_outlives_its_jupyter_leaves_no_server_behind(
    make_jupyter: Callable[..., Any], is_running: Callable[[int], bool], wait_for: Callable[..., Any]
):
    """It loses its server in the middle of its work, and goes on to ask for one."""
    jupyter = make_jupyter()
    kernel = jupyter.kernel()
    kernel.load()
    kernel.run("%%agent poet\nYou write haiku.")
    pid = kernel.pid
    (about,) = jupyter.servers()
    loop = (
        "import time\nwhile True:\n    try:\n        poet(None).content\n    except Exception:\n        pass"
    )
    kernel.run(loop, wait=False)
    os.kill(jupyter.process.pid, signal.SIGTERM)
    jupyter.process.wait(20)
    wait_for(lambda: not is_running(pid), 15)
    assert not is_running(about["pid"])
    assert jupyter.leftovers() == []
