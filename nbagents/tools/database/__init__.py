"""Asking databases: SQLite, PostgreSQL, MySQL and MariaDB, by SQLAlchemy. Reading only, unless allowed.

What a query may do is decided by the database, never by looking at the text: by SQLite's authorizer, by
read-only transactions and by the rights of the role. `pip install 'jupyter-nbagents[database]'`.
"""

from ._database import Database
from ._query import query_mysql, query_postgresql, query_sqlite

__all__ = ["Database", "query_mysql", "query_postgresql", "query_sqlite"]
