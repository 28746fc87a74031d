"""What services ask a database: the statements behind states, sessions and holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Double,
    Insert,
    String,
    Table,
    Text,
    bindparam,
    delete,
    extract,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from ._tables import locks, messages, sessions, states

__all__ = ["append", "forget", "get", "give", "load", "names", "save", "take"]

Owner = tuple[str, str]


def save(connection: Connection, owner: Owner, round_id: int | None, state: str) -> int:
    """Keep a state under its round, or the next; return that. Savers of one session wait for each other."""
    given = {"user_id": owner[0], "session_id": owner[1], "state": state}
    name = connection.dialect.name
    if name == "postgresql":  # SQLite lets one writer in at a time anyway
        connection.execute(_ALONE, {"whose": " ".join(owner)})
    if round_id is None:
        return int(connection.execute(_NEXT, given).scalar_one())
    connection.execute(_keep(name), given | {"round_id": round_id})
    return round_id


def load(connection: Connection, owner: Owner, round_id: int | None) -> Any:
    """Return the state of a round, or of the latest; None if there is none."""
    asked = select(states.c.state).where(states.c.user_id == owner[0], states.c.session_id == owner[1])
    if round_id is None:
        asked = asked.order_by(states.c.round_id.desc()).limit(1)
    else:
        asked = asked.where(states.c.round_id == round_id)
    return connection.execute(asked).scalar_one_or_none()


def get(connection: Connection, owner: Owner) -> list[Any]:
    """Return the messages of a session, which is made if it is not there."""
    connection.execute(_begun(connection.dialect.name), _session(owner, 0))
    mine = (messages.c.user_id == owner[0]) & (messages.c.session_id == owner[1])
    return list(connection.execute(select(messages.c.body).where(mine).order_by(messages.c.n)).scalars())


def append(connection: Connection, owner: Owner, texts: Sequence[str]) -> None:
    """Append messages to a session, which is made if it is not there. Writers wait for each other."""
    counted = _grown(connection.dialect.name)
    last = int(connection.execute(counted, _session(owner, len(texts))).scalar_one())
    first = last - len(texts) + 1
    rows = [
        {"user_id": owner[0], "session_id": owner[1], "n": n, "body": body}
        for n, body in enumerate(texts, first)
    ]
    connection.execute(messages.insert(), rows)


def forget(connection: Connection, owner: Owner) -> None:
    """Delete a session and its messages."""
    for table in (sessions, messages):  # the session first: who appends to it waits there
        connection.execute(delete(table).where(table.c.user_id == owner[0], table.c.session_id == owner[1]))


def names(connection: Connection, user: str) -> list[str]:
    """Return the ids of a user's sessions, the oldest first."""
    asked = select(sessions.c.session_id).where(sessions.c.user_id == user).order_by(sessions.c.n)
    return [str(name) for name in connection.execute(asked).scalars()]


def take(connection: Connection, owner: Owner, holder: str, seconds: float) -> bool:
    """Hold a session for so long by the database's clock, unless somebody else does."""
    given = {"user_id": owner[0], "session_id": owner[1], "holder": holder, "seconds": seconds}
    return connection.execute(_held(connection.dialect.name), given).first() is not None


def give(connection: Connection, owner: Owner, holder: str) -> None:
    """End a hold, if it is that one's."""
    mine = (locks.c.user_id == owner[0]) & (locks.c.session_id == owner[1]) & (locks.c.holder == holder)
    connection.execute(delete(locks).where(mine))


# ---- statements, which both databases know under the same names


def _session(owner: Owner, latest: int) -> dict[str, Any]:
    return {"user_id": owner[0], "session_id": owner[1], "latest": latest}


def _insert(dialect: str, table: Table) -> Any:
    made: Insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made


OWNER = ["user_id", "session_id"]


_ALONE = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("whose"), 0)))
_NEXT = (
    states.insert()
    .from_select(
        [column.name for column in states.c],
        select(
            bindparam("user_id", type_=String),
            bindparam("session_id", type_=String),
            func.coalesce(func.max(states.c.round_id), 0) + 1,
            bindparam("state", type_=Text),
        ).where(states.c.user_id == bindparam("user_id"), states.c.session_id == bindparam("session_id")),
    )
    .returning(states.c.round_id)
)


@cache
def _keep(dialect: str) -> Any:
    insert = _insert(dialect, states)
    return insert.on_conflict_do_update(
        index_elements=[*OWNER, "round_id"], set_={"state": insert.excluded.state}
    )


@cache
def _begun(dialect: str) -> Any:
    return _insert(dialect, sessions).on_conflict_do_nothing(index_elements=OWNER)


@cache
def _grown(dialect: str) -> Any:
    insert = _insert(dialect, sessions)
    latest = sessions.c.latest + insert.excluded.latest
    return insert.on_conflict_do_update(index_elements=OWNER, set_={"latest": latest}).returning(
        sessions.c.latest
    )


@cache
def _held(dialect: str) -> Any:
    if dialect == "postgresql":
        now: Any = extract("epoch", func.clock_timestamp())
    else:
        now = (func.julianday(literal("now")) - 2440587.5) * 86400.0
    insert = _insert(dialect, locks).values(
        user_id=bindparam("user_id"),
        session_id=bindparam("session_id"),
        holder=bindparam("holder"),
        until=now + bindparam("seconds", type_=Double),
    )
    free = (locks.c.holder == insert.excluded.holder) | (locks.c.until < now)
    new = {"holder": insert.excluded.holder, "until": insert.excluded.until}
    return insert.on_conflict_do_update(index_elements=OWNER, set_=new, where=free).returning(locks.c.holder)
