"""`Serving`: an app that serves at an address, on a thread of its own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import math
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import uvicorn

from ..exceptions import AgentServerError, UsageError
from ._app_thread import AppThread, begin_on_thread
from ._claim import claim
from ._deployment import DAEMON_THREAD, RUN, Deployment, deployments, new_folder
from ._listener import check_port, is_public, listen, taken
from ._pulse import Pulse
from ._record import Activity
from ._tls import check_tls

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["Serving", "serve", "served"]

log = logging.getLogger(__name__)
T = TypeVar("T")

STARTUP_TIMEOUT = 30.0
"""Seconds that the functions which are called at the start may take."""
SHUTDOWN_TIMEOUT = 10.0
"""Seconds that answers under way get to end when it stops."""
GIVE_UP = 1.0
"""Seconds that a start which is given up gets to end; its port is free after that in any case."""
END = 5.0
"""Seconds that the app's own functions may take to end, before nobody waits for them any longer."""

LOOK = 0.2
"""Seconds between two looks whether another process wants it to end."""

_serving: list[Serving] = []
"""What serves in this process."""
_lock = threading.Lock()


class Serving:
    """A running server. ``stop`` ends it; it ends with the process, too."""

    def __init__(
        self,
        app: AgentApp,
        listener: socket.socket,
        options: dict[str, Any],
        public: bool,
        shutdown_timeout: float,
        mode: str = RUN,
    ) -> None:
        self.app, self._book, self.mode = app, app.book, mode
        self.host, self.port = listener.getsockname()[:2]
        self._scheme = "https" if options.get("ssl_certfile") else "http"
        self._listener = listener
        self._failure: BaseException | None = None
        self.deployment: Deployment | None = None
        """What other processes are told of it; None before it serves, or if nothing can be written."""
        self._ready = threading.Event()
        # Not `Thread.join`, after whose interruption Python 3.11 takes the thread for ended.
        self._ended = threading.Event()
        self._home: AppThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
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
            timeout_graceful_shutdown=max(1, math.ceil(shutdown_timeout)),
            **options,
        )
        self.shutdown_timeout = shutdown_timeout
        self._server = _Server(config, self._ready)

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
        known = self.deployment is not None and self.deployment.token is not None
        header = f"-H @{shlex.quote(str(self.deployment.header))} " if known and self.deployment else ""
        return (
            f"curl -N {header}-H 'Content-Type: application/json'"
            f' -d \'{{"input": [{{"content": "Hello"}}]}}\' {self.url}{self.app.endpoint_path}'
        )

    def start(self, seconds: float = STARTUP_TIMEOUT) -> None:
        """Begin to serve, and wait until it does; where the app lives already, if it serves elsewhere too.

        Raises:
            Exception: what the app's own functions raised at the start.
            TimeoutError: they took longer than ``seconds``.
        """
        try:
            self._home = begin_on_thread(self.app, f"nbagents-app-{self.port}", self._main)
            if not self._ready.wait(seconds):
                raise TimeoutError(
                    f"the app did not start within {seconds:g} s: its @app.init takes too long"
                )
            if self._failure is not None:
                raise self._failure
        except BaseException:  # an interrupt too: what has begun ends
            self._server.should_exit = True
            if self._home is not None and not self._ready.is_set():
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._home.loop.call_soon_threadsafe(self._give_up)
                self._ended.wait(GIVE_UP)
            raise

    def _give_up(self) -> None:
        """Cancel its start; one that has not come to its first step looks itself."""
        if self._task is not None and not self._ready.is_set():
            self._task.cancel()

    def tell(self, deploy_id: str, mode: str, source: str) -> None:
        """Tell the other processes of this user where it serves, with the token in a file for curl.

        Raises:
            OSError: that cannot be written.
            AgentServerError: the folder for it is another user's.
        """
        deployments()  # which clears away what those have left that were killed
        deployment = Deployment.of_this_process(
            deploy_id or new_folder()[0],
            name=self.app.app_name,
            url=self.url,
            mode=mode,
            source=source,
            token=self.token,
            shutdown_timeout=self.shutdown_timeout,
        )
        try:
            deployment.write()
        except OSError:  # a full disk, say: no token stays there
            deployment.remove()
            raise
        self.deployment = deployment
        if self.over_at is not None:  # meanwhile
            deployment.remove()
        elif deployment.is_on_a_thread:
            atexit.register(deployment.remove)
            threading.Thread(target=self._heed, name="nbagents-app-heed", daemon=True).start()

    def stop(self) -> bool:
        """Refuse new requests, give those under way some seconds, and end. Any thread; may be repeated.

        Has it ended? What the app's own functions do at the end may take longer.
        """
        self._server.should_exit = True
        self._book.record.changed()
        if self._home is None or not self._home.is_current():
            self._ended.wait(self.shutdown_timeout + END)
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

    def _heed(self) -> None:
        """End it when another process of this user asks for that; see `stop_deployment`."""
        assert self.deployment is not None
        while not self._ended.wait(LOOK):
            if self.deployment.is_asked_to_stop():
                self.stop()
                return

    async def _main(self, home: AppThread) -> None:
        self._task = asyncio.current_task()
        try:
            if not self._server.should_exit:
                await self._serve()
        except BaseException as error:  # noqa: BLE001  # it is raised in `start`
            self._failure = error
        try:
            await home.leave()
        except BaseException as error:  # noqa: BLE001  # whoever looks at `failure` is told
            self._failure = error
        self._over()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(self._loop)
        await self.app.start()
        self._book = self.app.book
        await self._server.serve(sockets=[self._listener])

    def _over(self) -> None:
        """Let go of all there is of it; what a process of its own leaves, that process knows."""
        self._listener.close()
        with _lock:
            self.over_at = time.monotonic()
            if self in _serving:
                _serving.remove(self)
        if self.deployment is not None and self.deployment.is_on_a_thread:
            self.deployment.remove()
            atexit.unregister(self.deployment.remove)
        if self.app.serving is self:
            self.app.serving = next((one for one in served() if one.app is self.app), self)
        self._book.record.changed()
        self._ended.set()
        self._ready.set()


