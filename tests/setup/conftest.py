"""Every test has servers of its own, and leaves none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbagents.rpc import RpcAgentClient, connections


@pytest.fixture(autouse=True)
def places(runtime: Path) -> Iterator[Path]:
    yield runtime
    for left in connections():  # those of the owner `user` would live on for hours
        RpcAgentClient(left.address, token=left.token).stop()
    limit = time.monotonic() + 10
    while connections() and time.monotonic() < limit:
        time.sleep(0.02)
    assert connections() == []


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Wait until something is so."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > limit:
                pytest.fail(f"not so after {seconds} s")
            time.sleep(0.02)

    return wait
