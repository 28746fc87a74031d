"""How this process comes by a demo server: one for all, started when needed, again if it died."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from nbagents._loop import background
from nbagents.exceptions import ModelUnavailableError
from nbagents.models import _demo, demo_endpoint, prewarm_demo


@pytest.fixture(autouse=True)
def _no_server_before_or_after() -> Iterator[None]:
    _demo._server.stop()
    yield
    _demo._server.stop()


def pid() -> int:
    process = _demo._server.process
    assert process is not None
    return process.pid


def answers(endpoint: tuple[str, str]) -> bool:
    url, key = endpoint
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{url}/models", headers=headers, trust_env=False).status_code == 200


def test_many_first_uses_start_one_process():
    async def run() -> set[tuple[str, str]]:
        return set(await asyncio.gather(*(demo_endpoint() for _ in range(8))))

    (endpoint,) = asyncio.run(run())
    assert answers(endpoint)
    assert background().run(demo_endpoint(), timeout=20) == endpoint, "also on the background loop"


def test_prewarming_returns_at_once_and_the_first_use_finds_it():
    prewarm_demo()
    assert answers(asyncio.run(demo_endpoint()))
    first = pid()
    prewarm_demo()
    asyncio.run(demo_endpoint())
    assert pid() == first


def test_one_that_died_is_replaced():
    before = asyncio.run(demo_endpoint())
    os.kill(pid(), signal.SIGTERM)
    psutil.Process(pid()).wait(10)
    after = asyncio.run(demo_endpoint())
    assert after != before
    assert answers(after)


def test_somebody_who_gives_up_waiting_harms_nobody_else():
    async def run() -> tuple[str, str]:
        impatient = asyncio.ensure_future(demo_endpoint())
        await asyncio.sleep(0)
        impatient.cancel()
        return await demo_endpoint()

    assert answers(asyncio.run(run()))


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_the_child_has_a_neutral_folder_a_session_of_its_own_and_no_secrets(monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "canary-4711")
    _, key = asyncio.run(demo_endpoint())
    child = psutil.Process(pid())
    assert "canary-4711" not in str(child.environ())
    assert key not in str(child.cmdline())
    assert Path(child.cwd()) == Path(tempfile.gettempdir()).resolve()
    assert os.getsid(child.pid) == child.pid


def test_it_goes_when_its_process_ends(root: Path):
    code = (
        "import asyncio; from nbagents.models import _demo, demo_endpoint; "
        "asyncio.run(demo_endpoint()); print(_demo._server.process.pid)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert not psutil.pid_exists(int(run.stdout))
    assert run.stderr == ""


def test_a_server_that_cannot_start_is_a_typed_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-such-python"))
    with pytest.raises(ModelUnavailableError, match="No such file") as missing:
        asyncio.run(demo_endpoint())
    assert missing.value.hint
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho first >&2\necho 'ImportError: no starlette' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ModelUnavailableError, match="did not start: ImportError: no starlette"):
        asyncio.run(demo_endpoint())
    monkeypatch.undo()
    assert answers(asyncio.run(demo_endpoint())), "and the next use tries again"
