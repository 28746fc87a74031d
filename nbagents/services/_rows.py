"""What services ask a database: the statements behind states, sessions and holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

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

from ._plain_sql import Plain
from ._tables import locks, messages, sessions, states

__all__ = ["append", "forget", "get", "give", "load", "names", "save", "take"]

Owner = tuple[str, str]
Asked = Connection | Plain
Function = TypeVar("Function", bound=Callable[..., Any])


def alone(function: Function) -> Function:
    """Mark what asks SQLite one statement, which is a transaction by itself."""
    function.is_alone = True  # type: ignore[attr-defined]
    return function


@alone
def save(connection: Asked, owner: Owner, round_id: int | None, state: str) -> int:
    """Keep a state under its round, or the next; return that. Savers of one session wait for each other."""
    given = {"user_id": owner[0], "session_id": owner[1], "state": state}
    name = connection.dialect.name
    if name == "postgresql":  # SQLite lets one writer in at a time anyway
        connection.execute(_ALONE, {"whose": " ".join(owner)})
    if round_id is None:
        return int(connection.execute(_NEXT, given).scalar_one())
    connection.execute(_keep(name), given | {"round_id": round_id})
    return round_id


@alone
def load(connection: Asked, owner: Owner, round_id: int | None) -> Any:
    """Return the state of a round, or of the latest; None if there is none."""
    given = {"user": owner[0], "session": owner[1]}
    if round_id is None:
        return connection.execute(_LATEST, given).scalar_one_or_none()
    return connection.execute(_ROUND, given | {"round": round_id}).scalar_one_or_none()


def get(connection: Asked, owner: Owner) -> list[Any]:
    """Return the messages of a session, which is made if it is not there."""
    connection.execute(_begun(connection.dialect.name), _session(owner, 0))
    return list(connection.execute(_SAID, {"user": owner[0], "session": owner[1]}).scalars())


def append(connection: Asked, owner: Owner, texts: Sequence[str]) -> None:
    """Append messages to a session, which is made if it is not there. Writers wait for each other."""
    counted = _grown(connection.dialect.name)
    last = int(connection.execute(counted, _session(owner, len(texts))).scalar_one())
    first = last - len(texts) + 1
    rows = [
        {"user_id": owner[0], "session_id": owner[1], "n": n, "body": body}
        for n, body in enumerate(texts, first)
    ]
    connection.execute(_MORE, rows)


def forget(connection: Asked, owner: Owner) -> None:
    """Delete a session and its messages."""
    for forgotten in _FORGOTTEN:
        connection.execute(forgotten, {"user": owner[0], "session": owner[1]})


@alone
def names(connection: Asked, user: str) -> list[str]:
    """Return the ids of a user's sessions, the oldest first."""
    return [str(name) for name in connection.execute(_NAMES, {"user": user}).scalars()]


@alone
def take(connection: Asked, owner: Owner, holder: str, seconds: float) -> bool:
    """Hold a session for so long by the database's clock, unless somebody else does."""
    given = {"user_id": owner[0], "session_id": owner[1], "holder": holder, "seconds": seconds}
    return connection.execute(_held(connection.dialect.name), given).first() is not None


@alone
def give(connection: Asked, owner: Owner, holder: str) -> None:
    """End a hold, if it is that one's."""
    connection.execute(_GIVEN, {"user": owner[0], "session": owner[1], "who": holder})


# ---- statements, which both databases know under the same names


def _session(owner: Owner, latest: int) -> dict[str, Any]:
    return {"user_id": owner[0], "session_id": owner[1], "latest": latest}


def _insert(dialect: str, table: Table) -> Any:
    made: Insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made


OWNER = ["user_id", "session_id"]


def _mine(table: Table) -> Any:
    return (table.c.user_id == bindparam("user")) & (table.c.session_id == bindparam("session"))


# Constants: each is compiled once.
_LATEST = select(states.c.state).where(_mine(states)).order_by(states.c.round_id.desc()).limit(1)
_ROUND = select(states.c.state).where(_mine(states), states.c.round_id == bindparam("round"))
_SAID = select(messages.c.body).where(_mine(messages)).order_by(messages.c.n)
_MORE = messages.insert()
# The session first: who appends to it waits there.
_FORGOTTEN = (delete(sessions).where(_mine(sessions)), delete(messages).where(_mine(messages)))
_NAMES = select(sessions.c.session_id).where(sessions.c.user_id == bindparam("user")).order_by(sessions.c.n)
_GIVEN = delete(locks).where(_mine(locks), locks.c.holder == bindparam("who"))
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
