"""What an app costs over bare Starlette, and a thousand clients at once: ``python benchmarks/app.py``.

Each server is a process of its own. Events are told to one client as fast as they are made: by the app, by
the app while a card shows it, by a Starlette that sends the same bytes. Then a thousand clients come within
five seconds, for twenty pieces each. On a busy machine only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TOKEN = "benchmark-token"
BODY = b'{"input": [{"content": "go"}]}'


def serve(kind: str, pieces: int, pause: float) -> None:
    """Serve on a free port, which is told on standard output, until standard input ends."""
    if kind in ("app", "watched"):
        from nbagents.app import AgentApp

        app = AgentApp(token=TOKEN, rate=0)

        @app.query("text")
        async def answer(self: Any, msgs: Any) -> AsyncIterator[str]:
            for index in range(pieces):
                yield f"word{index} "
                await asyncio.sleep(pause)

        serving = app.serve(port=0)
        port = serving.port
        if kind == "watched":
            _watch(serving)
    else:
        port = _bare(pieces, pause)
    print(port, flush=True)
    sys.stdin.read()


def _watch(serving: Any) -> None:
    """Show it in a card whose page takes all that it is sent."""
    from types import SimpleNamespace

    from nbagents.magics._serving_card import source_of
    from nbagents.widgets import ServingWidget, Surface, widgets_seen

    publisher = SimpleNamespace(publish=lambda **told: None)
    shell = SimpleNamespace(display_pub=publisher, kernel=SimpleNamespace(_allow_stdin=True))
    ServingWidget(source_of(serving)).put(Surface(shell))
    widgets_seen.set()


def _bare(pieces: int, pause: float) -> int:
    import socket
    import threading

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def events() -> AsyncIterator[bytes]:
        for index in range(pieces):
            event = {
                "sequence_number": index,
                "object": "content",
                "status": "in_progress",
                "error": None,
                "type": "text",
                "index": 0,
                "delta": True,
                "msg_id": "msg_0123456789abcdef0123456789abcdef",
                "text": f"word{index} ",
            }
            name = f"response_0123456789abcdef0123456789abcdef:{index}"
            yield f"id: {name}\ndata: {json.dumps(event)}\n\n".encode()
            await asyncio.sleep(pause)

    async def process(request: Request) -> StreamingResponse:
        json.loads(await request.body())
        return StreamingResponse(events(), media_type="text/event-stream")

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=[Route("/process", process, methods=["POST"])]), log_config=None, lifespan="off"
        )
    )
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


class Served:
    """One of them, as a process."""

    def __init__(self, kind: str, pieces: int, pause: float) -> None:
        command = [sys.executable, __file__, "--serve", kind, str(pieces), str(pause)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.communicate()


async def ask(port: int) -> tuple[float, list[int]]:
    """Ask once; return the seconds to the first piece, and the numbers of all events."""
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /process HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + BODY)
    first, text = 0.0, bytearray()
    while chunk := await reader.read(65536):
        text += chunk
        if not first and b'"delta":' in text and b"word0" in text:
            first = time.perf_counter() - begin
    writer.close()
    numbers = [
        int(line.partition(b'"sequence_number":')[2].partition(b",")[0])
        for line in bytes(text).split(b"\n")
        if line.startswith(b"data: {")
    ]
    return first, numbers


async def speed(kind: str, pieces: int) -> float:
    """Return the microseconds that an event takes."""
    with Served(kind, pieces, 0.0) as served:
        await ask(served.port)
        begin = time.perf_counter()
        _, numbers = await ask(served.port)
        return (time.perf_counter() - begin) / len(numbers) * 1e6


async def crowd(clients: int, seconds: float) -> None:
    """Have many clients come, and say how they fared."""
    with Served("app", 20, 0.05) as served:

        async def one(delay: float) -> tuple[float, list[int]]:
            await asyncio.sleep(delay)
            return await ask(served.port)

        told = await asyncio.gather(*(one(seconds * n / clients) for n in range(clients)))
        memory = psutil.Process(served.process.pid).memory_info().rss / 2**20
    whole = sum(numbers == list(range(26)) for _, numbers in told)
    first = sorted(first for first, _ in told)
    print(f"{clients} clients within {seconds:g} s: {whole} had all 26 events in order")
    half, last = first[len(first) // 2], first[-len(first) // 100]
    print(f"  first piece: p50 {half * 1e3:.0f} ms, p99 {last * 1e3:.0f} ms")
    print(f"  memory of the server: {memory:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pieces", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    if given.serve:
        serve(given.serve[0], int(given.serve[1]), float(given.serve[2]))
        return
    ratios, watched = [], []
    for _ in range(given.rounds):
        kinds = ("app", "watched", "bare")
        ours, seen, bare = (asyncio.run(speed(kind, given.pieces)) for kind in kinds)
        ratios.append(ours / bare)
        watched.append(seen / bare)
        print(f"an event: app {ours:.0f} us, with a card {seen:.0f} us, bare {bare:.0f} us")
    seen = statistics.median(watched)
    print(f"median ratio {statistics.median(ratios):.2f} (at most 2), with a card {seen:.2f}")
    asyncio.run(crowd(given.clients, 5.0))


if __name__ == "__main__":
    main()
