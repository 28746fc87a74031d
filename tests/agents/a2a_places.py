"""Agents that are asked by A2A: real apps, and places that answer with what a test gives them."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

from nbagents import Msg
from nbagents.app import AgentApp, Serving
from nbagents.app._serving import serve


def echo() -> AgentApp:
    """An agent that says again what it is told, with its session, in pieces; and fails if it is told to."""
    app = AgentApp(app_name="Echo")
    app.heard = []  # type: ignore[attr-defined]

    @app.query()
    async def answer(self: Any, msgs: Any, request: Any = None) -> Any:
        said = msgs[0].get_text_content() or ""
        app.heard.append(said)  # type: ignore[attr-defined]
        if "fail" in said:
            raise RuntimeError("no such luck")
        message = Msg("Echo", "")
        whole = f"<{said}>"
        for end in range(2, len(whole) + 2, 2):
            message.content = whole[:end]
            yield message, end >= len(whole)
            await asyncio.sleep(0)

    return app


class Slow:
    """An agent that says something, and then waits until it is stopped."""

    def __init__(self) -> None:
        self.app = AgentApp(app_name="Slow")
        self.began, self.stopped = threading.Event(), threading.Event()

        @self.app.query()
        async def answer(_: Any, msgs: Any) -> Any:
            yield "so"
            self.began.set()
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                self.stopped.set()
                raise


@contextlib.contextmanager
def serving(app: AgentApp) -> Iterator[Serving]:
    with serve(app, "127.0.0.1", 0, shutdown_timeout=1) as running:
        yield running


@contextlib.contextmanager
def place(answers: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Serve a card or (status, headers, body), or what makes one, for each path.

    Tells what was asked for, with which token.
    """
    asked: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = answers.get(self.path, (404, {}, b""))
            if callable(answer):
                answer = answer(json.loads(body))
            status, headers, body = (
                answer if isinstance(answer, tuple) else (200, {}, json.dumps(answer).encode())
            )
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def card(url: str, *, streaming: bool = True, **fields: Any) -> dict[str, Any]:
    """A card of version 1.0."""
    way = {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    return {
        "name": "a",
        "description": "a",
        "version": "1",
        "supportedInterfaces": [way],
        "capabilities": {"streaming": streaming},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [],
        **fields,
    }


def events(*results: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """A stream of what a task becomes."""
    told = [json.dumps({"jsonrpc": "2.0", "id": "1", "result": result}) for result in results]
    body = "".join(f"data: {text}\n\n" for text in told)
    return 200, {"Content-Type": "text/event-stream"}, body.encode()


def status(state: str, text: str = "") -> dict[str, Any]:
    message = {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": text}]}
    told = {"state": f"TASK_STATE_{state}", **({"message": message} if text else {})}
    return {"statusUpdate": {"taskId": "t", "contextId": "c", "status": told}}


def task(state: str, *texts: str) -> dict[str, Any]:
    parts = [{"text": text} for text in texts]
    artifacts = [{"artifactId": "a", "parts": parts}] if parts else []
    return {"id": "t", "contextId": "c", "status": {"state": f"TASK_STATE_{state}"}, "artifacts": artifacts}


def answered(result: Any) -> tuple[int, dict[str, str], bytes]:
    """One answer, not a stream."""
    return 200, {}, json.dumps({"jsonrpc": "2.0", "id": "1", "result": result}).encode()
