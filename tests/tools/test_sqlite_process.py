"""SQLite is asked in a process of its own, for the schema too, and nothing of it is left behind."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from nbagents.tools import Database

HOOKED = """\
import sys
def refuse(event, args):
    if event == "sqlite3.connect":
        raise SystemExit("a file was opened in this process")
sys.addaudithook(refuse)
from nbagents.tools import Database
shop = Database("sqlite:///" + sys.argv[1])
print(shop.schema().content)
print(shop.query("SELECT count(*) AS n FROM sales").content)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        made.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, city INTEGER REFERENCES cities (id))")
        made.execute("CREATE VIEW few AS SELECT * FROM sales LIMIT 1")
        made.execute("INSERT INTO sales VALUES (1, 1)")
        made.commit()
    return path


def children() -> set[str]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= set((task / "children").read_text().split())
    return found


def test_nothing_of_a_file_is_opened_in_this_process(shop: Path) -> None:
    command = [sys.executable, "-c", HOOKED, str(shop)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "SQLite: 2 tables, 1 view" in done.stdout
    assert "city INTEGER, -> cities.id" in done.stdout
    assert "sales (1 row)" in done.stdout
    assert "[{'n': 1}]" in done.stdout


def test_a_schema_that_takes_too_long_is_ended_and_leaves_no_process(shop: Path) -> None:
    before = children()
    with closing(sqlite3.connect(shop, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        answer = Database(f"sqlite:///{shop}", seconds=0.5).schema()
        assert time.monotonic() - began < 20
    assert "locked" in answer.content or "longer than 0.5 s" in answer.content
    assert children() <= before
    assert "2 tables" in Database(f"sqlite:///{shop}").schema().content
    assert children() <= before


@pytest.mark.parametrize("what", ["text", "folder", "nothing"])
def test_what_is_no_database_is_said_and_leaves_no_process(tmp_path: Path, what: str) -> None:
    place, before = tmp_path / "odd.db", children()
    if what == "text":
        place.write_text("This is a letter, and no database at all. " * 100)
    elif what == "folder":
        place.mkdir()
    database = Database(f"sqlite:///{place}")
    for answer in (database.schema(), database.query("SELECT 1 FROM sqlite_master")):
        wanted = "file is not a database" if what == "text" else "there is no SQLite database at that place"
        assert wanted in answer.content
    assert children() <= before
