"""Ask a database once: open it, guard it, run one statement in its time, and say what came of it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .._service import ServiceExecStatus, ServiceResponse
from ._gate import GRACE, Gate, RefusedError
from ._mysql import MySQLGate
from ._place import Place, sqlalchemy
from ._postgresql import PostgreSQLGate
from ._rows import MOST_ROWS, Taken
from ._sqlite import SQLiteGate

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["SECONDS", "ask", "opened"]

log = logging.getLogger(__name__)
SECONDS = 5.0
"""How long a query may take, unless told otherwise."""
GATES: dict[str, type[Gate]] = {"sqlite": SQLiteGate, "postgresql": PostgreSQLGate, "mysql": MySQLGate}


def ask(
    place: Place,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    changes: bool = False,
    most: int | None = None,
    seconds: float = SECONDS,
) -> ServiceResponse:
    """Run one statement; return its rows as a list of dictionaries, or what was done, or why it failed."""

    def run(gate: Gate, connection: Connection) -> ServiceResponse:
        result = gate.run(connection, sql, parameters)
        taken = Taken(result.columns, most)
        taken.take(result.rows)
        if changes:
            deque(result.rows, maxlen=0)  # all that is changed is there only when the last row is
            driver: Any = connection.connection.driver_connection
            driver.commit()
        elif taken.cut:
            gate.leave(connection)
        if result.columns or taken.rows:
            return ServiceResponse(ServiceExecStatus.SUCCESS, taken.rows, note=taken.note)
        count = result.changed
        done = "done" if count is None else f"done; {count} row{'' if count == 1 else 's'} changed"
        return ServiceResponse(ServiceExecStatus.SUCCESS, done if changes else [])

    if most is not None and most < 1:
        return ServiceResponse(ServiceExecStatus.ERROR, f"maxcount_results is {most}; it is at least 1")
    if not sql.strip():
        return ServiceResponse(ServiceExecStatus.ERROR, "the query is empty")
    return opened(place, run, changes=changes, seconds=seconds, most=most)


def opened(
    place: Place,
    work: Callable[[Gate, Connection], ServiceResponse],
    *,
    changes: bool = False,
    seconds: float = SECONDS,
    most: int | None = None,
) -> ServiceResponse:
    """Do something with an open, guarded connection; what the database objects to is an answer."""
    sa = sqlalchemy()
    gate = GATES[place.kind](
        place, changes=changes, seconds=seconds, most=MOST_ROWS if most is None else most
    )
    try:
        engine = gate.engine()
        try:
            connection = engine.connect()
        except Exception as error:  # noqa: BLE001  # each driver has its own
            log.info("no connection to a %s database: %s", place.name, type(error).__name__)
            why = gate.unreachable(getattr(error, "orig", None) or error)
            return _failed(place, f"no connection to the {place.name} database: {why}")
        with _dropped(connection), _clock(gate, connection) as late:
            try:
                return work(gate, gate.guard(connection))
            except RefusedError as error:
                return _failed(place, str(error))
            except Exception as error:
                own = getattr(error, "orig", None) or error
                if late.is_set() or _says_late(own):
                    return _failed(place, f"the query took longer than {seconds:g} s and was ended")
                if isinstance(error, sa.exc.SQLAlchemyError) and own is error:
                    return _failed(place, str(error).partition("\n")[0])
                if type(own).__module__.partition(".")[0] not in ("sqlite3", "psycopg", "pymysql"):
                    raise
                return _failed(place, gate.said(own))
    finally:
        gate.close()
        with contextlib.suppress(UnboundLocalError):
            engine.dispose()


@contextlib.contextmanager
def _dropped(connection: Connection) -> Iterator[None]:
    """Close the connection itself at the end, whatever a query has left: the database undoes it."""
    try:
        yield
    finally:
        connection.invalidate()
        connection.close()


@contextlib.contextmanager
def _clock(gate: Gate, connection: Connection) -> Iterator[threading.Event]:
    """End what runs when its time is up, where the database has not done so by itself."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        gate.stop(connection)

    timer = threading.Timer(gate.seconds + GRACE, stop)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        timer.join()  # it must not meet a connection that is closed already


def _says_late(error: BaseException) -> bool:
    """Has the database itself ended the query, since its time was up?"""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    number = error.args[0] if error.args else None
    return code in ("SQLITE_INTERRUPT", "57014", "55P03", "25P03") or number in (1317, 1969, 3024)


def _failed(place: Place, text: str) -> ServiceResponse:
    for secret in place.hidden:
        text = text.replace(secret, "…")
    return ServiceResponse(ServiceExecStatus.ERROR, text)
