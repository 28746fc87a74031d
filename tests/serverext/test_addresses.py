"""Who may ask what at the addresses of the extension, and what comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbagents.rpc import RpcAgentClient, RpcAgentServerLauncher, connections
from nbagents.serverext._fleet import Fleet
from nbagents.serverext._routes import routes

pytestmark = [pytest.mark.posix, pytest.mark.timeout(180)]
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
FORM = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
SECRETS = re.compile(r"Traceback|\.py\b|unix:|/tmp/|File \"")


def addresses(server_id: str = "nobody") -> list[str]:
    """Every address that the extension has, and one that it has not."""
    found = []
    for pattern, _, _ in routes(Fleet()):
        path = pattern.removeprefix("/nbagents/api/").replace("([^/]+)", server_id, 1)
        found.append(path.replace("([^/]+)", "some").replace(".*", "what/is/this"))
    return found


def verbs_and_addresses() -> list[tuple[str, str]]:
    return [(verb, address) for address in addresses() for verb in VERBS]


@pytest.fixture
def server(jupyter: Any) -> dict[str, Any]:
    """The server of Jupyter's own interpreter."""
    answer = jupyter.api("servers", "POST", {})
    assert answer.status == 200, answer.text
    return answer.json


def is_error(answer: Any, kind: str) -> bool:
    told = answer.json
    assert set(told) == {"error"}
    assert set(told["error"]) == {"type", "message", "hint"}
    assert not SECRETS.search(answer.text), answer.text
    assert told["error"]["type"] == kind, answer.text
    return True


def connection_of(jupyter: Any, server: dict[str, Any]) -> dict[str, Any]:
    return json.loads((jupyter.runtime / "nbagents" / f"{server['id']}.json").read_text())


# ------------------------------------------------------------------------------------ who may ask


@pytest.mark.parametrize(("verb", "address"), verbs_and_addresses())
def test_nobody_gets_in_without_a_login(jupyter: Any, verb: str, address: str):
    for headers in ({}, {"Authorization": "token wrong"}, {"Authorization": f"Bearer {'0' * 32}"}):
        answer = jupyter.api(address, verb, {} if verb in CHANGES else None, who="nobody", headers=headers)
        assert answer.status in (401, 403), (verb, address, answer)
        assert verb == "HEAD" or is_error(answer, "AuthenticationError")


@pytest.mark.parametrize(("verb", "address"), verbs_and_addresses())
def test_a_cookie_alone_does_nothing(jupyter: Any, verb: str, address: str):
    jupyter.log_in()
    answer = jupyter.api(address, verb, {} if verb in CHANGES else None, who="cookie")
    assert answer.status in ((403, 405) if verb == "HEAD" else (403,)), (verb, address, answer)


def test_a_page_that_sends_its_cookie_s_value_gets_in(jupyter: Any):
    xsrf = jupyter.log_in()
    before = jupyter.servers()
    assert jupyter.api("servers", "POST", {}, who="cookie").status == 403
    assert jupyter.servers() == before, "and nothing was started"
    assert jupyter.api("servers", "POST", {}, who="cookie", headers={"X-XSRFToken": "wrong"}).status == 403
    headers = {"X-XSRFToken": xsrf}
    assert jupyter.api("servers", "POST", {}, who="cookie", headers=headers).status == 200
    assert jupyter.api("servers", who="cookie", headers=headers).status == 200
    own = {"Referer": f"http://127.0.0.1:{jupyter.port}/lab", "Host": f"127.0.0.1:{jupyter.port}"}
    assert jupyter.api("servers", who="cookie", headers=own).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Content-Type": "text/plain"},
        {"Origin": "null", "Content-Type": "text/plain"},
        {"Origin": "http://127.0.0.1.evil.example", "Content-Type": "application/json"},
        {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"},
        {"Referer": "http://evil.example/", "Content-Type": "multipart/form-data; boundary=x"},
        {"Host": "rebind.evil"},
    ],
)
def test_other_sites_change_and_read_nothing(jupyter: Any, server: dict[str, Any], headers: dict[str, str]):
    jupyter.log_in()
    for verb, address in (
        ("POST", "servers"),
        ("DELETE", f"servers/{server['id']}"),
        ("POST", f"servers/{server['id']}/restart"),
        ("GET", "servers"),
        ("GET", f"servers/{server['id']}/log"),
    ):
        raw = b'{"x": 1}' if verb == "POST" else None
        answer = jupyter.api(address, verb, who="cookie", headers=headers, raw=raw)
        assert answer.status in (400, 403, 404), (verb, address, answer)
        assert server["id"] not in answer.text
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert [each["pid"] for each in jupyter.servers()] == [server["pid"]]


