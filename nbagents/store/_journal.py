"""`Journal`: one SQLite file that holds what the agents of a server have become."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exceptions import StateCorruptError
from ._batch import Batch
from ._file import claim, opened, told, transaction
from ._schema import JOURNAL
from ._text import read_text

__all__ = ["AgentRow", "Journal"]

BUSY_SECONDS = 2.0
REFUSED = (
    "{path} is not a file that only you can read, and is not taken for a journal of agents: move it away"
)
MANY_DEAD = 50_000
"""Rows that nobody needs any more from which on the file is tidied up, once they are the majority."""
COLUMNS = "n, id, workspace, name, defined, color, settings, state, begins"
STATEMENTS = {
    "forgotten": "DELETE FROM agents WHERE n = ?",
    "agents": f"INSERT INTO agents ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
    "settings": "UPDATE agents SET settings = ? WHERE n = ?",
    "states": "UPDATE agents SET state = ? WHERE n = ?",
    "messages": "INSERT INTO messages (n, body) VALUES (?, ?)",
    "memories": "INSERT INTO memories (n, agent, message) VALUES (?, ?, ?)",
    "begins": "UPDATE agents SET begins = ? WHERE n = ?",
    "replies": "INSERT OR REPLACE INTO replies (key, reply) VALUES (?, ?)",
    "expired": "DELETE FROM replies WHERE key = ?",
    "configs": "INSERT OR REPLACE INTO configs (name, config) VALUES (?, ?)",
    "dropped": "DELETE FROM runs WHERE id = ?",
    "runs": "INSERT OR REPLACE INTO runs (id, about, events) VALUES (?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent as the journal holds it; ``settings`` is what was given, ``state`` plain data."""

    n: int
    agent_id: str
    workspace: str
    name: str
    defined: bool
    color: int
    settings: str
    state: dict[str, Any]
    begins: int


