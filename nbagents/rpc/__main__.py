"""The server process: ``python -m nbagents.rpc``, started by `Spawned`, never by hand.

Reads two lines of JSON from its standard input, its options and the model configurations that it knows
from the start; answers one line, how to be reached; and serves until a client stops it, a signal comes,
or its owner is gone. The owner ``process`` holds the other end of standard input: its end, for whatever
reason, is ours. A server of the owner ``user`` ends after hours without a client and without a call.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from .. import _loop, asking
from .._process import close_to_others
from ..agents import scheduler
from ..exceptions import NbAgentsError
from ..tracing import begin_in_server, flush
from ._log import start_log
from ._options import ServerOptions
from ._prints import capture_prints
from ._questions import is_told
from ._server import AgentServer

log = logging.getLogger("nbagents.server")
TICK, IDLE_TICK = 1.0, 30.0
GARBAGE = 5_000, 10, 10
"""When rings of dead objects are looked for: a call makes hundreds of objects, and leaves no rings."""


def main() -> int:
    """Serve; return the exit status."""
    owner = os.getppid()
    start_log()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # whatever prints below Python must not reach the answer's pipe
    options, models = ServerOptions(**json.loads(sys.stdin.readline())), json.loads(sys.stdin.readline())
    os.umask(0o077)
    close_to_others()
    scheduler().finish_at_exit = False
    background = _loop.background()
    capture_prints()
    if options.telemetry:
        begin_in_server(options.telemetry)
    asking.terminal, asking.waits = None, is_told  # nobody sits at a server: a question waits for its clients
    try:
        server = AgentServer(options, models=models)
        connection = background.run(server.start())
    except NbAgentsError as error:
        _tell(answer, {"error": type(error).__name__, "message": str(error)})
        return 1
    except Exception as error:
        log.exception("the server could not start")
        _tell(answer, {"error": "AgentServerError", "message": f"{type(error).__name__}: {error}"})
        return 1

    def end() -> None:  # asked for twice, it does not wait for calls
        (server.hurry if server.stop_event.is_set() else server.stop_event).set()

    for name in (signal.SIGTERM, signal.SIGINT):
        # Not set here: the handler may interrupt the very thread that waits for the event.
        signal.signal(name, lambda *_: background.loop.call_soon_threadsafe(end))
    if options.owner == "user":
        threading.Thread(target=_end_when_idle, args=(server, options.idle_seconds), daemon=True).start()
    else:
        threading.Thread(target=_end_with_lifeline, args=(server,), daemon=True).start()
    _tell(answer, asdict(connection))
    gc.freeze()  # what is there by now stays: it need not be looked at each time
    gc.set_threshold(*GARBAGE)
    while not server.stop_event.wait(TICK):
        # The lifeline may have been inherited by a process that its owner forked.
        if options.owner != "user" and os.getppid() != owner:
            server.hurry.set()
            break
    background.run(server.stop(drain=options.drain_seconds), timeout=options.drain_seconds + 10)
    flush()
    return 0


def _tell(answer: Any, fields: dict[str, Any]) -> None:
    try:
        answer.write(json.dumps(fields) + "\n")
        answer.close()
    except OSError:
        log.warning("whoever started this server is gone already")


def _end_with_lifeline(server: AgentServer) -> None:
    while os.read(0, 4096):  # nothing is ever sent: this returns at the end of the pipe
        pass
    server.hurry.set()
    server.stop_event.set()


def _end_when_idle(server: AgentServer, seconds: float) -> None:
    while not server.stop_event.wait(min(IDLE_TICK, seconds / 4)):
        servicer = server.servicer
        if servicer is None or servicer.sessions or servicer.pending():
            continue
        if time.monotonic() - servicer.last_active > seconds:
            log.warning("no client and no call for %.0f s: the server ends", seconds)
            server.stop_event.set()


if __name__ == "__main__":
    status = 1
    try:
        status = main()
    except Exception:
        log.exception("the server failed")
    sys.stderr.flush()
    os._exit(status)  # agents' own threads must not keep a server that was stopped