def test_who_may_not_is_refused(make_jupyter: Callable[..., Any], tmp_path: Path):
    (tmp_path / "readers.py").write_text(
        "from jupyter_server.auth import Authorizer\n"
        "class Readers(Authorizer):\n"
        "    def is_authorized(self, handler, user, action, resource):\n"
        "        return resource != 'nbagents' or action == 'read'\n"
    )
    jupyter = make_jupyter("--ServerApp.authorizer_class=readers.Readers", PYTHONPATH=str(tmp_path))
    assert jupyter.servers() == []
    for verb in sorted(CHANGES):
        for address in addresses():
            answer = jupyter.api(address, verb, {})
            assert answer.status == 403, (verb, address, answer)
            assert is_error(answer, "AuthenticationError")
    assert jupyter.servers() == []


def test_jupyter_finds_no_door_without_a_guard(jupyter: Any):
    """It was started so that it warns of each address that has none."""
    assert "nbagents.serverext | extension was successfully loaded" in jupyter.log
    warned = re.findall(r"JupyterServerAuthWarning.*\n(?:- .*\n)+", jupyter.log)
    assert not [text for text in warned if "nbagents" in text], warned


# ------------------------------------------------------------------------------------ what they say


def test_a_server_is_started_told_of_and_stopped(jupyter: Any, is_running: Callable[[int], bool]):
    started = jupyter.api("servers", "POST", {}).json
    assert set(started) >= {
        "id", "owner", "pid", "version", "python", "state", "agents", "calls", "questions", "mine", "foreign",
    }  # fmt: skip
    assert started["owner"] == "jupyter"
    assert started["state"] == "ready"
    assert started["mine"] is True
    assert started["foreign"] is False
    assert is_running(started["pid"])
    assert jupyter.api("servers", "POST", {}).json["pid"] == started["pid"], "there is one"
    assert [each["id"] for each in jupyter.servers()] == [started["id"]]
    assert jupyter.api(f"servers/{started['id']}").json["pid"] == started["pid"]

    assert jupyter.api(f"servers/{started['id']}", "DELETE").status == 200

    assert not is_running(started["pid"])
    assert jupyter.servers() == []
    assert [name for name in jupyter.leftovers() if not name.startswith("at-")] == []
    again = jupyter.api("servers", "POST", {}).json
    assert again["id"] != started["id"]


def test_a_restart_keeps_the_agents(jupyter: Any, server: dict[str, Any], is_running: Callable[[int], bool]):
    known = connection_of(jupyter, server)
    client = RpcAgentClient(known["address"], token=known["token"])
    settings = {"class_name": "DialogAgent", "args": ["poet"], "kwargs": {"sys_prompt": "x"}}
    client.create_agent(settings, "poet-1")

    answer = jupyter.api(f"servers/{server['id']}/restart", "POST", {})

    assert answer.status == 200, answer.text
    assert answer.json["id"] == server["id"]
    assert answer.json["pid"] != server["pid"]
    assert not is_running(server["pid"])
    agents = jupyter.api(f"servers/{server['id']}/agents").json
    assert [agent["id"] for agent in agents] == ["poet-1"]
    assert agents[0]["name"] == "poet"
    assert jupyter.api(f"servers/{server['id']}/agents/poet-1/memory").json == []


def test_what_is_not_there_is_said(jupyter: Any, server: dict[str, Any]):
    for address in addresses():
        if not address.startswith("servers/nobody"):
            continue
        verb = "POST" if address.endswith(("restart", "stop", "answer", "shown")) else "GET"
        body = {} if verb == "POST" else None
        answer = jupyter.api(address, verb, body)
        assert answer.status == 404, (address, answer)
        assert is_error(answer, "AgentServerNotAliveError")
    here = f"servers/{server['id']}"
    for agent in ("nobody", "..%2f..%2fetc", "%00", "%0d%0aX:%20y", "a" * 3000, "%E2%80%AE"):
        answer = jupyter.api(f"{here}/agents/{agent}/memory")
        assert answer.status == 404, (agent, answer)
        assert is_error(answer, "AgentNotFoundError")
    for odd in ("servers/..%2f..%2fetc%2fpasswd", "servers/%00", "servers/%0d%0aX:y/log"):
        answer = jupyter.api(odd)
        assert answer.status == 404, (odd, answer)
        assert "X" not in answer.headers
        assert is_error(answer, "AgentServerNotAliveError")
    assert is_error(jupyter.api("what/is/this"), "UsageError")


