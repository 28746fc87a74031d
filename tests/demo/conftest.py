"""The real demo process, reached over real HTTP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Demo:
    """A running demo process: where it is, its key, and how to ask it."""

    process: subprocess.Popen[bytes]
    base_url: str
    key: str

    def http(self, **headers: str) -> httpx2.Client:
        given = {"authorization": f"Bearer {self.key}", **headers}
        return httpx2.Client(base_url=self.base_url, headers=given, trust_env=False, timeout=20)

    def post(self, body: Any, **headers: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.http(**headers) as http:
            return http.post("/chat/completions", content=content)


def spawn(line: bytes) -> subprocess.Popen[bytes]:
    """Start the process and give it its line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbagents.demo"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(line)
        process.stdin.flush()
    return process


def closed(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """End the process by its lifeline; return its exit code and what it said on stderr."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        code = process.wait(10)
        return code, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@contextlib.contextmanager
def demo_process(**settings: Any) -> Iterator[Demo]:
    process = spawn(json.dumps(settings).encode() + b"\n")
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield Demo(process, told["base_url"], told["key"])
    finally:
        code, said = closed(process)
    assert (code, said) == (0, b"")


@pytest.fixture(scope="session")
def processes() -> SimpleNamespace:
    """How to start one: ``demo(**settings)``, or ``spawn(line)`` and ``closed(process)``."""
    return SimpleNamespace(demo=demo_process, spawn=spawn, closed=closed)


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """One process without simulated speed, which must have stayed silent and ended well."""
    with demo_process(speed=0) as running:
        yield running