class Journal:
    """The file of one server. For one thread at a time; blocking, for some ten microseconds a batch.

    What `write` has returned from survives the end of the process by any means, ``kill -9`` included
    (write-ahead log). It is not forced to the disk each time: if the machine itself fails, the last
    batches may be lost, and the file stays whole. The file is its user's alone (0600), is locked while
    it is open, holds JSON and nothing else, and nothing in it is ever run.

    Raises:
        StorageError: it cannot be opened; `StorageFullError`: there is no room; `StateCorruptError`: it is
            damaged, or no journal; `StateVersionError`: a newer version wrote it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.is_new = False
        self.dead = self.live = 0
        """References to messages that nobody needs any more, and the others; counted by the caller."""
        with self._told():
            self.is_new = claim(self.path, REFUSED.format(path=self.path))
            try:
                self._connection = opened(self.path, JOURNAL, BUSY_SECONDS)
            except BaseException:
                if self.is_new:
                    self._unlink()
                raise
        try:
            self._agent, self._message, self._place = map(self._last, ("agents", "messages", "memories"))
        except BaseException:
            self.close()
            raise

    # ---- numbers for what is going to be written

    def new_agent(self) -> int:
        """Return the number of a new agent; never one that was another's."""
        self._agent += 1
        return self._agent

    def new_message(self) -> int:
        """Return the number of a new message."""
        self._message += 1
        return self._message

    def new_place(self) -> int:
        """Return the next place in the list of who remembers what."""
        self._place += 1
        return self._place

    @property
    def next_place(self) -> int:
        """Where a memory begins that is written from now on."""
        return self._place + 1

    # ---- writing

    def write(self, batch: Batch) -> None:
        """Write a batch in one transaction: all of it, or nothing.

        Raises:
            StorageError: it could not be written; `StorageFullError` where there is no room.
        """
        with self._told(), transaction(self._connection):
            for name, statement in STATEMENTS.items():
                if rows := getattr(batch, name):
                    self._connection.executemany(statement, rows)

    def tidy(self) -> bool:
        """Delete what nobody needs any more, if it is much; return whether message numbers may be gone.

        Raises:
            StorageError: it could not be written; nothing is changed then.
        """
        if self.dead < MANY_DEAD or self.dead < self.live:
            return False
        with self._told(), transaction(self._connection):
            self._connection.execute(
                "DELETE FROM memories WHERE NOT EXISTS"
                " (SELECT 1 FROM agents a WHERE a.n = memories.agent AND memories.n >= a.begins)"
            )
            self._connection.execute("DELETE FROM messages WHERE n NOT IN (SELECT message FROM memories)")
        self.dead = 0
        return True

    # ---- reading

    def agents(self) -> list[AgentRow]:
        """Return all agents, in the order of their creation.

        Raises:
            StateCorruptError: a row is damaged; the message names it.
        """
        found = []
        for row in self._rows(f"SELECT {COLUMNS} FROM agents ORDER BY n"):  # noqa: S608  # a constant of ours
            n, agent_id, workspace, name, defined, color, settings, state, begins = row
            if not all(isinstance(text, str) for text in (agent_id, workspace, name, settings)):
                raise self.corrupt("agents", n, "its id, workspace, name or settings are no text")
            if not isinstance(color, int) or not isinstance(begins, int):
                raise self.corrupt("agents", n, "its colour, or where its memory begins, is no number")
            become = self._object("agents", n, state)
            about = (agent_id, workspace, name, bool(defined), color)
            found.append(AgentRow(n, *about, settings, become, begins))
        return found

    def messages(self) -> Iterator[tuple[int, str]]:
        """Yield all messages by number, as they were given; raises as `agents` does."""
        for n, body in self._rows("SELECT n, body FROM messages ORDER BY n"):
            if not isinstance(body, str):
                raise self.corrupt("messages", n, f"{type(body).__name__} where JSON text is expected")
            yield n, body

    def memories(self) -> Iterator[tuple[int, int, int]]:
        """Yield who remembers what, the oldest first: place, agent, message; raises as `agents` does."""
        for row in self._rows("SELECT n, agent, message FROM memories ORDER BY n"):
            if not (isinstance(row[1], int) and isinstance(row[2], int)):
                raise self.corrupt("memories", row[0], "its agent or message is no number")
            yield row

    def configs(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the model configurations by name; raises as `agents` does."""
        rows = self._rows("SELECT name, config FROM configs ORDER BY rowid")
        return [(name, self._object("configs", name, config)) for name, config in rows]

    def runs(self) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
        """Yield the runs that are over, the oldest first: id, what is told of it, events; raises so too."""
        for n, run_id, about, events in self._rows("SELECT n, id, about, events FROM runs ORDER BY n"):
            told = self._object("runs", n, f'{{"events": {events}}}')
            if not isinstance(told["events"], list):
                raise self.corrupt("runs", n, "its events are no list")
            yield str(run_id), self._object("runs", n, about), told["events"]

    def reply_keys(self) -> list[str]:
        """Return the keys of the kept replies, the oldest first; raises as `agents` does."""
        return [str(key) for (key,) in self._rows("SELECT key FROM replies ORDER BY n")]

    def reply(self, key: str) -> str | None:
        """Return the kept reply of that key, as it was given; None if there is none."""
        for (reply,) in self._rows("SELECT reply FROM replies WHERE key = ?", key):
            if not isinstance(reply, str):
                raise self.corrupt("replies", key, f"{type(reply).__name__} where JSON text is expected")
            return reply
        return None

    def corrupt(self, table: str, n: object, why: str) -> StateCorruptError:
        """Return the error for a row that cannot be right."""
        return StateCorruptError(f"the journal {self.path} is damaged: row {n!r} of {table}: {why}")

    # ---- the end

    def close(self) -> None:
        """Close the file and leave it. Twice is fine."""
        self._connection.close()

    def remove(self) -> None:
        """Close and delete the file and what belongs to it. Twice is fine."""
        self.close()
        self._unlink()

    def _unlink(self) -> None:
        for end in ("-wal", "-shm", ""):
            with contextlib.suppress(OSError):
                Path(f"{self.path}{end}").unlink()

    def _last(self, table: str) -> int:
        with self._told():
            found = self._connection.execute(f"SELECT max(n) FROM {table}").fetchone()[0]  # noqa: S608  # ours
        return found if isinstance(found, int) else 0

    def _object(self, table: str, n: object, text: object) -> dict[str, Any]:
        try:
            tree = read_text(text)
            if not isinstance(tree, dict):
                raise ValueError("no JSON object")
        except ValueError as error:
            raise self.corrupt(table, n, str(error)[:200]) from None
        return tree

    def _rows(self, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
        with self._told():
            # Not `yield from`: a reader that stops half-way would close the cursor, maybe after the file.
            for row in self._connection.execute(query, values):  # noqa: UP028
                yield row

    def _told(self) -> AbstractContextManager[None]:
        return told(self.path, JOURNAL)
