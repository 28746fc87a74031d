"""What a `Database` lets a model call: functions that know its address, and go along to servers with it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import ask
from ._place import Place, place_of
from ._schema import schema_of

__all__ = ["DatabaseTool", "tools_of"]

ASK = """Ask the {name} database by one SQL statement{reading}.

The rows come as a list; a note says what is left out of it."""
SHOW = "Show which tables the database {called} has, with their columns, types and keys."
presets = reserved("address_secret", "maxcount_results", "seconds", allow_change_data="write")
"""The address may hold a password, so it has the name of a secret: then it is masked wherever it is seen."""


class DatabaseTool(functools.partial[ServiceResponse]):
    """A function with the address of its database; to be registered as a tool, or called."""

    name: str
    description: str | None

    @property
    def __name__(self) -> str:
        return self.name

    def __tool__(self) -> dict[str, Any]:
        """Return how it becomes a tool, also in another process; see `Tool`."""
        offer = {"function": self.func, "name": self.name, "preset_kwargs": self.keywords}
        return {**offer, "description": self.description} if self.description else offer

    def __repr__(self) -> str:
        return f"<the tool {self.name} of a database>"


def tools_of(
    place: Place, *, changes: bool, most: int | None, seconds: float, called: str = ""
) -> list[DatabaseTool]:
    """Return ``show_schema`` and ``query_database``, or ``show_shop_schema`` and ``query_shop``."""
    address = place.url.render_as_string(hide_password=False)
    look, query = (look_at_file, ask_file) if place.kind == "sqlite" else (look_at_server, ask_server)
    reading = "" if changes else "; it can only be read"
    limits: Mapping[str, Any] = {"maxcount_results": most, "seconds": seconds, "allow_change_data": changes}
    show = DatabaseTool(look, address_secret=address, seconds=seconds)
    show.name, show.description = f"show_{called}_schema" if called else "show_schema", None
    asking = DatabaseTool(query, address_secret=address, **limits)
    asking.name = f"query_{called or 'database'}"
    asking.description = ASK.format(
        name=f"{called} ({place.name})" if called else place.name, reading=reading
    )
    if called:
        show.description = SHOW.format(called=called)
    return [show, asking]


@effects("read")
@presets
def look_at_file(table: str = "", *, address_secret: str, seconds: float) -> ServiceResponse:
    """Show which tables the database has, with their columns, types and keys.

    Args:
        table: The name of one table; all of them if it is left out.
        address_secret: Where the database is.
        seconds: How long that may take.
    """
    return schema_of(place_of(address_secret), table, seconds=seconds)


@effects("read", "network")
@presets
def look_at_server(table: str = "", *, address_secret: str, seconds: float) -> ServiceResponse:
    """Show which tables the database has, with their columns, types and keys.

    Args:
        table: The name of one table; all of them if it is left out.
        address_secret: Where the database is.
        seconds: How long that may take.
    """
    return look_at_file(table, address_secret=address_secret, seconds=seconds)


@effects("read")
@presets
def ask_file(
    query: str,
    parameters: dict[str, Any] | None = None,
    *,
    address_secret: str,
    maxcount_results: int | None,
    seconds: float,
    allow_change_data: bool,
) -> ServiceResponse:
    """Ask the database by one SQL statement.

    Args:
        query: One SQL statement.
        parameters: Values for the names in the query, such as :city.
        address_secret: Where the database is.
        maxcount_results: How many rows at most.
        seconds: How long that may take.
        allow_change_data: May data be changed?
    """
    place = place_of(address_secret)
    return ask(place, query, parameters, changes=allow_change_data, most=maxcount_results, seconds=seconds)


@effects("read", "network")
@presets
def ask_server(
    query: str,
    parameters: dict[str, Any] | None = None,
    *,
    address_secret: str,
    maxcount_results: int | None,
    seconds: float,
    allow_change_data: bool,
) -> ServiceResponse:
    """Ask the database by one SQL statement.

    Args:
        query: One SQL statement.
        parameters: Values for the names in the query, such as :city.
        address_secret: Where the database is.
        maxcount_results: How many rows at most.
        seconds: How long that may take.
        allow_change_data: May data be changed?
    """
    return ask_file(
        query,
        parameters,
        address_secret=address_secret,
        maxcount_results=maxcount_results,
        seconds=seconds,
        allow_change_data=allow_change_data,
    )
