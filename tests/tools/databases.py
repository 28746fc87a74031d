"""Real databases for tests: made, filled and dropped again, with roles of their own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

NAME = f"nba_test_{os.getpid()}"
PASSWORD = "sk-canary-0123456789"
ROWS = 2000
MADE = [
    "CREATE TABLE cities (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL)",
    "CREATE TABLE sales (id INTEGER PRIMARY KEY, city_id INTEGER NOT NULL REFERENCES cities (id),"
    " price DECIMAL(8, 2), sold DATE, note TEXT)",
    "INSERT INTO cities VALUES (1, 'Rome'), (2, 'Oslo'), (3, 'Zürich')",
]
SALES = [
    (number, 1 + number % 3, number / 4, f"2026-0{1 + number % 9}-15", "50% off: yes")
    for number in range(ROWS)
]


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    path = folder / "shop.db"
    with closing(sqlite3.connect(path)) as made:
        for statement in MADE:
            made.execute(statement)
        made.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?)", SALES)
        made.commit()
    yield f"sqlite:///{path}"


@contextmanager
def postgresql() -> Iterator[str]:
    import psycopg

    with psycopg.connect(host="127.0.0.1", user="postgres", dbname="postgres", autocommit=True) as root:
        root.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD '{PASSWORD}'")
        root.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")
        try:
            with psycopg.connect(host="127.0.0.1", user=NAME, password=PASSWORD, dbname=NAME) as made:
                for statement in MADE:
                    made.execute(statement)
                made.cursor().executemany("INSERT INTO sales VALUES (%s, %s, %s, %s, %s)", SALES)
                made.execute("CREATE SEQUENCE numbers")
            yield f"postgresql://{NAME}:{PASSWORD}@127.0.0.1/{NAME}"
        finally:
            root.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
            root.execute(f"DROP ROLE {NAME}")


@contextmanager
def as_root() -> Iterator[Any]:
    import pymysql

    with (
        closing(pymysql.connect(host="127.0.0.1", user="root", autocommit=True)) as root,
        root.cursor() as cursor,
    ):
        yield cursor


@contextmanager
def mysql() -> Iterator[str]:
    with as_root() as cursor:
        for statement in (
            f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4",
            f"CREATE USER {NAME}@'%' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON {NAME}.* TO {NAME}@'%'",
            f"USE {NAME}",
            *MADE,
            "CREATE SEQUENCE numbers",
        ):
            cursor.execute(statement)
        cursor.executemany("INSERT INTO sales VALUES (%s, %s, %s, %s, %s)", SALES)
        try:
            yield f"mysql://{NAME}:{PASSWORD}@127.0.0.1/{NAME}"
        finally:
            cursor.execute(f"DROP DATABASE {NAME}")
            cursor.execute(f"DROP USER {NAME}@'%'")
