"""What is special about services in Redis: times, keys, addresses, versions, and a server that is killed."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import time

import pytest
from service_places import REDIS, redis_place

from nbagents.exceptions import (
    StateCorruptError,
    StateVersionError,
    StorageError,
    StorageFullError,
    UsageError,
)
from nbagents.services import RedisSessionHistoryService, RedisStateService, Session

SECRET = "s3cr3t-pass"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:{}@cache.example.com:6379/0",
        "redis://10.1.2.3?password={}",
        "redis://?host=cache.example.com&password={}",
        "rediss://:{}@cache.example.com/0?ssl_cert_reqs=none",
        "rediss://:{}@cache.example.com/0?ssl_check_hostname=False",
    ],
)
def test_another_machine_is_reached_by_tls_alone(url):
    with pytest.raises(UsageError, match="is another machine") as caught:
        RedisStateService(url.format(SECRET))
    assert "rediss://" in caught.value.hint
    for service in (
        RedisStateService(url.format(SECRET), insecure=True),
        RedisSessionHistoryService(f"rediss://:{SECRET}@cache.example.com:6379/0"),
        RedisSessionHistoryService(f"unix://:{SECRET}@/run/redis.sock"),
    ):
        assert SECRET not in repr(service) + str(caught.value)


def test_what_is_no_address_prefix_or_time_is_refused():
    with pytest.raises(UsageError, match="it may hold a password") as caught:
        RedisStateService(f"http://:{SECRET}@localhost")
    assert SECRET not in str(caught.value)
    for prefix in ("", "a*", "a:b", "{x}", 5):
        with pytest.raises(UsageError, match="prefix"):
            RedisStateService(prefix=prefix)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(UsageError, match="ttl_seconds"):
            RedisStateService(ttl_seconds=seconds)


def test_passwords_are_in_no_error():
    async def main():
        with pytest.raises(
            StorageError, match=r"redis://127\.0\.0\.1:1/0, nbagents cannot be reached"
        ) as caught:
            await RedisStateService(f"redis://:{SECRET}@127.0.0.1:1/0").start()
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None

    asyncio.run(main())


@pytest.mark.redis
def test_reading_and_writing_make_what_is_kept_live_longer(prefix):
    place = redis_place(prefix, ttl_seconds=1000)

    def left(key: str) -> int:
        return place.plant("PTTL", f"{prefix}:{{ann}}:{key}")

    def shorten() -> None:
        for key in ("state:s", "session:s", "sessions"):
            place.plant("PEXPIRE", f"{prefix}:{{ann}}:{key}", 60_000)

    async def main():
        async with place.state() as states, place.history() as history:
            await states.save_state("ann", {}, "s")
            await history.append_message(Session("s", "ann"), {"n": 1})
            for use in (
                lambda: states.save_state("ann", {}, "s"),
                lambda: states.export_state("ann", "s"),
                lambda: states.export_state("ann", "s", 1),
            ):
                shorten()
                await use()
                assert 900_000 < left("state:s") <= 1_000_000
            for use in (
                lambda: history.get_session("ann", "s"),
                lambda: history.append_message(Session("s", "ann"), {"n": 1}),
            ):
                shorten()
                await use()
                assert 900_000 < left("session:s") <= 1_000_000
                assert 900_000 < left("sessions") <= 1_000_000
            place.plant("DEL", f"{prefix}:{{ann}}:session:s")  # as when its time has come
            assert await history.list_sessions("ann") == []
        async with redis_place(prefix, ttl_seconds=None).state() as states:
            await states.save_state("ann", {}, "ever")
            assert left("state:ever") == -1

    asyncio.run(main())


@pytest.mark.redis
def test_keys_that_hold_something_else_are_refused_by_name(prefix):
    place = redis_place(prefix)

    async def main():
        async with place.state() as states, place.history() as history:
            for key, use in (
                ("state:w", lambda: states.save_state("ann", {}, "w")),
                ("state:w", lambda: states.export_state("ann", "w")),
                ("session:w", lambda: history.get_session("ann", "w")),
                ("session:w", lambda: history.append_message(Session("w", "ann"), {"n": 1})),
            ):
                place.plant("SET", f"{prefix}:{{ann}}:{key}", "planted")
                with pytest.raises(StateCorruptError, match=f"{{ann}}:{key} holds something else"):
                    await use()
                place.plant("DEL", f"{prefix}:{{ann}}:{key}")
            for latest in ("x", "7"):
                place.plant("HSET", f"{prefix}:{{ann}}:state:x", "latest", latest)
                with pytest.raises(StateCorruptError, match="state:x holds something else"):
                    await states.export_state("ann", "x")
        key = f"{prefix}:services"
        place.plant("SET", key, '{"version": 7, "needs": "9.5"}')
        with pytest.raises(StateVersionError, match=r"knows 1: it needs nbagents >= 9\.5"):
            await place.state().start()
        for planted in ("7", "{", "\xff", '{"version": "x", "needs": 1}'):
            place.plant("SET", key, planted)
            with pytest.raises(StateCorruptError, match="does not tell a version"):
                await place.state().start()
        place.plant("DEL", key)

    asyncio.run(main())


@pytest.fixture
def own_server(tmp_path):
    """Start a Redis of this test's own; the function starts it again with its files."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    started: list[subprocess.Popen] = []

    def start(*options: str) -> tuple[subprocess.Popen, str]:
        command = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(tmp_path),
            "--save",
            "",
        ]
        server = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
        started.append(server)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as door:
                door.settimeout(5)
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    door.sendall(b"PING\r\n")  # while it reads what it kept it says -LOADING
                    if door.recv(16).startswith(b"+PONG"):
                        return server, f"redis://127.0.0.1:{port}/0"
        raise AssertionError("redis-server did not start")

    yield start
    for server in started:
        server.kill()
        server.wait(20)


ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.mark.redis_server
def test_a_killed_server_that_writes_always_loses_nothing(own_server):
    async def write(url, process):
        async with RedisStateService(url) as states, RedisSessionHistoryService(url) as history:
            acknowledged, session = 0, Session("s", "ann")
            try:
                for n in range(1, 100_000):
                    await history.append_message(session, [{"n": n}, {"n": n}])
                    await states.save_state("ann", {"n": n, "filling": "x" * 1000}, "s")
                    acknowledged = n
                    if n == 50:
                        asyncio.get_running_loop().call_later(0.05, process.send_signal, signal.SIGKILL)
            except StorageError as error:
                assert "cannot be reached" in str(error)  # noqa: PT017
            assert await states.health() is False
            process.wait(20)
            own_server(*ALWAYS)
            state = await states.export_state("ann", "s")  # the same service goes on
            said = [message["n"] for message in (await history.get_session("ann", "s")).messages]
            assert await states.health() is True
            return acknowledged, state["n"], said

    process, url = own_server(*ALWAYS)
    acknowledged, n, said = asyncio.run(write(url, process))
    assert acknowledged >= 50
    assert n - acknowledged in (0, 1)
    assert said == [n for turn in range(1, len(said) // 2 + 1) for n in (turn, turn)]
    assert len(said) // 2 - acknowledged in (0, 1)


@pytest.mark.redis_server
def test_a_full_server_says_so(own_server):
    async def main():
        large = {"filling": "x" * 100_000}
        _, url = own_server("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
        async with RedisStateService(url) as states:
            with pytest.raises(StorageFullError, match="storage full: redis://127"):
                await asyncio.gather(*(states.save_state("ann", large, f"s{n}") for n in range(100)))

    asyncio.run(main())


@pytest.mark.redis
def test_the_default_place_is_this_machine():
    service = RedisStateService()
    assert repr(service) == f"<RedisStateService in {REDIS.replace('127.0.0.1', 'localhost')}, nbagents>"
