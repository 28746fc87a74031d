"""What a session's agents remember after their server has died."""

from __future__ import annotations

import os
import signal
import time

from nbagents.message import Msg
from nbagents.rpc import connections
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
