"""`RedisClient`: one Redis server, asked on one thread by scripts that are whole in themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError, TimeoutError
from redis.retry import Retry

from ..exceptions import StateCorruptError, StateVersionError, StorageError, StorageFullError, UsageError
from ._address import check_far
from ._worker import Worker

__all__ = ["RedisClient"]

VERSION = 1
NEEDS = "0.1"
"""The oldest version of nbagents that knows these keys."""
SECONDS = 10
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


class RedisClient:
    """A server, and the keys below a prefix in it. Knows no services.

    Nothing is asked twice, so that a script whose answer was lost is not run again.

    Raises:
        UsageError: the address or the prefix is none, or it leads to another machine without TLS.
    """

    def __init__(self, url: str, prefix: str, *, insecure: bool) -> None:
        if not isinstance(prefix, str) or not _PREFIX.match(prefix):
            raise UsageError(f"the prefix {prefix!r:.60} of keys is none: letters, digits and . _ - only")
        self.prefix = prefix
        try:
            self._pool = redis.ConnectionPool.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_timeout=SECONDS, socket_connect_timeout=SECONDS
            )
        except ValueError:
            raise UsageError(
                "the address of a Redis server is none: it is not shown, since it may hold a password",
                hint="redis://localhost:6379/0, or rediss://user:password@host:6379/0",
            ) from None
        about = self._pool.connection_kwargs
        host, path = str(about.get("host", "localhost")), about.get("path")
        checked = about.get("ssl_cert_reqs", "required") == "required" and about.get(
            "ssl_check_hostname", True
        )
        tls = issubclass(self._pool.connection_class, redis.SSLConnection)
        check_far(
            [] if path else [host], proved=tls and checked, insecure=insecure, hint="rediss://… for redis://…"
        )
        place = path or f"{host}:{about.get('port', 6379)}"
        self.name = f"{'rediss' if tls else 'redis'}://{place}/{about.get('db') or 0}, {prefix}"
        self._worker = Worker(self.name)
        self._client = redis.Redis(connection_pool=self._pool)
        self._scripts: dict[str, Any] = {}

    def key(self, user: str, *parts: str) -> str:
        """Return a key of a user; a cluster keeps all of these together. No id holds a colon."""
        return ":".join([self.prefix, f"{{{user}}}", *parts])

    async def open(self) -> None:
        """Connect, and see that this version knows the keys. Twice is fine."""
        self._worker.open()
        try:
            await self._worker.do(self._check)
        except BaseException:
            self._worker.close()
            raise

    async def close(self) -> None:
        """Let go of the server, after what was asked before."""
        await self._worker.do(self._pool.disconnect)
        self._worker.close()

    async def ping(self) -> None:
        """Ask whether it is there.

        Raises:
            StorageError: it is not.
        """
        await self._worker.do(self._ping)

    async def run(self, script: str, keys: Sequence[str], *args: str) -> Any:
        """Run a script, which is done whole or not at all; return what it does, texts as bytes.

        Raises:
            StorageError: the server cannot be reached, or takes no more; `StateCorruptError`: one of the
                keys holds something else.
            ServiceNotStartedError: it is not open.
        """

        def ask() -> Any:
            known = self._scripts.get(script)
            if known is None:
                known = self._scripts[script] = self._client.register_script(script)
            with self._told(keys[0]):
                return known(keys, args)

        return await self._worker.do(ask)

    def _ping(self) -> None:
        with self._told(self.prefix):
            self._client.ping()

    def _check(self) -> None:
        key = f"{self.prefix}:services"
        with self._told(key):
            self._client.set(key, json.dumps({"version": VERSION, "needs": NEEDS}), nx=True)
            told = self._client.get(key)
        try:
            about: Any = json.loads(told) if isinstance(told, bytes) else {}
            version, needs = int(about["version"]), str(about["needs"])[:32]
        except (ValueError, TypeError, KeyError):
            raise StateCorruptError(f"{self.name} is damaged: {key} does not tell a version") from None
        if version > VERSION:
            raise StateVersionError(
                f"{self.name} has version {version} of the keys of services, and this nbagents knows"
                f" {VERSION}: it needs nbagents >= {needs}",
                hint=f"pip install 'jupyter-nbagents>={needs}'",
            )

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except AuthenticationError:
            raise StorageError(f"{self.name} refuses the user or the password") from None
        except (ConnectionError, TimeoutError) as error:
            raise StorageError(f"{self.name} cannot be reached: {_first_line(error)}") from None
        except ResponseError as error:
            said = _first_line(error)
            if "WRONGTYPE" in said or "nbagents-damaged" in said:
                raise StateCorruptError(f"{self.name} is damaged: {key} holds something else") from None
            if "maxmemory" in said:
                raise StorageFullError(f"storage full: {self.name}. Make room there") from None
            raise StorageError(f"{self.name} cannot be read or written: {said}") from None
        except RedisError as error:
            raise StorageError(f"{self.name} cannot be read or written: {type(error).__name__}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
