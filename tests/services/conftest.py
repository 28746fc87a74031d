"""A place of each kind for the services under test, made for one module and removed after it."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbagents.services import InMemorySessionHistoryService, InMemoryStateService

sys.path.append(str(Path(__file__).parent))  # for the modules beside this one

from service_places import REDIS, SERVER, Place, redis_place, sql_place


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL database of this module's own."""
    import psycopg

    name = f"nbagents_services_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield f"{SERVER}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def prefix() -> Iterator[str]:
    """A prefix of keys in Redis of this module's own."""
    import redis

    name = f"nbagents-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    yield name
    with redis.Redis.from_url(REDIS) as client:
        for key in client.scan_iter(f"{name}:*"):
            client.delete(key)


KINDS = [
    "memory",
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("redis", marks=pytest.mark.redis),
]


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place of each kind."""
    match request.param:
        case "sqlite":
            file: Path = tmp_path_factory.mktemp("services") / "services.db"
            return sql_place("sqlite", f"sqlite:///{file}")
        case "postgresql":
            return sql_place("postgresql", request.getfixturevalue("database"))
        case "redis":
            return redis_place(request.getfixturevalue("prefix"))
        case _:
            return Place("memory", InMemoryStateService, InMemorySessionHistoryService)


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A user whom no other test knows."""
    return f"u{uuid.uuid4().hex[:12]}"
