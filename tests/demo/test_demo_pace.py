"""Simulated speed, and what happens when nobody listens any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from nbagents.demo import create_app


@contextlib.contextmanager
def served(speed: float) -> Iterator[tuple[Starlette, httpx2.Client]]:
    """Serve the application from this process, so that its state can be seen."""
    app = create_app("key", speed=speed)
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            headers = {"authorization": "Bearer key"}
            with httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
                yield app, client
        finally:
            server.should_exit = True
            thread.join(10)


def ask(model: str, *, stream: bool) -> dict[str, object]:
    messages = [
        {"role": "system", "content": "You are a poet."},
        {"role": "user", "content": "Write about rain"},
    ]
    return {"model": model, "messages": messages, "stream": stream}


def lines(answer: httpx2.Response) -> Iterator[str]:
    return (line for line in answer.iter_lines() if line.startswith("data: {"))


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        threading.Event().wait(0.01)
    return condition()


def test_a_client_that_leaves_ends_the_generation():
    with served(speed=1) as (app, client):
        with client.stream("POST", "/chat/completions", json=ask("demo-long", stream=True)) as answer:
            told = answer.iter_lines()  # kept: an iterator that is dropped closes the connection
            assert next(told).startswith("data: ")
            assert app.state.speaking == 1
        assert until(lambda: app.state.speaking == 0), "at this speed it would speak for minutes"


def test_a_client_that_leaves_before_a_whole_reply_ends_it_too():
    with served(speed=1) as (app, client):
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/chat/completions", json=ask("demo-long", stream=False), timeout=0.5)
        assert until(lambda: app.state.speaking == 0)


def test_the_words_come_at_the_simulated_speed():
    with served(speed=72) as (_, client):
        begin = time.monotonic()
        with client.stream("POST", "/chat/completions", json=ask("demo", stream=True)) as answer:
            said = (json.loads(line[6:])["choices"][0]["delta"] for line in lines(answer))
            times = [time.monotonic() - begin for delta in said if delta.get("content")]
        assert len(times) == 27
        assert 0.45 <= times[-1] < 3, "36 tokens at 72 a second"
        assert times[13] - times[0] > 0.15, "they do not come all at once"


@pytest.mark.parametrize(("model", "speed"), [("demo-fast", 1), ("demo", 0)])
def test_without_a_speed_they_come_at_once(model: str, speed: float):
    with served(speed=speed) as (_, client):
        begin = time.monotonic()
        assert client.post("/chat/completions", json=ask(model, stream=True)).status_code == 200
        assert client.post("/chat/completions", json=ask(model, stream=False)).status_code == 200
        assert time.monotonic() - begin < 3


def test_a_whole_reply_takes_as_long_as_its_words_would():
    with served(speed=72) as (_, client):
        begin = time.monotonic()
        assert client.post("/chat/completions", json=ask("demo", stream=False)).status_code == 200
        assert 0.45 <= time.monotonic() - begin < 3
