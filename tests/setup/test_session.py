"""Sessions: agents by name, in a workspace, in a server that comes up, dies and is revived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pydantic
import pytest

import nbagents
from nbagents import asking, setup
from nbagents.config import model_configs
from nbagents.exceptions import (
    AgentNotFoundError,
    AgentServerError,
    AgentServerNotAliveError,
    UsageError,
)
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, connections
from nbagents.setup import Session, open_session


class Vote(pydantic.BaseModel):
    points: int


POET = "You are a poet. You write four short lines about what you are asked."


@pytest.fixture
def session():
    opened = Session("/w/one.ipynb", headless=True)
    yield opened
    opened.close()


# ---------------------------------------------------------------------------- agents


def test_an_agent_is_made_kept_updated_and_emptied(session):
    made = session.define("poet", POET, model="demo")
    assert (made.change, made.kept, made.color) == ("created", 0, 0)
    assert isinstance(made.agent, RpcAgent)
    assert made.choice.label == "demo"
    assert made.agent(Msg("user", "rain")).content
    again = session.define("poet", POET, model="demo")
    assert (again.change, again.kept) == ("unchanged", 2)
    assert again.agent is made.agent
    updated = session.define("poet", POET + " No title.", model="demo")
    assert (updated.change, updated.kept) == ("updated", 2)
    assert updated.agent is made.agent
    fresh = session.define("poet", POET + " No title.", model="demo", fresh=True)
    assert (fresh.change, fresh.kept) == ("updated", 0)
    other = session.define("critic", "You are a critic.", model="demo")
    assert (other.change, other.color) == ("created", 1)
    assert session.names() == ["poet", "critic"]
    assert [session.color(name) for name in ("poet", "critic", "nobody")] == [0, 1, None]


def test_what_is_known_of_an_agent(session):
    session.define("poet", POET, model="demo")
    session.find("poet")(Msg("user", "rain"))
    assert [m.name for m in session.memory("poet")] == ["user", "poet"]
    (info,) = session.agents()
    assert (info.name, info.workspace, info.kind) == ("poet", "/w/one.ipynb", "DialogAgent")
    assert (info.messages, info.color, info.sys_prompt) == (2, 0, POET)
    assert info.model.startswith("demo")
    assert not info.busy


def test_somebody_unknown_is_named_with_a_guess(session):
    with pytest.raises(AgentNotFoundError, match=r"no agent called 'poet'\.   Define one: %%agent poet"):
        session.find("poet")
    session.define("poet", POET, model="demo")
    with pytest.raises(AgentNotFoundError, match=r"'peot'\. Did you mean 'poet'\?   Known: poet"):
        session.find("peot")


def test_a_person_lives_in_the_server_too(session):
    made = session.define("me", "", kind="user")
    assert (made.change, made.choice, session.color("me")) == ("created", None, None)
    assert session.define("me", "", kind="user").change == "unchanged"
    assert session.define("me", "Keep it?", kind="user").change == "updated"
    assert session.find("me") is made.agent
    asked = []

    def answer(question):
        asked.append((question.prompt, question.kind, question.said))
        return "3"

    with asking.answering(answer):
        reply = made.agent("Well?", schema=Vote)
        assert (reply.content, reply.metadata) == ("3", {"points": 3})
    assert asked[0] == ("Keep it?", "turn", "user: Well?")
    assert [m.name for m in session.memory("me")] == ["user", "me"]
    session.delete("me")
    with pytest.raises(
        UsageError, match="kind 'wizard' is not available in this version; kinds: chat, react, user"
    ):
        session.define("merlin", "", kind="wizard")


def test_a_deleted_agent_is_gone(session):
    poet = session.define("poet", POET, model="demo").agent
    session.delete("poet")
    assert session.agents() == []
    with pytest.raises(AgentNotFoundError):
        session.find("poet")
    with pytest.raises(AgentNotFoundError, match="poet does not live in the agent server"):
        poet("x").result(10)


def test_each_workspace_has_its_own_poet():
    one, two = (Session(place, headless=True, owner="user") for place in ("/w/one.ipynb", "/w/two.ipynb"))
    first = one.define("poet", POET, model="demo").agent
    second = two.define("poet", "You are another poet.", model="demo").agent
    assert len(connections()) == 1
    assert first.agent_id != second.agent_id
    assert first("rain").content
    assert [one.agents()[0].messages, two.agents()[0].messages] == [2, 0]
    assert {info.workspace for info in one.agents(everywhere=True)} == {"/w/one.ipynb", "/w/two.ipynb"}
    one.delete("poet")
    assert [two.names(), len(two.agents())] == [["poet"], 1]
    for opened in (one, two):
        opened.close()


def test_options_of_the_model_reach_it(session):
    session.define("poet", POET, model="demo", generate_args={"temperature": 0.1})
    assert (
        session.define("poet", POET, model="demo", generate_args={"temperature": 0.1}).change == "unchanged"
    )
    assert session.define("poet", POET, model="demo", generate_args={"temperature": 0.2}).change == "updated"


def test_the_default_model_of_a_session(session):
    session.configure(model="demo-slow")
    assert session.choose().label == "demo-slow"
    assert session.choose("demo").label == "demo"
    with pytest.raises(UsageError, match="knows no colour; it knows: model"):
        session.configure(colour="red")


# ---------------------------------------------------------------------------- the server


def test_the_server_comes_up_in_the_background(session, wait_for):
    seen = []
    session.on_status(lambda status: seen.append(status.state))
    session.on_status(lambda status: 1 / 0)  # a listener that fails harms nobody
    begin = time.monotonic()
    session.start(session.choose("demo"))
    assert time.monotonic() - begin < 0.2
    assert session.status().state == "starting"
    wait_for(lambda: session.status().state == "ready")
    assert set(seen) == {"starting", "ready"}
    status = session.status()
    assert (status.owner, status.found) == ("process", False)
    assert [s["server_id"] for s in session.server_list() if s["mine"]] == [status.server_id]
    session.close()
    assert session.status().state == "stopped"
    assert connections() == []


def test_many_threads_start_one_server(session):
    threads = [threading.Thread(target=session.server.ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(connections()) == 1


def test_a_server_that_was_stopped_stays_so_until_it_is_needed(session):
    poet = session.define("poet", POET, model="demo").agent
    session.server_stop()
    session.server_stop()
    assert session.status().state == "stopped"
    assert connections() == []
    assert session.names() == []
    with pytest.raises(AgentServerNotAliveError, match="was stopped, and its agents with it"):
        poet("x").result(10)
    assert session.define("poet", POET, model="demo").change == "created"
    assert session.status().state == "ready"


def test_a_server_that_cannot_start_says_why(session, monkeypatch: pytest.MonkeyPatch, wait_for):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    session.start()
    wait_for(lambda: session.status().state == "failed")
    assert "ended at its start" in session.status().error
    with pytest.raises(AgentServerError, match="ended at its start"):
        session.define("poet", POET, model="demo")
    monkeypatch.undo()


def test_the_doctor_looks_at_everything(session):
    found = session.doctor()
    assert {finding.mark for finding in found} <= {"✓", "✗", "·"}
    assert any("agent server" in finding.text and finding.mark == "✓" for finding in found)
    assert any("model in use" in finding.text for finding in found)
    assert any(finding.text.startswith("sandbox") for finding in found)


# ---------------------------------------------------------------------------- death and revival


def test_a_killed_server_is_revived_and_says_so(session):
    poet = session.define("poet", POET, model="demo").agent
    critic = session.define("critic", "You are a critic.", model="demo").agent
    ids = [poet.agent_id, critic.agent_id]
    assert poet("rain").content
    slow = session.define("slow", POET, model="demo-slow").agent("a long one")
    os.kill(session.status().pid, signal.SIGKILL)
    with pytest.raises(AgentServerNotAliveError, match="is gone: it was killed by signal 9"):
        slow.result(10)
    replies = [poet("sun"), critic("sun")]  # the very next calls work
    assert all(reply.content for reply in replies)
    assert [poet.agent_id, critic.agent_id] == ids
    assert [m.name for m in session.memory("poet")] == ["user", "poet", "user", "poet"]
    assert session.notices == [
        "the agent server had died and was started again:"
        " poet remembers 2 messages; critic remembers 0 messages; slow remembers 0 messages"
    ]
    assert [info.color for info in session.agents()] == [0, 1, 2]
    assert len(connections()) == 1


def kill_and_wait() -> None:
    (server,) = connections()
    os.kill(server.pid, signal.SIGKILL)
    limit = time.monotonic() + 5
    while server.is_alive() and time.monotonic() < limit:
        time.sleep(0.01)


def test_a_server_killed_between_cells_is_revived(session):
    session.define("poet", POET, model="demo")
    kill_and_wait()
    assert session.find("poet")("rain").content
    assert len(session.notices) == 1


def test_an_agent_that_another_process_made_comes_back_too():
    maker, user = (Session("/w/one.ipynb", headless=True, owner="user") for _ in range(2))
    maker.define("poet", POET, model="demo")
    assert user.find("poet")("rain").content
    kill_and_wait()
    assert user.find("poet")("rain").content
    assert user.notices == ["the agent server had died and was started again: poet remembers 2 messages"]
    assert maker.find("poet")("rain").content
    for opened in (maker, user):
        opened.close()


KERNEL = """
import json, sys
from nbagents.setup import open_session
session = open_session("/w/one.ipynb", headless=True, owner="user")
alive = [info.name for info in session.revive()]
poet = session.find("poet") if alive else session.define("poet", sys.argv[1], model="demo").agent
before = [m.name for m in session.memory("poet")]
said = poet("rain").content
print(json.dumps([alive, before, said, session.status().found]))
"""


def kernel() -> list:
    run = subprocess.run([sys.executable, "-c", KERNEL, POET], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return json.loads(run.stdout.splitlines()[-1])  # before it, what the poet said


def test_agents_outlive_the_kernel():
    alive, before, first, found = kernel()
    assert (alive, before, found) == ([], [], False)
    alive, before, second, found = kernel()
    assert (alive, before, found) == (["poet"], ["user", "poet"], True)
    (server,) = connections()
    (about,) = RpcAgentClient(server.address).get_agent_list()
    memory = RpcAgentClient(server.address).get_agent_memory(about["agent_id"])
    assert [m.content for m in memory] == ["rain", first, "rain", second]


# ---------------------------------------------------------------------------- this process's session


@pytest.fixture
def closed():
    yield
    setup.close_session()
    model_configs.clear()


@pytest.mark.usefixtures("closed")
def test_agents_in_a_script(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBAGENTS_MODEL", "demo")
    poet = nbagents.agent("poet", POET)
    assert poet("rain").content
    assert nbagents.agent("poet") is poet
    assert setup.session().workspace == os.getcwd()
    setup.close_session()
    assert connections() == []


@pytest.mark.usefixtures("closed")
def test_agents_of_an_earlier_session_can_still_be_called():
    first = open_session("/w/one.ipynb", headless=True)
    poet = first.define("poet", "You are a poet.", model="demo-fast").agent
    second = open_session("/w/two.ipynb", headless=True)
    assert setup.session() is second
    assert "demo" in poet("Who are you?").content
    setup.close_session()
    assert connections() == []


@pytest.mark.usefixtures("closed")
def test_init_loads_model_configurations(tmp_path):
    nbagents.init([{"config_name": "a", "model_type": "openai_chat", "model_name": "m"}])
    nbagents.init({"config_name": "b", "model_type": "openai_chat", "model_name": "m"})
    (tmp_path / "c.json").write_text('[{"config_name": "c", "model_type": "openai_chat", "model_name": "m"}]')
    nbagents.init(str(tmp_path / "c.json"))
    nbagents.init()
    assert model_configs.names() == ["a", "b", "c"]
    with pytest.raises(UsageError, match="cannot read"):
        nbagents.init(str(tmp_path / "nowhere.json"))


@pytest.mark.usefixtures("closed")
def test_an_agent_is_changed_after_the_calls_that_were_made_before():
    session = open_session("/w/one.ipynb", headless=True)
    poet = session.define("poet", "You are a poet.", model="demo-slow").agent
    first, second = poet("Write about rain."), poet("Write about snow.")
    assert session.define("poet", "You are a critic.", model="demo-slow", fresh=True).change == "updated"
    first.result(20)
    second.result(20)
    assert session.memory("poet") == []  # emptied after both, not between a question and its answer