def served() -> tuple[Serving, ...]:
    """Return what serves in this process, whoever began it: `AgentApp.run`, or a deployer."""
    return tuple(serving for serving in list(_serving) if serving.alive)


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
    shutdown_timeout: float = SHUTDOWN_TIMEOUT,
    startup_timeout: float = STARTUP_TIMEOUT,
    unprotected: bool = False,
    mode: str = RUN,
    deploy_id: str = "",
    source: str = "cells",
    **options: Any,
) -> Serving:
    """Serve an app on a thread of this process; return when it is ready.

    ``shutdown_timeout`` is how many seconds answers under way get to end when it stops, ``startup_timeout``
    how many it may take to begin. ``unprotected`` serves other machines without TLS, though not without the
    token. ``mode``, ``deploy_id`` and ``source`` are what other processes are told; see `Deployment`. With
    ``mode="run"`` an app serves at one address, and moves to the new one; what deployers serve stays.

    Raises:
        UsageError: the port is taken or no port, or something begins there at this moment, the certificate
            cannot be used, or the host is open to others without TLS or ``insecure=True``.
    """
    check_port(port)
    check_tls(options)
    public = is_public(host)
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
    with claim(host, port, app if mode == RUN else None):
        _replace(app, host, port, mode)
        listener = listen(host, port)
        try:
            serving = Serving(app, listener, options, public, shutdown_timeout, mode)
            serving.start(startup_timeout)
        except BaseException:  # an interrupt, or a start that hangs: the port is free for the next one
            listener.close()
            raise
        with _lock:
            if serving.over_at is None:
                _serving.append(serving)
        if app.serving is None or not app.serving.alive or mode == RUN:
            app.serving = serving
        try:
            serving.tell(deploy_id, mode, source)
        except (OSError, AgentServerError) as error:
            if mode not in (RUN, DAEMON_THREAD):  # nobody could end it
                serving.stop()
                raise
            log.warning("other processes cannot be told of %s, nor curl of its token: %s", serving.url, error)
    return serving


def _replace(app: AgentApp, host: str, port: int, mode: str) -> None:
    """End what a cell that is run again has begun before: at that port, by that name, in that way.

    Having no name is a name only for what `AgentApp.run` serves. Deployers may not end each other's apps
    because nobody has named them.

    Raises:
        UsageError: the port is that of another app of this process, or of one that serves in another way.
    """
    for one in tuple(_serving):  # those that are ending too, whose ports are not free yet
        same = one.app is app
        if one.mode == mode == RUN and same:
            one.stop()
        elif one.port == port:
            same |= one.app.app_name == app.app_name and (app.app_name != "" or mode == RUN)
            if one.mode != mode or not same:
                raise taken(host, port)
            one.stop()
