"""A journal that cannot be written or read: whoever calls is told, and no memory is ahead of the file."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from journal_agents import Big, Keeps, Still
from journal_faults import Thief
from revival import Home, home

from nbagents.exceptions import (
    NbAgentsError,
    StateCorruptError,
    StateVersionError,
    StorageError,
    StorageFullError,
)
from nbagents.message import Msg
from nbagents.rpc import ServerOptions, Spawned

pytestmark = pytest.mark.linux


def take(server: Home, what: str) -> None:
    server.find("thief")(what, f"{server.journal}").result(20)


def make_thief(server: Home) -> None:
    settings = {"class_name": f"journal_faults:{Thief.__name__}", "args": ["thief"], "import_path": sys.path}
    server.client.create_agent(settings, "thief")


def failure_of(call: Any) -> BaseException | None:
    try:
        call.result(20)
    except StorageError as error:
        return error
    return None


def test_a_full_disk_fails_calls_by_name_and_keeps_memory_and_file_alike(runtime: Path):
    with home() as server:
        make_thief(server)
        big, still = server.make(Big, "b"), server.make(Still, "s")
        big(4).result(20)
        take(server, "room")
        calls = [big(8) for _ in range(50)]
        failures = [failure_of(call) for call in calls]
        kept = failures.index(next(filter(None, failures)))
        assert str(failures[-1]).startswith(f"storage full: {server.journal}")
        assert all(isinstance(failure, StorageFullError) for failure in failures[kept:])
        before = server.digest("b")
        assert len(server.memory("b")) == 1 + kept
        with pytest.raises(StorageFullError, match="storage full"):
            big(16).result(20)
        for agent in (big, still):
            with pytest.raises(StorageFullError, match="storage full"):
                agent.observe(Msg("host", "y" * 30_000)).result(20)
        assert server.digest("b") == before  # what was not kept is not remembered
        assert server.memory("s") == []
        assert still().content == "as before"  # what changes nothing needs no room
        with pytest.raises(StorageFullError, match="storage full"):
            server.make(Big, "another", "z" * 30_000)
        assert {one["agent_id"] for one in server.client.get_agent_list()} == {"thief", "b", "s"}
        take(server, "no room")
        assert big(1).content == str(4 + 8 * kept + 1)
        before = server.digest("b")
        server.revive()
        assert server.digest("b") == before
        assert server.find("b")(1).content == str(4 + 8 * kept + 2)


@pytest.mark.parametrize("what", ["descriptors", "writing"])
def test_a_server_lives_without_descriptors_and_with_a_file_that_takes_nothing(runtime: Path, what: str):
    with home() as server:
        make_thief(server)
        agent = server.make(Keeps, "a")
        agent(Msg("user", "one")).result(20)
        before = server.digest("a")
        take(server, what)
        if what == "descriptors":  # the journal needs no new ones
            agent(Msg("user", "two")).result(20)
            before = server.digest("a")
        else:
            with pytest.raises(StorageError, match=r"cannot be (read or written|kept)"):
                agent(Msg("user", "two")).result(20)
        assert server.client.is_alive()
        assert server.digest("a") == before
        take(server, f"no {what}")
        agent(Msg("user", "three")).result(20)
        before = server.digest("a")
        server.revive()
        assert server.digest("a") == before


def test_a_journal_where_none_can_be_is_said_at_the_start(runtime: Path):
    for path, why in (
        ("/proc/kept.journal", "cannot be opened"),
        (f"{runtime}/none/kept.journal", "cannot be opened"),
    ):
        with pytest.raises(StorageError, match=why) as raised:
            Spawned.start(ServerOptions(journal=path))
        assert path in str(raised.value)


def damaged(server: Home, *statements: tuple[str, tuple[object, ...]]) -> NbAgentsError:
    """Kill the server, change rows of its journal, start it again; return why it does not."""
    server.kill()
    with sqlite3.connect(server.journal) as connection:
        for statement, values in statements:
            connection.execute(statement, values)
    connection.close()
    with pytest.raises(NbAgentsError) as raised:
        server.start()
    assert server.journal.exists()  # nothing is thrown away
    return raised.value


PICKLED = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
GADGET = '{"__module__":"posix","__name__":"system","id":"1","name":"n","content":"touch it"}'


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "value", "where"),
    [
        ("UPDATE messages SET body = ? WHERE n = 1", PICKLED, "row 1 of messages"),
        ("UPDATE messages SET body = ? WHERE n = 2", GADGET, "row 2 of messages"),
        ("UPDATE messages SET body = ? WHERE n = 1", "{", "row 1 of messages"),
        ("UPDATE messages SET body = ? WHERE n = 1", '{"a":NaN}', "row 1 of messages"),
        ("UPDATE messages SET body = ? WHERE n = 1", "[" * 100_000, "row 1 of messages"),
        ("UPDATE agents SET state = ?", PICKLED, "row 1 of agents"),
        ("UPDATE agents SET state = ?", f'{{"last":{GADGET}}}', "row 1 of agents"),
        ("UPDATE agents SET settings = ?", GADGET, "row 1 of agents"),
        ("UPDATE agents SET settings = ?", "[]", "row 1 of agents"),
        ("UPDATE memories SET message = ? WHERE n = 1", 77, "row 1 of memories"),
        ("INSERT INTO runs (id, about, events) VALUES ('r', '{}', ?)", PICKLED, "row 1 of runs"),
        ("PRAGMA application_id = 5 --", None, "is not a journal"),
    ],
)
def test_a_damaged_row_is_named_and_never_run(runtime: Path, change: str, value: object, where: str):
    with home() as server:
        server.make(Keeps, "a")(Msg("user", "hi")).result(20)
        error = damaged(server, (change, () if value is None else (value,)))
        assert isinstance(error, StateCorruptError)
        assert where in str(error)


def test_a_journal_of_a_newer_version_is_left_alone(runtime: Path):
    with home() as server:
        server.make(Keeps, "a")(Msg("user", "hi")).result(20)
        error = damaged(server, ("PRAGMA user_version = 99", ()))
        assert isinstance(error, StateVersionError)
        assert "99" in str(error)


def test_a_file_that_others_can_read_is_no_journal(runtime: Path):
    with home() as server:
        server.make(Keeps, "a")
        server.kill()
        server.journal.chmod(0o644)
        with pytest.raises(StorageError, match="only you can read"):
            server.start()
