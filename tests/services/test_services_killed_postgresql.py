"""A PostgreSQL that is killed in the midst of writes has all that was acknowledged; the service goes on."""

from __future__ import annotations

import asyncio
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents.exceptions import StorageError
from nbagents.services import Session, SQLSessionHistoryService, SQLStateService

pytestmark = [pytest.mark.posix, pytest.mark.postgresql_server]

Start = Callable[[], tuple[int, str]]


@pytest.fixture
def own_postgresql() -> Iterator[Start]:
    """Start a PostgreSQL of this test's own, and again with its files; return its pid and address."""
    programs = (
        Path(shutil.which("initdb") or glob.glob("/usr/lib/postgresql/*/bin/initdb")[-1]).resolve().parent
    )
    who: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="nb-pg-"))
    if who:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    data = folder / "data"
    made = [programs / "initdb", "-D", data, "-A", "trust", "-U", "nb", "--no-sync", "-E", "UTF8"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
    options = f"-p {port} -h 127.0.0.1 -k {folder}"
    control = [programs / "pg_ctl", "-D", data, "-w", "-t", "30", "-l", folder / "log"]

    def start() -> tuple[int, str]:
        subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, cwd=folder, **who)
        pid = int((data / "postmaster.pid").read_text().split()[0])
        return pid, f"postgresql://nb@127.0.0.1:{port}/postgres"

    yield start
    subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, cwd=folder, **who)
    shutil.rmtree(folder, ignore_errors=True)


def test_a_killed_server_has_all_that_was_acknowledged(own_postgresql: Start) -> None:
    pid, url = own_postgresql()

    async def write() -> tuple[int, Any, list[int]]:
        async with SQLStateService(url) as states, SQLSessionHistoryService(url) as history:
            acknowledged, session = 0, Session("s", "ann")
            try:
                for n in range(1, 100_000):
                    await history.append_message(session, [{"n": n}, {"n": n}])
                    await states.save_state("ann", {"n": n, "filling": "x" * 1000}, "s")
                    acknowledged = n
                    if n == 50:
                        asyncio.get_running_loop().call_later(0.05, os.kill, pid, signal.SIGKILL)
            except StorageError as error:
                assert url not in str(error)  # noqa: PT017
            assert await states.health() is False
            await asyncio.to_thread(_brought_up_again, own_postgresql)
            until = time.monotonic() + 30
            while not await states.health():  # the same service goes on
                assert time.monotonic() < until
            state = await states.export_state("ann", "s")
            said = [message["n"] for message in (await history.get_session("ann", "s")).messages]
            return acknowledged, state, said

    acknowledged, state, said = asyncio.run(write())
    assert acknowledged >= 50
    assert state["n"] - acknowledged in (0, 1)
    assert said == [n for turn in range(1, len(said) // 2 + 1) for n in (turn, turn)]
    assert len(said) // 2 - acknowledged in (0, 1)


def _brought_up_again(start: Start) -> None:
    """Its children notice that it is gone a moment later; until then its files are theirs."""
    until = time.monotonic() + 30
    while True:
        try:
            start()
            return
        except subprocess.CalledProcessError:
            assert time.monotonic() < until
