"""The journal as a file: what is written is there, whenever its writer ends."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbagents.exceptions import StateCorruptError, StorageError
from nbagents.store import Batch, Journal, read_text, write_text

LONG = [pytest.mark.long, pytest.mark.timeout(600)]
MANY = 200 if os.environ.get("NBAGENTS_LONG") else 30
WRITER = """
import sys
from nbagents.store import Batch, Journal
journal = Journal(sys.argv[1])
if journal.is_new:
    journal.write(Batch(agents=[(journal.new_agent(), "a", "", "a", True, 0, "{}", '{"n":0}', 1)]))
print("ready", flush=True)
count = int(journal.agents()[0].state["n"])
while True:
    batch = Batch()
    for _ in range(3):
        count += 1
        number = journal.new_message()
        batch.messages.append((number, '{"number":%d,"text":"%s"}' % (count, "x" * (count % 700))))
        batch.memories.append((journal.new_place(), 1, number))
    batch.states.append(('{"n":%d}' % count, 1))
    journal.write(batch)
    print(count, flush=True)
"""


@pytest.mark.posix
@pytest.mark.parametrize("rounds", [8, pytest.param(MANY, marks=LONG)])
def test_what_was_acknowledged_survives_the_death_of_the_writer(tmp_path: Path, rounds: int):
    path, chance = tmp_path / "j", random.Random(7)
    told = 0
    for _ in range(rounds):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            deadline = time.monotonic() + chance.random() * 0.05
            for line in writer.stdout:
                told = int(line)
                if time.monotonic() > deadline:
                    writer.kill()
                    break
            told = int([str(told), *writer.stdout.read().split("\n")[:-1]][-1])
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        journal = Journal(path)
        count = journal.agents()[0].state["n"]
        bodies = dict(journal.messages())
        numbers = [read_text(bodies[message])["number"] for _, _, message in journal.memories()]
        journal.close()
        assert count >= told
        assert numbers == list(range(1, count + 1))  # each once, in order, and no batch in part


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path):
    journal = Journal(tmp_path / "j")
    journal.write(Batch(messages=[(1, "{}")]))
    with pytest.raises(StorageError):
        journal.write(Batch(messages=[(2, "{}"), (1, "{}")]))
    assert [n for n, _ in journal.messages()] == [1]
    journal.write(Batch(messages=[(2, "{}")]))
    assert [n for n, _ in journal.messages()] == [1, 2]
    journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_forgotten_is_deleted_once_it_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nbagents.store._journal.MANY_DEAD", 3)
    journal = Journal(tmp_path / "j")
    agents = [(n, str(n), "", "", True, 0, "{}", "{}", 1) for n in (1, 2)]
    journal.write(
        Batch(
            agents=agents,
            messages=[(n, "{}") for n in range(1, 6)],
            memories=[(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 3), (5, 2, 4)],
        )
    )
    journal.write(Batch(begins=[(6, 1)], memories=[(6, 1, 5)]))
    journal.dead, journal.live = 2, 3
    assert not journal.tidy()
    journal.dead = 3
    assert journal.tidy()
    assert list(journal.memories()) == [(4, 2, 3), (5, 2, 4), (6, 1, 5)]
    assert [n for n, _ in journal.messages()] == [3, 4, 5]
    journal.close()


@pytest.mark.posix
def test_only_its_user_can_read_it(tmp_path: Path):
    before = os.umask(0)
    try:
        journal = Journal(tmp_path / "j")
        journal.write(Batch(messages=[(1, "{}")]))
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
            "j": 0o600,
            "j-wal": 0o600,
        }
        journal.close()
    finally:
        os.umask(before)
    (tmp_path / "link").symlink_to(tmp_path / "j")
    with pytest.raises(StorageError, match="only you can read"):
        Journal(tmp_path / "link")


def test_what_is_no_journal_is_left_as_it_is(tmp_path: Path):
    path = tmp_path / "j"
    path.write_bytes(b"no database, but long enough to be read as one" * 100)
    path.chmod(0o600)
    with pytest.raises(StateCorruptError, match="damaged"):
        Journal(path)
    assert path.read_bytes().startswith(b"no database")


def test_text_is_strict_and_takes_any_string():
    odd = {"half": "\ud800", "none": None, "deep": [[1.5, "ü\x00"]]}
    assert read_text(write_text(odd)) == odd
    for bad in ("NaN", "[1e999]", "{", b"[]", "[" * 100_000):
        with pytest.raises(ValueError, match=r".+"):
            read_text(bad)
