"""The audit of tools: what is in it, that it only grows, and that what it cannot take does not run."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time

import pytest

from nbagents.exceptions import StateCorruptError, StorageError
from nbagents.store import AuditLog, AuditRow, audit_path
from nbagents.tools import Toolkit, audit_calls, audit_log, effects

from .approvers import somebody, yes

SECRET = "sk-proj-0123456789abcdefgh"


@pytest.fixture
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    yield audit_path()
    audit_log().close()


def writer(**options):
    done = []

    @effects("write")
    def write_note(name: str) -> str:
        """Write a note."""
        done.append(name)
        return "written"

    @effects("read")
    def read_note(name: str) -> str:
        """Read a note."""
        done.append(name)
        return "a note"

    toolkit = Toolkit(**options)
    for function in (write_note, read_note):
        toolkit.register_tool_function(function)
    return toolkit, done


def call(toolkit, tool="write_note", given="a"):
    block = {"type": "tool_use", "id": "c1", "name": tool, "input": {"name": given}}
    return toolkit.call_tool_function(block).result(20)


def test_it_tells_who_allowed_what_and_what_came_of_it(place):
    toolkit, _ = writer()
    call(toolkit, "read_note")
    call(toolkit)
    with somebody(yes, lambda opened: opened.give("no")):
        call(toolkit)
        call(toolkit)
    call(writer(approve="auto")[0], given=f"key {SECRET}")
    found = audit_calls()
    assert [(row.tool, row.decision, row.state) for row in found] == [
        ("write_note", "policy", "done"),
        ("write_note", "denied", "denied"),
        ("write_note", "person", "done"),
        ("write_note", "headless", "denied"),
        ("read_note", "policy", "done"),
    ]
    assert found[0].size == len("written")
    assert found[0].effects == "write"
    assert len(found[0].arguments) == 64
    assert "sk-…efgh" in found[0].short
    assert SECRET.encode() not in place.read_bytes()
    assert audit_log().verify() == ""
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def filled(place, rows=3):
    log = AuditLog(place)
    for n in range(rows):
        log.append(AuditRow(float(n), tool=f"tool {n}"))
    return log


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE calls SET tool = 'other' WHERE n = 2", "row 2 is not what was written"),
        ("UPDATE calls SET decision = 'person' WHERE n = 3", "row 3 is not what was written"),
        ("DELETE FROM calls WHERE n = 2", "row 2 is missing"),
        ("DELETE FROM calls WHERE n = 3", "the last 1 rows are missing"),
        ("DELETE FROM calls", "the last 3 rows are missing"),
        ("UPDATE calls SET n = n + 10", "row 1 is missing"),
    ],
)
def test_a_change_is_refused_and_one_that_gets_through_shows(place, change, found):
    log = filled(place)
    with sqlite3.connect(place) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="it only grows"):
            connection.execute(change)
        connection.execute("DROP TRIGGER calls_stay")
        connection.execute("DROP TRIGGER calls_are_kept")
        connection.execute(change)
    connection.close()
    assert found in log.verify()
    log.close()


WRITES = """
from nbagents.store import AuditLog, AuditRow, audit_path
log = AuditLog(audit_path())
for n in range(50):
    log.append(AuditRow(float(n), tool="many"))
"""


def test_several_processes_write_at_once(place):
    programs = [subprocess.Popen([sys.executable, "-c", WRITES], env=os.environ) for _ in range(3)]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    log = AuditLog(place)
    assert len(log.rows()) == 150
    assert log.verify() == ""
    log.close()


def test_what_cannot_be_written_down_is_not_called_but_for_reading(place):
    place.write_text("this is no audit, and has quite some text in it" * 100)
    place.chmod(0o600)
    toolkit, done = writer(approve="auto")
    answer = call(toolkit)
    assert answer.text.startswith("Error: write_note was not allowed: its call cannot be written down (")
    assert str(place) in answer.text
    assert call(toolkit, "read_note").text == "a note"
    assert done == ["a"]


def test_with_a_full_disk_nothing_is_written_unseen(place, monkeypatch):
    toolkit, done = writer(approve="auto")
    call(toolkit)
    log = audit_log()
    log._opened().execute("PRAGMA max_page_count = 1")
    for _ in range(200):
        answer = call(toolkit)
    assert "storage full" in answer.text
    assert "make room there" in answer.text
    written = len(done)
    assert call(toolkit).is_error
    assert len(done) == written
    with_state = [row for row in audit_calls(most=1000) if row.decision == "policy"]
    assert len(with_state) >= written


def test_the_log_is_taken_from_nobody_else(place):
    place.write_text("")
    place.chmod(0o644)
    with pytest.raises(StorageError, match="not a file that only you can read"):
        AuditLog(place).append(AuditRow())
    place.unlink()
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    place.chmod(0o600)
    with pytest.raises(StateCorruptError, match="not an audit"):
        AuditLog(place).append(AuditRow())


def test_one_that_was_never_written_is_empty_and_whole(tmp_path):
    log = AuditLog(tmp_path / "none.sqlite")
    assert (log.rows(), log.verify()) == ([], "")
    assert not log.path.exists()


def test_writing_is_quick(place):
    log = filled(place, 10)
    began = time.monotonic()
    for _ in range(50):
        log.append(AuditRow())
    assert (time.monotonic() - began) / 50 < 0.1
    log.close()
