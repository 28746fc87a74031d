"""`as_server`: AgentScope's command, ``as_server [start|stop|status] [options]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from .._process import close_to_others
from ..exceptions import NbAgentsError
from ..rpc import ServerOptions
from ._serving import add_guards, guards, port_number, serve
from ._standing import status, stop

__all__ = ["as_server"]

PORT = 12310
COMMANDS = ("start", "stop", "status")


def as_server(argv: Sequence[str] | None = None) -> None:
    """Launch an agent server, stop one, or tell of one; the console script ``as_server``.

    ``argv`` are the arguments, by default those of this program. Returns once the server was ended by a
    signal, by Ctrl-C or by a client.

    Raises:
        SystemExit: with status 1 and one line on standard error if that failed, with 2 for wrong arguments.
    """
    if argv is None:
        close_to_others()  # this program's own process; somebody else's is not ours to close
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "start"
    parser, run = _PARSERS[command]()
    given = parser.parse_args(arguments)
    code = 0
    try:
        code = run(given)
    except NbAgentsError as error:
        print(f"as_server: {error}", file=sys.stderr)
        if error.hint:
            print(f"Try: {error.hint}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    if code:
        raise SystemExit(code)


Parser = tuple[argparse.ArgumentParser, Callable[[argparse.Namespace], int]]


def _boolean(text: str) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]


def _start() -> Parser:
    parser = argparse.ArgumentParser(
        prog="as_server [start]",
        description="Launches an agent server in the foreground, until Ctrl-C, SIGTERM or `as_server stop`.",
        epilog="`as_server stop` and `as_server status` end one and tell of one.",
    )
    add = parser.add_argument
    add(
        "--host",
        default="localhost",
        help="the address to listen on; other than this machine's own needs TLS",
    )
    add(
        "--port",
        type=port_number,
        default=PORT,
        help="the TCP port; 0 is any that is free (default: %(default)s)",
    )
    add(
        "--max-pool-size",
        type=int,
        default=8192,
        help="replies that are kept, the oldest dropped first (default: %(default)s)",
    )
    add(
        "--max-timeout-seconds",
        type=int,
        default=7200,
        help="how long they are kept (default: %(default)s)",
    )
    add(
        "--local-mode",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        metavar="true|false",
        help="listen to this machine only, whatever --host says",
    )
    add("--model-config-path", metavar="FILE", help="a JSON file of model configurations")
    add("--server-id", help="the server's id; by default a new one at each start")
    add("--studio-url", metavar="URL", help="a studio that is told of the server and of its agents' replies")
    add("--agent-dir", metavar="DIR", help="a folder whose Python files define agents")
    add("--no-log", action="store_true", help="do not show the server's log")
    # AgentScope's own record of calls and costs: here the notebook keeps both, not the server.
    add("--save-api-invoke", action="store_true", help="accepted; has no effect here")
    add("--use-monitor", action="store_true", help="accepted; has no effect here")
    add_guards(parser)
    return parser, _run


def _run(given: argparse.Namespace) -> int:
    names = ("port", "max_pool_size", "max_timeout_seconds", "server_id", "studio_url", "agent_dir")
    own = {name: getattr(given, name) for name in names}
    own["host"] = "localhost" if given.local_mode else given.host
    options = ServerOptions(**own, **guards(given))
    return serve(options, models=given.model_config_path, show_log=not given.no_log)


def _other(command: str, what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"as_server {command}", description=what)
    add = parser.add_argument
    add("--host", default="localhost", help="where it listens")
    add("--port", type=port_number, default=PORT, help="the TCP port (default: %(default)s)")
    add("--server-id", help="a server of yours on this machine, instead of its address")
    add("--ca", metavar="FILE", help="the certificates that prove a server on another machine")
    add("--insecure", action="store_true", help="reach another machine without TLS")
    return parser


def _stop() -> Parser:
    return _other("stop", "Stops an agent server and waits until it has ended."), stop


def _status() -> Parser:
    return _other("status", "Tells of an agent server and its agents; fails if there is none."), status


_PARSERS: dict[str, Callable[[], Parser]] = {"start": _start, "stop": _stop, "status": _status}
