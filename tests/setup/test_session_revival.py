"""What a session's agents remember after their server has died."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

import pytest

from nbagents.exceptions import StateCorruptError
from nbagents.message import Msg
from nbagents.rpc import connections, damaged_journals
from nbagents.rpc._places import journal_path
from nbagents.setup import Session

POET = "You are a poet. You write four short lines about what you are asked."


def kill() -> None:
    (server,) = connections()
    os.kill(server.pid, signal.SIGKILL)
    limit = time.monotonic() + 5
    while server.is_alive() and time.monotonic() < limit:
        time.sleep(0.01)


def test_an_agent_remembers_and_the_notice_says_so():
    session = Session("/w/one.ipynb", headless=True)
    poet = session.define("poet", POET, model="demo").agent
    assert poet(Msg("user", "rain")).content
    before = [m.content for m in session.memory("poet")]
    server_id = session.status().server_id
    kill()
    assert [m.content for m in session.memory("poet")] == before
    assert session.notices == ["the agent server had died and was started again: poet remembers 2 messages"]
    assert poet("sun").content, "its model has its key again"
    assert session.status().server_id == server_id
    assert [info.messages for info in session.agents()] == [4]
    session.close()


def test_the_next_kernel_finds_what_a_dead_shared_server_knew():
    first = Session("/w/one.ipynb", headless=True, owner="user")
    poet = first.define("poet", POET, model="demo").agent
    assert poet(Msg("user", "rain")).content
    kill()
    second = Session("/w/one.ipynb", headless=True, owner="user")
    assert [(info.name, info.messages) for info in second.revive()] == [("poet", 2)]
    assert second.notices == []
    assert poet("sun").content, "the first kernel's proxy is still good"
    assert first.notices == ["the agent server had died and was started again: poet remembers 2 messages"]
    for session in (first, second):
        session.close()


def test_a_damaged_journal_is_set_aside_and_stands_in_nobodys_way():
    first = Session("/w/one.ipynb", headless=True, owner="user")
    first.define("poet", POET, model="demo")
    (server,) = connections()
    kill()
    journal = journal_path(server.server_id)
    with sqlite3.connect(journal) as connection:
        connection.execute("UPDATE agents SET settings = '[]'")
    connection.close()
    second = Session("/w/one.ipynb", headless=True, owner="user")
    with pytest.raises(StateCorruptError) as raised:
        second.server.ensure()
    (aside,) = damaged_journals()
    assert f"the journal {journal} is damaged: row 1 of agents" in str(raised.value)
    assert f"It is kept as {aside}; the next start, %agents server start, begins afresh" in str(raised.value)
    assert not journal.exists()
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT name FROM agents").fetchall() == [("poet",)]
    connection.close()
    second.server.ensure()
    assert second.agents() == []
    assert second.define("poet", POET, model="demo").agent("sun").content
    second.server_stop()
    assert aside.exists(), "it is for its user to throw away"
    aside.unlink()
    for session in (first, second):
        session.close()
