"""What is special about services in a database: addresses, files, versions, and processes that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from service_places import sql_place

from nbagents.exceptions import StateCorruptError, StateVersionError, StorageError, UsageError
from nbagents.services import Session, SQLSessionHistoryService, SQLStateService

LONG = bool(os.environ.get("NBAGENTS_LONG"))
SECRET = "s3cr3t-pass"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:{}@db.example.com/x",
        "postgres://u:{}@10.1.2.3/x?sslmode=prefer",
        "postgresql+psycopg://u:{}@db.example.com/x?sslmode=require",
        "postgresql://u:{}@/x?host=db.example.com",
        "postgresql://u:{}@localhost/x?hostaddr=10.1.2.3",
        "postgresql://u:{}@/x?host=localhost,db.example.com",
        "postgresql://u:{}@/x?service=far",
        "postgresql://localhost.example.com/x?password={}",
    ],
)
def test_another_machine_is_reached_by_tls_alone(url):
    with pytest.raises(UsageError, match="another machine") as caught:
        SQLStateService(url.format(SECRET))
    assert "sslmode=verify-full" in caught.value.hint
    assert SECRET not in str(caught.value) + str(caught.value.__context__)
    open_ = SQLStateService(url.format(SECRET), insecure=True)
    assert SECRET not in repr(open_)
    secure = url.format(SECRET).partition("?")[0] + "?sslmode=verify-full"
    if "service" not in url:
        assert SECRET not in repr(SQLStateService(secure))


def test_the_address_of_the_surroundings_counts_too(monkeypatch):
    SQLStateService("postgresql:///x")
    monkeypatch.setenv("PGHOST", "db.example.com")
    with pytest.raises(UsageError, match=r"db\.example\.com is another machine"):
        SQLStateService("postgresql:///x")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    SQLStateService("postgresql:///x")


@pytest.mark.parametrize("url", ["mysql://u:{}@localhost/x", "postgresql://u:{}@localhost:none/x", "://{}"])
def test_other_addresses_are_refused_without_showing_passwords(url):
    with pytest.raises(UsageError) as caught:
        SQLStateService(url.format(SECRET))
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_passwords_and_states_are_in_no_error(tmp_path):
    async def main():
        service = SQLStateService(f"postgresql://u:{SECRET}@127.0.0.1:1/x")
        assert SECRET not in repr(service)
        with pytest.raises(StorageError, match=r"postgresql://127\.0\.0\.1:1/x cannot be reached") as caught:
            await service.start()
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert await service.health() is False
        async with SQLStateService(tmp_path / "a.db") as service:
            with sqlite3.connect(tmp_path / "a.db") as other:
                other.execute("DROP TABLE nbagents_states")
            other.close()
            with pytest.raises(StorageError, match="no such table") as caught:
                await service.save_state("ann", {"key": SECRET})
            assert SECRET not in str(caught.value)

    asyncio.run(main())


@pytest.mark.posix
def test_the_file_is_its_users_alone(tmp_path):
    async def main():
        async with SQLStateService(tmp_path / "a.db") as service:
            await service.save_state("ann", {})
            modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            assert modes == {0o600}
        async with SQLStateService(f"sqlite:///{tmp_path / 'a.db'}") as service:
            assert await service.export_state("ann") == {}
        with pytest.raises(StorageError, match="cannot be opened"):
            await SQLStateService(tmp_path / "no" / "a.db").start()
        (tmp_path / "text.db").write_text(
            "no database at all, but a text that is long enough for a header" * 9
        )
        with pytest.raises(StateCorruptError, match="no database"):
            await SQLStateService(tmp_path / "text.db").start()
        async with SQLStateService("sqlite://") as service:
            assert await service.save_state("ann", {}) == 1

    asyncio.run(main())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return sql_place("sqlite", f"sqlite:///{tmp_path / 'services.db'}")
    return sql_place("postgresql", request.getfixturevalue("database"))


def test_a_newer_version_is_refused_and_an_older_one_is_migrated(place, monkeypatch):
    from nbagents.services import _tables

    async def open_():
        async with place.state() as service:
            return await service.export_state("ann", "versions")

    async def main():
        async with place.state() as service:
            await service.save_state("ann", {"n": 1}, "versions")
        place.plant("UPDATE nbagents_schema SET version = 7, needs = '9.5'")
        with pytest.raises(StateVersionError, match=r"version 7 .* knows 1: it needs nbagents >= 9\.5"):
            await open_()
        place.plant("UPDATE nbagents_schema SET version = 0")
        with pytest.raises(StateCorruptError, match="does not tell a version"):
            await open_()
        place.plant("UPDATE nbagents_schema SET version = 1")
        steps = []

        def fails(connection):
            connection.exec_driver_sql("UPDATE nbagents_states SET state = 'lost'")
            raise ZeroDivisionError

        monkeypatch.setattr(_tables, "VERSION", 3)
        monkeypatch.setattr(_tables, "STEPS", {1: lambda _: steps.append(1), 2: fails})
        with pytest.raises(ZeroDivisionError):
            await open_()
        monkeypatch.setitem(
            _tables.STEPS,
            2,
            lambda connection: connection.exec_driver_sql(
                "ALTER TABLE nbagents_states ADD COLUMN more INTEGER"
            ),
        )
        assert await open_() == {"n": 1}
        assert await open_() == {"n": 1}
        assert steps == [1, 1]
        place.plant("ALTER TABLE nbagents_states DROP COLUMN more")
        place.plant("UPDATE nbagents_schema SET version = 1")

    asyncio.run(main())


def test_two_may_make_the_tables_at_once(place):
    async def main():
        services = [place.state() for _ in range(3)]
        await asyncio.gather(*(service.start() for service in services))
        for service in services:
            assert await service.health()
            await service.stop()

    asyncio.run(main())


# -------------------------------------------------------------------------------- killed processes

WRITER = """
import asyncio, json, sys
from nbagents.services import *

