"""The process: one line in, one line out, silence after, and gone when its parent is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest


def test_it_is_ready_soon_with_a_key_of_its_own(processes):
    begin = time.monotonic()
    with processes.demo() as first:
        ready = time.monotonic() - begin
        with processes.demo() as second:
            assert first.key != second.key
            assert len(first.key) >= 40
            assert first.base_url != second.base_url
    assert ready < 5, "a second is the aim; a loaded machine may take a few"


def test_it_takes_the_key_that_it_is_given_and_shows_it_to_no_one(demo, processes):
    key = "k" * 48
    with processes.demo(key=key, speed=0) as running:
        assert running.key == key
        with running.http() as http:
            assert http.get("/models").status_code == 200
        process = psutil.Process(running.process.pid)
        assert key not in " ".join(process.cmdline())
        assert key not in str(process.environ())
        with demo.http(authorization=f"Bearer {key}") as http:
            assert http.get("/models").status_code == 401


def test_after_its_line_it_says_nothing(processes):
    with processes.demo(speed=0) as running:
        assert running.process.stdout is not None
        running.post({"model": "demo", "messages": [{"role": "user", "content": "hello"}]})
        running.post(b"nonsense")
        assert running.process.stdout.read() == b"", "its standard output is closed to us"


def test_it_imports_no_client_and_nothing_of_jupyter(root: Path):
    code = "import sys, nbagents.demo._server; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not loaded & {
        "openai",
        "grpc",
        "IPython",
        "httpx2",
        "httpx",
        "numpy",
        "pydantic",
        "jupyter_client",
    }


def test_it_ends_when_its_input_ends_even_in_the_middle_of_a_reply(processes):
    process = processes.spawn(b"{}\n")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    parts = urlsplit(told["base_url"])
    body = json.dumps(
        {"model": "demo-long", "messages": [{"role": "user", "content": "x"}], "stream": True}
    ).encode()
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {told['key']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body)
        assert b"200 OK" in line.recv(4096)
        begin = time.monotonic()
        assert processes.closed(process) == (0, b"")
        assert time.monotonic() - begin < 2


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_it_ends_when_its_parent_is_killed(root: Path):
    code = """if True:
        import subprocess, sys, time
        command = [sys.executable, "-m", "nbagents.demo"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdin.write(b"{}\\n")
        child.stdin.flush()
        child.stdout.readline()
        print(child.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=root)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    parent.stdout.close()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[]\n",
        b'{"key": 7}\n',
        b'{"key": "a b"}\n',
        b'{"speed": "fast"}\n',
        b'{"speed": -1}\n',
        b'{"speed": true}\n',
    ],
)
def test_a_line_that_cannot_be_used_is_an_error(processes, line: bytes):
    code, said = processes.closed(processes.spawn(line))
    assert code == 2
    assert said.decode().startswith("nbagents.demo: ")
    assert len(said.splitlines()) == 1
