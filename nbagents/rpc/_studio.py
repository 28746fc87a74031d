"""`Studio`: tells a studio of this server, or program, and what agents reply, without ever waiting for it.

What is to be told goes into a bounded queue; a thread of its own posts it. A studio that is away, slow or
refuses costs nothing but the messages that it misses, and one line in the log.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .. import events
from ..config import redact
from ..message import Msg
from ._options import check_studio_url

__all__ = ["Studio"]

log = logging.getLogger("nbagents.server")
MOST_WAITING = 1000
"""Messages that wait for the studio; further ones push out the oldest."""
POST_SECONDS = 5.0
RETRY_SECONDS = 5.0
LEAVING_SECONDS = 0.5
"""How long the end of a server waits for what is still to be told."""


class Studio:
    """Posts to one studio what registers somebody at ``path``, and what agents reply. Any thread, no waiting.

    ``lives_here`` tells whether a reply of the agent of that id is to be told; one without a run belongs to
    ``run_id``. `of_server` and `of_program` make one.
    """

    def __init__(
        self, url: str, path: str, about: dict[str, Any], run_id: str, lives_here: Callable[[str], bool]
    ) -> None:
        parts = urlsplit(url)
        self._url, self._host, self._tls = url, parts.netloc.rpartition("@")[2], parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._path, self._about, self._run_id = path, about, run_id
        self._registered, self._lives_here = False, lives_here
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)
        self._news, self._ending = threading.Event(), threading.Event()
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="nbagents-studio", daemon=True)
        self._thread.start()
        self._unsubscribe = events.subscribe(self._on_event)

    @classmethod
    def of_server(cls, url: str, server_id: str, address: str, lives_here: Callable[[str], bool]) -> Studio:
        """Tell of a server at an address, and what its agents reply."""
        host, _, port = address.rpartition(":")
        unix = address.startswith("unix:")
        place = {"host": address if unix else host, "port": None if unix else int(port)}
        about = {"server_id": server_id, **place}
        return cls(url, "/api/servers/register", about, server_id, lives_here)

    @classmethod
    def of_program(cls, url: str, about: dict[str, Any], run_id: str) -> Studio:
        """Tell of this program, and what agents reply that it asks, wherever they live.

        Raises:
            UsageError: the messages must not be sent to that address.
        """
        check_studio_url(url)
        return cls(url, "/api/runs/register", about, run_id, lambda _: True)

    def _on_event(self, event: events.Event) -> None:
        call, message = event.source, event.data.get("message")
        if event.kind != "done" or getattr(call, "kind", "") != "call" or not isinstance(message, Msg):
            return
        if call.id != event.call:
            return  # a server tells of it, which has it told itself
        if self._lives_here(getattr(call.agent, "agent_id", "")):
            self.tell(message, event.run)

    def tell(self, message: Msg, run: str) -> None:
        """Tell of a reply, soon."""
        self._waiting.append(
            {
                "run_id": run or self._run_id,
                "id": message.id,
                "name": message.name,
                "role": message.role,
                "content": message.content,
                "url": message.url,
                "metadata": message.metadata,
                "timestamp": message.timestamp,
            }
        )
        self._news.set()

    def end(self) -> None:
        """Stop telling, once what waits was told if the studio listens. Twice is fine; never waits."""
        self._unsubscribe()
        self._ending.set()
        self._news.set()

    def join(self) -> None:
        """Wait half a second at most for what `end` has left to do. Blocking."""
        self._thread.join(LEAVING_SECONDS)

    def _run(self) -> None:
        while not self._send_all():
            if self._ending.wait(RETRY_SECONDS):
                break

    def _send_all(self) -> bool:
        """Tell what there is to tell, until the end: True. False if the studio does not answer."""
        if not self._registered:
            if not self._post(self._path, self._about):
                return False
            self._registered = True
        while True:
            self._news.clear()
            while self._waiting:
                message = self._waiting[0]
                if not self._post("/api/messages/push", message):
                    return False
                if self._waiting and self._waiting[0] is message:  # else it was pushed out meanwhile
                    self._waiting.popleft()
            if self._ending.is_set():
                return True
            self._news.wait()

    def _post(self, path: str, value: dict[str, Any]) -> bool:
        """Post one thing; False if it should be tried again later."""
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        kind = HTTPSConnection if self._tls else HTTPConnection
        try:
            body = json.dumps(value, default=str).encode()
            with contextlib.closing(kind(self._host, timeout=POST_SECONDS)) as connection:
                connection.request("POST", self._base + path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()  # a redirection is not followed
                answer.read(2**20)
                status = answer.status
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            self._complain(f"{type(error).__name__}: {error}")
            return isinstance(error, ValueError | RecursionError)  # it cannot be written: never again
        if status >= 300:
            self._complain(f"it answered {path} with status {status}")
        return status < 500

    def _complain(self, why: str) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "the studio at %s does not take what it is told (%s); the agents work on; this is said once",
                redact(self._url),
                redact(why[:200]),
            )