kind, url, user = sys.argv[1:4]
make = {
    "sql": lambda: (SQLStateService(url), SQLSessionHistoryService(url)),
    "redis": lambda: (RedisStateService(prefix=url), RedisSessionHistoryService(prefix=url)),
}
async def main():
    states, history = make[kind]()
    async with states, history:
        session = Session("s", user)
        n = len((await history.get_session(user, "s")).messages) // 2
        print("ready", flush=True)
        while True:
            n += 1
            await states.save_state(user, {"n": n, "filling": "x" * 2000}, "s")
            await history.append_message(session, [{"n": n}, {"n": n, "again": "x" * 500}])
            print(n, flush=True)
asyncio.run(main())
"""


def killed_while_writing(kind: str, url: str, user: str, chance: random.Random) -> int:
    """Let a process write, kill it at a random instant; return what it has acknowledged last."""
    command = [sys.executable, "-c", WRITER, kind, url, user]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for _ in range(chance.randrange(1, 40)):
            writer.stdout.readline()
        chance.random() < 0.5 and os.sched_yield()
        writer.send_signal(signal.SIGKILL)
        told = writer.stdout.read()
    return max([0, *(int(line) for line in told.splitlines(keepends=True) if line.endswith("\n"))])


@pytest.mark.posix
@pytest.mark.timeout(900 if LONG else 120)
@pytest.mark.parametrize(
    "kind",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("redis", marks=pytest.mark.redis),
    ],
)
def test_a_killed_writer_loses_nothing_that_was_acknowledged(kind, request, tmp_path, place_of):
    place, argument = place_of(kind)
    chance = random.Random(7)

    async def look(least: int):
        async with place.state() as states, place.history() as history:
            state = await states.export_state("ann", "s")
            said = [message["n"] for message in (await history.get_session("ann", "s")).messages]
        assert state["n"] >= least
        assert said == [n for turn in range(1, len(said) // 2 + 1) for n in (turn, turn)]
        assert len(said) // 2 >= least
        assert state["n"] - len(said) // 2 in (0, 1)
        return state["n"]

    known = 0
    for _ in range(200 if LONG else 4):
        told = killed_while_writing("redis" if kind == "redis" else "sql", argument, "ann", chance)
        known = asyncio.run(look(max(told, known)))
    assert known > 4
    if kind == "sqlite":
        with sqlite3.connect(tmp_path / "killed.db") as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        file.close()


@pytest.fixture
def place_of(request, tmp_path: Path):
    from service_places import redis_place

    def found(kind: str):
        if kind == "redis":
            prefix = request.getfixturevalue("prefix")
            return redis_place(prefix), prefix
        url = (
            request.getfixturevalue("database")
            if kind == "postgresql"
            else f"sqlite:///{tmp_path / 'killed.db'}"
        )
        return sql_place(kind, url), url

    return found


def test_what_a_statement_is_made_of_never_comes_from_outside(tmp_path):
    """A state whose keys look like SQL is data."""
    hostile = {"x') UNION SELECT 1--": {"$ne": 1}, "'; DROP TABLE nbagents_states;--": "?:u %(x)s"}

    async def main():
        url = tmp_path / "a.db"
        async with SQLStateService(url) as states, SQLSessionHistoryService(url) as history:
            await states.save_state("ann", hostile)
            await history.append_message(Session("s", "ann"), hostile)
            assert await states.export_state("ann") == hostile
            assert (await history.get_session("ann", "s")).messages == [hostile]
            assert json.loads(json.dumps(hostile)) == hostile

    asyncio.run(main())


@pytest.mark.posix
def test_a_file_that_others_can_write_is_refused(tmp_path):
    path = tmp_path / "services.db"

    async def main():
        async with SQLStateService(path) as service:
            await service.save_state("ann", {"n": 1})
        path.chmod(0o666)
        with pytest.raises(StorageError, match="not a file that only you can write"):
            async with SQLStateService(path):
                pass

    asyncio.run(main())