def test_a_body_that_is_no_object_of_ours_is_refused(jupyter: Any, server: dict[str, Any]):
    address = f"servers/{server['id']}/restart"
    for raw, kind, status in (
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (FORM, "multipart/form-data; boundary=x", 415),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"python": "/bin/sh"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', "application/json", 413),
    ):
        answer = jupyter.api(address, "POST", raw=raw, headers={"Content-Type": kind})
        assert answer.status == status, (raw[:40], kind, answer)
        assert is_error(answer, "MessageTooLargeError" if status == 413 else "UsageError")
    assert [each["pid"] for each in jupyter.servers()] == [server["pid"]]


def test_the_end_of_the_log_is_told(jupyter: Any, server: dict[str, Any]):
    path = jupyter.runtime / "nbagents" / f"{server['id']}.log"
    token = connection_of(jupyter, server)["token"]
    path.write_text(
        "".join(f"line {number}\n" for number in range(300)) + f"sk-0123456789abcdef9f2c {token}\n"
    )
    lines = jupyter.api(f"servers/{server['id']}/log?lines=3").json["lines"]
    assert lines[:2] == ["line 298", "line 299"]
    assert len(lines) == 3
    assert "0123456789abcdef" not in lines[2]
    assert token not in lines[2]
    assert len(jupyter.api(f"servers/{server['id']}/log").json["lines"]) == 200
    assert jupyter.api(f"servers/{server['id']}/log?lines=0").json["lines"] == []
    for odd in ("-1", "x", "1e3", "99999999", "%00"):
        assert jupyter.api(f"servers/{server['id']}/log?lines={odd}").status == 400


def test_what_is_answered_is_neither_guessed_nor_kept(jupyter: Any, server: dict[str, Any]):
    answer = jupyter.api("servers")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    token = connection_of(jupyter, server)["token"]
    assert token not in answer.text


def test_a_frozen_server_is_shown_as_one_and_can_be_stopped(
    jupyter: Any, server: dict[str, Any], is_running: Callable[[int], bool]
):
    os.kill(server["pid"], signal.SIGSTOP)
    while psutil.Process(server["pid"]).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)  # on a busy machine it stands still a little later
    began = time.monotonic()
    (about,) = jupyter.servers()
    assert about["state"] == "silent"
    answer = jupyter.api(f"servers/{server['id']}/agents")
    assert answer.status == 503, answer
    assert is_error(answer, "AgentServerNotAliveError")
    assert jupyter.api(f"servers/{server['id']}", "DELETE").status == 200
    assert not is_running(server["pid"])
    assert time.monotonic() - began < 20
    assert jupyter.servers() == []


def test_servers_that_others_keep_are_shown_and_can_be_stopped(
    jupyter: Any, monkeypatch: pytest.MonkeyPatch, is_running: Callable[[int], bool]
):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(jupyter.runtime))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(jupyter.sockets))
    with RpcAgentServerLauncher(server_id="scripts") as launcher:
        (known,) = [each for each in connections() if each.server_id == "scripts"]
        (about,) = [each for each in jupyter.servers() if each["id"] == "scripts"]
        assert (about["mine"], about["owner"], about["state"]) == (False, "process", "ready")
        refused = jupyter.api("servers/scripts/restart", "POST", {})
        assert refused.status == 400
        assert is_error(refused, "UsageError")
        assert jupyter.api("servers/scripts", "DELETE").status == 200
        assert not is_running(known.pid)
        assert "scripts" not in [each["id"] for each in jupyter.servers()]
        launcher.shutdown()


def test_a_server_on_another_machine_is_shown_and_left_alone(jupyter: Any, server: dict[str, Any]):
    about = connection_of(jupyter, server) | {
        "server_id": "far",
        "host": "elsewhere",
        "pid": 1,
    }
    path = jupyter.runtime / "nbagents" / "far.json"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(about, file)
    (far,) = [each for each in jupyter.servers() if each["id"] == "far"]
    assert (far["foreign"], far["mine"], far["state"]) == (True, False, "foreign")
    assert jupyter.api("servers/far", "DELETE").status == 400
    assert jupyter.api("servers/far/agents").status == 400
    assert path.exists()
    path.unlink()
