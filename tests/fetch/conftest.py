"""A real web site on this machine, with a certificate, and an audit of who is dialled."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import ipaddress
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from nbagents.fetch import _fetch

dialled: list[str] | None = None
"""While it is a list: whom this process connects to. Only loopback is really reached."""


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event != "socket.connect" or dialled is None or not isinstance(args[1], tuple):
        return
    dialled.append(str(args[1][0]))
    if not ipaddress.ip_address(args[1][0].partition("%")[0]).is_loopback:
        raise ConnectionRefusedError("the tests reach nobody else")


sys.addaudithook(_audit)


@pytest.fixture
def connects() -> Iterator[list[str]]:
    """The addresses that are connected to meanwhile."""
    global dialled
    dialled = []
    yield dialled
    dialled = None


class Site:
    """Where it is, and what it was asked."""

    def __init__(self, port: int, safe_port: int) -> None:
        self.host, self.safe_host = f"127.0.0.1:{port}", f"site.example:{safe_port}"
        self.url, self.safe_url = f"http://{self.host}", f"https://{self.safe_host}"
        self.asked: list[Request] = []
        self.served: dict[str, Callable[[Request], Response]] = {}
        """What a test serves besides, by the first part of the path."""
        self.dripping, self.ended = threading.Event(), threading.Event()

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        kind, _, rest = request.path_params["path"].partition("/")
        if kind in self.served:
            return self.served[kind](request)
        return await getattr(self, kind)(request, rest)

    async def page(self, request: Request, rest: str) -> Response:
        return Response("<p>Grey beads on the glass</p>", media_type="text/html")

    async def status(self, request: Request, rest: str) -> Response:
        return Response("no", int(rest))

    async def echo(self, request: Request, rest: str) -> Response:
        body = (await request.body()).decode()
        told = {"method": request.method, "headers": dict(request.headers), "body": body}
        return Response(json.dumps(told), media_type="application/json")

    async def to(self, request: Request, rest: str) -> Response:
        return RedirectResponse(request.query_params["url"], int(rest or 302))

    async def loop(self, request: Request, rest: str) -> Response:
        return RedirectResponse(f"/loop/{int(rest) + 1}")

    async def bomb(self, request: Request, rest: str) -> Response:
        return Response(_bomb(), headers={"content-encoding": rest or "gzip"})

    async def packed(self, request: Request, rest: str) -> Response:
        return Response(gzip.compress(b"small"), headers={"content-encoding": "gzip"})

    async def endless(self, request: Request, rest: str) -> Response:
        return StreamingResponse(self.pour())

    async def pour(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(100_000)
                await asyncio.sleep(0)
        finally:
            self.ended.set()

    async def said(self, request: Request, rest: str) -> Response:
        return StreamingResponse(self.pour(), headers={"content-length": rest})

    async def drip(self, request: Request, rest: str) -> Response:
        return StreamingResponse(self.drops())

    async def drops(self) -> AsyncIterator[bytes]:
        self.dripping.set()
        try:
            while True:
                yield b"."
                await asyncio.sleep(0.05)
        finally:
            self.ended.set()


@functools.cache
def _bomb() -> bytes:
    """100 MB in 100 kB."""
    return gzip.compress(bytes(100_000_000))


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    authority = trustme.CA()
    folder = tmp_path_factory.mktemp("certificates")
    chain = folder / "chain.pem"
    authority.issue_cert("site.example", "html.duckduckgo.com").private_key_and_cert_chain_pem.write_to_path(
        chain
    )
    authority.cert_pem.write_to_path(folder / "authority.pem")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    site = Site(*(one.getsockname()[1] for one in sockets))
    app = Starlette(routes=[Route("/{path:path}", site.answer, methods=["GET", "HEAD", "POST"])])
    more = {"log_config": None, "log_level": "critical", "lifespan": "off", "timeout_graceful_shutdown": 1}
    servers = [
        uvicorn.Server(uvicorn.Config(app, **more)),
        uvicorn.Server(uvicorn.Config(app, ssl_certfile=chain, **more)),
    ]
    threads = [
        threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        for server, listening in zip(servers, sockets, strict=True)
    ]
    for thread in threads:
        thread.start()
    site.authority = folder / "authority.pem"
    yield site
    for server, thread, listening in zip(servers, threads, sockets, strict=True):
        server.should_exit = True
        thread.join(10)
        listening.close()
        assert not thread.is_alive()


@pytest.fixture
def site(_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    _site.asked.clear()
    _site.served.clear()
    _site.dripping.clear()
    _site.ended.clear()
    return _site


@pytest.fixture
def proxied(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For ddgs, which has a client of its own: a proxy that leads to the site, whoever is meant."""
    listening = socket.create_server(("127.0.0.1", 0))
    held = [listening]

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def tunnel() -> None:
        with contextlib.suppress(OSError):
            peer, _ = listening.accept()
            with peer, socket.create_connection(("127.0.0.1", int(site.safe_host.rpartition(":")[2]))) as to:
                assert peer.recv(65536).startswith(b"CONNECT ")
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                held.append(peer)
                back = threading.Thread(target=copy, args=(to, peer))
                back.start()
                copy(peer, to)
                back.join(10)

    thread = threading.Thread(target=tunnel)
    thread.start()
    monkeypatch.setenv("DDGS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
    monkeypatch.setenv("PRIMP_CA_BUNDLE", str(site.authority))
    yield
    for one in held:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    thread.join(20)
    listening.close()
    assert not thread.is_alive()


@pytest.fixture
def trusted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the site's certificate, as it would by its own list."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))
    monkeypatch.setattr(_fetch, "_trust", None)


class Names:
    """The resolver of this machine: what it says of a name, each time that it is asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        host = host.decode() if isinstance(host, bytes) else host
        try:
            ipaddress.ip_address(host)
        except ValueError:
            self.asked.append(host)
            said = self.answers.get(host)
            if said is None:
                raise socket.gaierror(-2, "Name or service not known") from None
            found = said.pop(0) if len(said) > 1 else said[0]
        else:
            found = [host]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in found
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the resolver says, which is the operating system's, and the one thing that is not real here."""
    ours = Names()
    monkeypatch.setattr(socket, "getaddrinfo", ours)
    return ours
