"""`Place`: where the services under test keep things, with a way in for what is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbagents.services import (
    RedisSessionHistoryService,
    RedisStateService,
    SessionHistoryService,
    SQLSessionHistoryService,
    SQLStateService,
    StateService,
)

SERVER = "postgresql://postgres@127.0.0.1:5432"
REDIS = "redis://127.0.0.1:6379/0"


@dataclass
class Place:
    """Makes services of one kind that all look at the same place, and plants rows there."""

    kind: str
    state: Callable[[], StateService]
    history: Callable[[], SessionHistoryService]
    plant: Callable[..., Any] | None = None
    """Writes past the services: to databases a statement with its parameters, to Redis a command."""
    url: str = ""


def sql_place(kind: str, url: str) -> Place:
    import sqlalchemy

    def plant(statement: str, **values: Any) -> None:
        engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(statement), values)
        engine.dispose()

    return Place(kind, lambda: SQLStateService(url), lambda: SQLSessionHistoryService(url), plant, url)


def redis_place(prefix: str, **options: Any) -> Place:
    import redis

    def plant(*command: Any) -> Any:
        with redis.Redis.from_url(REDIS) as client:
            return client.execute_command(*command)

    options |= {"prefix": prefix}
    return Place(
        "redis",
        lambda: RedisStateService(REDIS, **options),
        lambda: RedisSessionHistoryService(REDIS, **options),
        plant,
        prefix,
    )
