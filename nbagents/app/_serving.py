"""`Serving`: an app that serves at an address, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import uvicorn

from ..exceptions import UsageError
from ._header import HeaderFile
from ._pulse import Pulse
from ._record import Activity
from ._tls import check_tls

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["Serving", "serve", "served", "serving_at"]

log = logging.getLogger(__name__)
T = TypeVar("T")

START = 30.0
"""Seconds that the functions which are called at the start may take."""
DRAIN = 10.0
"""Seconds that answers under way get to end when it stops."""
END = 5.0
"""Seconds that the app's own functions may take to end, before nobody waits for them any longer."""

_serving: dict[int, Serving] = {}
"""What serves in this process, by port."""


class Serving:
    """A running server. ``stop`` ends it; it ends with the process, too."""

    def __init__(
        self, app: AgentApp, listener: socket.socket, options: dict[str, Any], public: bool, drain: float
    ) -> None:
        self.app, self._book = app, app.book
        self.host, self.port = listener.getsockname()[:2]
        self._scheme = "https" if options.get("ssl_certfile") else "http"
        self._listener = listener
        self._failure: BaseException | None = None
        self._header: HeaderFile | None = None
        self._ready = threading.Event()
        # Not `Thread.join`, after whose interruption Python 3.11 takes the thread for ended.
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pulse: Pulse | None = None
        self.began = time.monotonic()
        """Since when it serves, and `over_at` until when; of `time.monotonic`."""
        self.over_at: float | None = None
        config = uvicorn.Config(
            app.gated(public=public),
            log_config=None,
            access_log=False,
            server_header=False,
            # What stands before it is not known: anybody near could say to be another caller, or on TLS.
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=max(1, math.ceil(drain)),
            **options,
        )
        self._drain = drain
        self._server = _Server(config, self._ready)
        self._thread = threading.Thread(target=self._main, name=f"nbagents-app-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}"

    @property
    def token(self) -> str | None:
        """What clients send; see `AgentApp.token`."""
        return self.app.token

    @property
    def alive(self) -> bool:
        """Does it serve?"""
        return self._ready.is_set() and not self._ended.is_set() and not self._server.should_exit

    @property
    def state(self) -> Literal["serving", "ending", "ended"]:
        """Does it serve, give what is under way some seconds, or nothing any more?"""
        if self.over_at is not None:
            return "ended"
        return "ending" if self._server.should_exit else "serving"

    @property
    def failure(self) -> BaseException | None:
        """What ended it, or what its own functions raised at its end."""
        return self._failure

    @property
    def curl(self) -> str:
        """A line for a terminal that asks it something; the token comes from a file of yours."""
        header = f"{self._header.option()} " if self._header is not None else ""
        return (
            f"curl -N {header}-H 'Content-Type: application/json'"
            f' -d \'{{"input": [{{"content": "Hello"}}]}}\' {self.url}{self.app.endpoint_path}'
        )

    def start(self, seconds: float = START) -> None:
        """Begin to serve, and wait until it does.

        Raises:
            Exception: what the app's own functions raised at the start.
            TimeoutError: they took longer than ``seconds``.
        """
        self._thread.start()
        try:
            if not self._ready.wait(seconds):
                raise TimeoutError(
                    f"the app did not start within {seconds:g} s: its @app.init takes too long"
                )
            if self._failure is not None:
                raise self._failure
        except BaseException:  # an interrupt too: what has begun ends
            self._server.should_exit = True
            raise
        if self.token is not None:
            try:
                self._header = HeaderFile(self.port, self.token)
            except OSError as error:
                log.warning("no file for curl can be written, so that `curl` has no token: %s", error)

    def stop(self) -> bool:
        """Refuse new requests, give those under way some seconds, and end. Any thread; may be repeated.

        Has it ended? What the app's own functions do at the end may take longer.
        """
        self._server.should_exit = True
        self._book.record.changed()
        if threading.current_thread() is not self._thread:
            self._ended.wait(self._drain + END)
        if _serving.get(self.port) is self:
            del _serving[self.port]
        if self._header is not None:
            self._header.remove()
        return self._ended.is_set()

    def ended(self, seconds: float) -> bool:
        """Has it ended? Waits for that so many seconds. Any thread."""
        return self._ended.wait(seconds)

    # ---- for whoever looks on

    def activity(self) -> Activity:
        """Return what it is asked and has answered. Any thread, and also while its loop is held up."""
        return self._book.record.look(self._book.running)

    def held(self) -> float:
        """Return for how many seconds its loop has not come to anything: something blocks there."""
        return 0.0 if self._pulse is None or self.over_at is not None else self._pulse.held()

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        """Have a function called whenever something is new, at last when it has ended; see `Record.watch`."""
        return self._book.record.watch(changed)

    def stop_request(self, response_id: str) -> bool:
        """Stop one answer, as its client could. Any thread. Was it under way?"""
        known = any(answer.id == response_id for answer in self._book.running)
        if known and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: all has ended
                self._loop.call_soon_threadsafe(self._book.cancel, response_id)
        return known

    # ---- for scripts

    def wait(self) -> None:
        """Say on the standard error where it serves, and wait until it ends; an interrupt ends it."""
        sys.stderr.write(f"{self!r}; Ctrl-C ends it. Try:\n  {self.curl}\n")
        sys.stderr.flush()
        try:
            while not self._ended.wait(0.2):
                pass
        except KeyboardInterrupt:
            self.stop()

    async def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop, from any other."""
        assert self._loop is not None
        if self._loop is asyncio.get_running_loop():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"serves at {self.url}" if self.alive else "has ended"
        return f"<{self.app.app_name or 'AgentApp'} {state}>"

    def _main(self) -> None:
        with asyncio.Runner() as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:  # noqa: BLE001  # it is raised in `start`
                self._failure = error
            finally:
                self._listener.close()
                self.over_at = time.monotonic()
                self._book.record.changed()
                self._ended.set()
                self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(self._loop)
        await self.app.start()
        self._book = self.app.book
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            await self.app.stop()


def served() -> tuple[Serving, ...]:
    """Return what serves in this process, whoever began it: `AgentApp.run`, or a deployer."""
    return tuple(serving for serving in list(_serving.values()) if serving.alive)


class _Server(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready.set()


def serve(
    app: AgentApp,
    host: str,
    port: int,
    *,
    drain: float = DRAIN,
    start: float = START,
    unprotected: bool = False,
    **options: Any,
) -> Serving:
    """Serve an app on a thread of this process; return when it is ready.

    ``drain`` is how many seconds answers under way get to end when it stops, ``start`` how many it may take
    to begin. ``unprotected`` serves other machines without TLS, though not without the token.

    Raises:
        UsageError: the port is taken or no port, the certificate cannot be used, or the host is open to
            others without TLS or ``insecure=True``.
    """
    check_tls(options)
    public = _is_public(host)
    if public and not (app.insecure or unprotected) and not options.get("ssl_certfile"):
        raise UsageError(
            f"{host} is open to other machines, and what is sent there can be read on the way",
            hint="serve at 127.0.0.1; or give ssl_certfile= and ssl_keyfile=; or AgentApp(insecure=True),"
            " which serves everybody",
        )
    if app.insecure:
        log.warning("this app serves everybody who reaches %s:%s, without a token", host, port)
    elif public and not options.get("ssl_certfile"):
        log.warning("whoever is on the way to %s:%s can read what is sent, the token too", host, port)
    _replace(app, port)
    serving = Serving(app, _listen(host, port), options, public, drain)
    serving.start(start)
    app.serving = serving
    _serving[serving.port] = serving
    return serving


def serving_at(port: int) -> Serving | None:
    """Return what this process serves at a port."""
    return _serving.get(port)


def _replace(app: AgentApp, port: int) -> None:
    """End what this app served, and an earlier app of its name at that port: its cell was run again."""
    earlier = _serving.get(port)
    if earlier is not None and earlier.app.app_name == app.app_name:
        earlier.stop()
    if app.serving is not None and app.serving.alive:
        app.serving.stop()


def _listen(host: str, port: int) -> socket.socket:
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise UsageError(f"a port is a number from 0 to 65535, not {port!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            who, remedy = _holder(port)
            raise UsageError(
                f"the port {port} of {host} is taken by {who}",
                hint=f"give another port, or 0 for any{remedy}",
            ) from None
        raise UsageError(f"{host}:{port} cannot be listened at: {error.strerror or error}") from None
    return listener


def _holder(port: int) -> tuple[str, str]:
    """Say whose a port is, and what ends it, where that is known."""
    from ._deployment import deployments  # reads the user's files, which only this question needs

    own = _serving.get(port)
    if own is not None:
        return f"your own {own.app.app_name or 'app'}", "; or end it: app.serving.stop()"
    for one in deployments():
        if one.alive and one.url.rpartition(":")[2] == str(port):
            deployed = f"your own {one.name or 'app'}, deployed as {one.deploy_id}"
            return deployed, f"; or end it: `nbagents app stop {one.deploy_id}`"
    return "another program", ""


def _is_public(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() != "localhost"
