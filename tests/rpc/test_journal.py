"""A server that is killed comes back with its agents and what they remember."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from journal_agents import Awaits, Editor, Keeps, Short, Still, Tells
from revival import home

from nbagents.agents import settled
from nbagents.exceptions import AgentCallError
from nbagents.hub import msghub
from nbagents.message import Msg
from nbagents.rpc import RpcAgentClient, RunTeller
from nbagents.rpc._limits import MAX_RUNS
from nbagents.runs import Run


def test_agents_come_back_with_what_they_remember_and_have_become(runtime: Path):
    with home() as server:
        agent = server.make(Keeps, "a")
        for number in range(3):
            agent(Msg("user", f"line {number} – ünï"))
        assert agent().content == "a says 4"
        before = server.digest("a")
        server.revive()
        assert server.digest("a") == before
        assert len(server.memory("a")) == 7
        assert server.find("a")().content == "a says 5"


def test_a_server_that_ends_as_it_should_leaves_no_journal(runtime: Path):
    with home() as server:
        server.make(Keeps, "a")(Msg("user", "hi")).result(20)
        assert server.journal.exists()
        assert server.journal.stat().st_mode & 0o777 == 0o600
        server.client.stop()
        server.server.wait(10)
        assert list(server.journal.parent.glob("kept*")) == []


def test_an_agent_whose_memory_is_awaited_comes_back_without_what_only_it_can_read(runtime: Path):
    with home() as server:
        agent = server.make(Awaits, "w")
        agent.observe(Msg("user", "one")).result(20)
        assert agent(Msg("user", "two")).content == "1, 2 heard"
        with pytest.raises(AgentCallError, match="memory that only it can read"):
            server.memory("w")
        assert server.client.get_agent_list()[0]["messages"] == 0
        server.revive()
        assert server.find("w")(Msg("user", "three")).content == "2, 1 heard"


@pytest.mark.long
def test_agents_of_a_workspace_are_found_by_their_names_again(runtime: Path):
    with home() as server:
        settings = {
            "class_name": "DialogAgent",
            "args": ["poet"],
            "kwargs": {"sys_prompt": "Rhyme.", "model_config_name": "demo"},
        }
        made = server.client.define_agent("book.ipynb", "poet", settings)
        server.client.define_agent("book.ipynb", "critic", settings | {"args": ["critic"]})
        server.find(made["agent_id"])("Write about rain.").result(20)
        changed = settings | {"kwargs": settings["kwargs"] | {"sys_prompt": "Do not rhyme."}}
        assert server.client.define_agent("book.ipynb", "poet", changed)["change"] == "updated"
        server.revive()
        listed = {one["name"]: one for one in server.client.get_agent_list()}
        assert [listed[name]["color"] for name in ("poet", "critic")] == [0, 1]
        assert listed["poet"]["sys_prompt"] == "Do not rhyme."
        again = server.client.define_agent("book.ipynb", "poet", changed)
        assert (again["change"], again["agent_id"], again["messages"]) == ("unchanged", made["agent_id"], 2)


def test_what_was_deleted_stays_deleted_and_clones_come_back(runtime: Path):
    with home() as server:
        for name in ("a", "b"):
            server.make(Keeps, name)(Msg("user", "hi")).result(20)
        clone = server.client.clone_agent("a")
        server.client.delete_agent("b")
        server.revive()
        assert {one["agent_id"] for one in server.client.get_agent_list()} == {"a", clone}
        assert server.memory(clone) == []


def test_what_agents_observed_comes_back(runtime: Path):
    with home() as server:
        agents = [server.make(Still, f"s{number}") for number in range(5)]
        with msghub(agents, announcement=Msg("host", "welcome")):
            agents[0](Msg("user", "hi"))
        for agent in agents:
            settled(agent).result(20)
        before = [server.memory(agent.agent_id) for agent in agents]
        server.revive()
        assert [server.memory(agent.agent_id) for agent in agents] == before
        assert [message["content"] for message in before[1]] == ["welcome", "as before"]


@pytest.mark.long
def test_what_was_forgotten_or_edited_comes_back_so(runtime: Path):
    with home() as server:
        agent = server.make(Editor, "e")
        for how in ("one", "two", "three", "first", "bytes", "four", "edit"):
            agent(how).result(20)
        before = server.memory("e")
        assert [message["content"] for message in before] == ["two", "three", {"raw": b"\x01\x02"}, "edited"]
        server.revive()
        assert server.memory("e") == before
        server.find("e")("clear").result(20)
        server.revive()
        assert server.memory("e") == []


def test_what_a_failed_reply_remembered_comes_back_too(runtime: Path):
    with home() as server:
        with pytest.raises(ValueError, match="as asked"):
            server.make(Editor, "e")("fail").result(20)
        server.revive()
        assert [message["content"] for message in server.memory("e")] == ["before it failed"]


def test_a_message_that_cannot_be_held_is_left_out_alone(runtime: Path):
    with home() as server:
        agent = server.make(Editor, "e")
        for how in ("one", "unfit", "two"):
            agent(how).result(20)
        assert "is not kept" in server.server.log.read_text("utf-8")
        server.revive()
        assert [message["content"] for message in server.memory("e")] == ["one", "two"]


@pytest.mark.long
def test_agents_that_tell_in_their_own_way_come_back_in_it(runtime: Path):
    with home() as server:
        tells, short = server.make(Tells, "t"), server.make(Short, "s")
        for number in range(4):
            tells(Msg("user", str(number))), short(Msg("user", str(number)))
        tells.observe(Msg("host", "heard"))
        assert (tells().content, short().content) == ("5", "4")
        server.revive()
        assert (server.find("t")().content, server.find("s")().content) == ("6", "2")
        assert [message["content"] for message in server.memory("t")] == ["0", "1", "2", "3", "heard"]


def test_nothing_is_written_where_nothing_has_changed(runtime: Path):
    with home() as server:
        agent = server.make(Still, "s")
        agent().result(20)
        files = lambda: [path.stat().st_size for path in sorted(server.journal.parent.glob("kept.journal*"))]  # noqa: E731
        before, contents = files(), server.contents()
        for _ in range(20):
            agent(Msg("user", "hi")).result(20)
        assert (files(), server.contents()) == (before, contents)


@pytest.mark.long
def test_an_agent_whose_class_is_gone_is_listed_as_lost_and_found_once_it_is_back(runtime: Path):
    module = runtime / "fleeting.py"
    module.write_text("from journal_agents import Keeps\nclass Fleeting(Keeps): pass\n")
    import sys

    settings = {"class_name": "fleeting:Fleeting", "args": ["f"], "import_path": [str(runtime), *sys.path]}
    with home() as server:
        server.client.create_agent(settings, "f")
        server.find("f")(Msg("user", "hi")).result(20)
        server.make(Keeps, "a")
        source, before = module.read_text(), server.digest("f")
        module.unlink()
        server.revive()
        assert [one["agent_id"] for one in server.client.get_agent_list()] == ["a"]
        (lost,) = server.client.get_server_info()["lost"]
        assert lost["agent_id"] == "f"
        assert "fleeting" in lost["why"]
        module.write_text(source)
        server.client.create_agent(settings, "f")
        assert server.digest("f") == before
        server.revive()
        assert (server.digest("f"), server.client.get_server_info()["lost"]) == (before, [])


@pytest.mark.parametrize(("agents", "messages"), [(20, 50), pytest.param(200, 500, marks=pytest.mark.long)])
def test_many_agents_come_back_in_time_and_to_the_byte(runtime: Path, agents: int, messages: int):
    with home() as server:
        names = [f"k{number}" for number in range(agents)]
        made = [server.make(Keeps, name) for name in names]
        last = [None] * agents
        for number in range(messages // 2):
            last = [agent(Msg("user", f"line {number}")) for agent in made]
        for placeholder in last:
            placeholder.result(50)
        before = [server.digest(name) for name in names]
        server.kill()
        begin = time.monotonic()
        server.start()
        taken = time.monotonic() - begin
        assert [server.digest(name) for name in names] == before
        assert len(server.memory(names[-1])) == messages
        assert taken < 6  # three seconds and what a busy machine adds


def test_another_server_cannot_take_a_journal_that_is_in_use(runtime: Path):
    from nbagents.exceptions import StorageError
    from nbagents.rpc import Spawned

    with home() as server:
        agent = server.make(Keeps, "a")
        with pytest.raises(StorageError, match="in use by another server"):
            Spawned.start(replace(server.options, server_id="another"))
        assert agent(Msg("user", "hi")).result(20).content == "a says 1"
        assert isinstance(server.client, RpcAgentClient)


def test_a_class_that_was_written_in_a_cell_comes_back_with_its_agents(runtime: Path):
    text = (
        "class Poet(AgentBase):\n    async def reply(self, x=None):\n        self.memory.add(x)\n"
        "        return str(self.memory.size())\n"
    )
    source = {
        "target": "Poet",
        "parts": [{"name": "Poet", "text": text, "file": "cell [1]", "line": 1, "flags": 0}],
        "imports": [["AgentBase", "nbagents.agents", "AgentBase"]],
        "constants": {},
        "aliases": {},
        "home": "",
    }
    settings = {"class_name": "Poet", "args": ["p"], "kwargs": {}}
    with home() as server:
        server.client._ask(
            "create_agent",
            agent_id="p",
            agent_init_args=json.dumps(settings).encode(),
            agent_source_code=json.dumps(source).encode(),
        )
        assert server.find("p")(Msg("user", "hi")).content == "1"
        server.revive()
        assert server.find("p")(Msg("user", "again")).content == "2"


def test_runs_that_are_over_are_known_after_a_crash(runtime: Path):
    with home() as server:
        agent = server.make(Keeps, "a")

        def ran(title: str) -> Run:
            with Run(title, prompt="Go.", teller=RunTeller("/w", lambda: server.client.attachment)) as run:
                run.tell("Go.")
                run.section("pass 1 of 1")
                agent(Msg("user", "hi")).result(20)
            limit = time.monotonic() + 20
            while server.client.runs("/w")[-1]["state"] == "running":  # its end is told without waiting
                assert time.monotonic() < limit
            return run

        first = ran("before")
        known, told = server.client.runs("/w"), server.client.run_events(first.id)
        number = known[-1]["number"]
        server.revive()
        (again,) = server.client.runs("/w")
        assert again == {**known[-1], "here": False, "elapsed": pytest.approx(known[-1]["elapsed"])}
        assert server.client.run_events(first.id) == told
        replay = Run.replay(again, told)
        assert [message.content for message in replay.messages] == ["a says 1"]
        agent = server.find("a")
        second = ran("after")
        assert server.client.runs("/w")[-1]["number"] == second.number > number
        for _ in range(MAX_RUNS - 1):  # the first one is not kept any more
            ran("more")
        server.revive()
        kept = server.client.runs("/w")
        assert len(kept) == MAX_RUNS
        assert kept[0]["run"] == second.id


def test_a_journal_of_the_version_without_runs_is_taken_over(runtime: Path):
    with home() as server:
        server.make(Keeps, "a")(Msg("user", "hi")).result(20)
        server.kill()
        server.rows("DROP TABLE runs")
        server.rows("PRAGMA user_version = 1")
        server.start()
        assert len(server.memory("a")) == 2
        assert server.client.runs() == []
        server.kill()
        assert server.rows("SELECT count(*) FROM runs") == [(0,)]
