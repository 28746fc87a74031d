"""`Database`: one database, to be asked by a person, or by a model through its two tools."""

from __future__ import annotations

import re
from typing import Any

from ...exceptions import UsageError
from .._service import ServiceResponse
from ._ask import SECONDS, ask
from ._place import place_of
from ._schema import schema_of
from ._tools import DatabaseTool, tools_of

__all__ = ["Database"]

NAME = re.compile(r"[A-Za-z0-9_-]{1,48}\Z")


class Database:
    """A database by its address; for reading, unless ``allow_change_data``.

    ``maxcount_results`` rows are given at most, and a query may take so many ``seconds``. `tools` are for a
    `Toolkit`; the model sees neither the address nor the password. `query` and `schema` ask it yourself:
    they block, for at most some seconds more than a query may take, and return a `ServiceResponse`. With a
    ``name``, such as "shop", its tools are ``show_shop_schema`` and ``query_shop``: then several databases
    fit in one toolkit.

    >>> import sqlite3, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with sqlite3.connect(f"{folder.name}/shop.db") as made:
    ...     _ = made.execute("CREATE TABLE sales (city TEXT, price REAL)")
    ...     _ = made.execute("INSERT INTO sales VALUES ('Rome', 2.5), ('Oslo', 4.0)")
    >>> made.close()
    >>> shop = Database(f"sqlite:///{folder.name}/shop.db")
    >>> shop.query("SELECT city FROM sales WHERE price > :least", {"least": 3}).content
    [{'city': 'Oslo'}]
    >>> print(shop.query("DELETE FROM sales").content)
    this statement is not allowed here: the database can only be read
    >>> [tool.__name__ for tool in shop.tools()]
    ['show_schema', 'query_database']
    >>> folder.cleanup()

    Raises:
        UsageError: the address is none, the name is none for a tool, or what is needed is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        allow_change_data: bool = False,
        maxcount_results: int | None = None,
        seconds: float = SECONDS,
        name: str = "",
    ) -> None:
        if maxcount_results is not None and maxcount_results < 1:
            raise UsageError(f"maxcount_results is {maxcount_results}; it is at least 1")
        if seconds <= 0:
            raise UsageError(f"a query cannot take {seconds} seconds at most")
        if name and not NAME.match(name):
            raise UsageError(
                f"a database cannot be named {name!r}: take letters, digits, _ and -, at most 48"
            )
        self._place, self.name = place_of(url).settled(), name
        """Where it is, and what its tools are named after."""
        self.allow_change_data, self.maxcount_results, self.seconds = (
            allow_change_data,
            maxcount_results,
            seconds,
        )

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> ServiceResponse:
        """Run one SQL statement, with values for its ``:names``; the content is a list of dictionaries."""
        return ask(
            self._place,
            query,
            parameters,
            changes=self.allow_change_data,
            most=self.maxcount_results,
            seconds=self.seconds,
        )

    def schema(self, table: str = "") -> ServiceResponse:
        """Describe the tables, or one of them: columns, types, keys, how many rows."""
        return schema_of(self._place, table, seconds=self.seconds)

    def tools(self) -> list[DatabaseTool]:
        """Return the functions for a model: ``show_schema`` and ``query_database``, or after its name.

        With its toolkit an agent takes them along to a server, which then asks the database itself.
        """
        return tools_of(
            self._place,
            changes=self.allow_change_data,
            most=self.maxcount_results,
            seconds=self.seconds,
            called=self.name,
        )

    def __repr__(self) -> str:
        return f"<{self._place.name} database{', which may be changed' if self.allow_change_data else ''}>"
