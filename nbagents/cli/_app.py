"""``nbagents app``: serve an `AgentApp` in the foreground, and look after those that are deployed."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .._process import close_to_others
from .._version import __version__
from ..exceptions import NbAgentsError, UsageError
from ..render import TableView, table_text
from ._build_context import BuildContext
from ._dockerfile import dockerfile, dockerignore
from ._serving import port_number

__all__ = ["run_app"]

CONTAINER_PORT = 8080


def run_app(arguments: Sequence[str], *, program: bool) -> int:
    """Run one of the commands; return the exit status. With ``program`` this process is all ours.

    Raises:
        NbAgentsError: it failed.
        SystemExit: the arguments were wrong, or ``--help`` was among them.
    """
    named = arguments[0] if arguments else ""
    parser, run = _COMMANDS.get(named, _serve)()
    given = parser.parse_args(arguments[1:] if named in _COMMANDS else arguments)
    if program and run is _run:
        close_to_others()
    status = run(given)
    if program and run is _run:
        from ..app._running import see_to_the_end

        see_to_the_end(status)
    return status


Command = tuple[argparse.ArgumentParser, Callable[[argparse.Namespace], int]]


def _serve() -> Command:
    parser = argparse.ArgumentParser(
        prog="nbagents app",
        usage="nbagents app MODULE:APP [options]\n       nbagents app list | stop ID | dockerfile MODULE:APP",
        description="Serves an app in the foreground, until it gets SIGTERM or SIGINT; answers under way get"
        " some seconds then. Its module is looked for in the working folder, too.",
        epilog="`list` tells which apps of yours serve, `stop` ends one of these, wherever it was begun, and"
        " `dockerfile` writes what a container with the app is made of.",
    )
    add = parser.add_argument
    add("target", metavar="MODULE:APP", help="the module, and what the app is called in it")
    add("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    add("--port", type=port_number, default=8080, help="0 is any that is free (default: %(default)s)")
    add("--token-file", metavar="FILE", help="holds the token; only its user may be able to read it")
    add("--ssl-certfile", metavar="FILE", help="the certificate with its chain, PEM")
    add("--ssl-keyfile", metavar="FILE", help="its key, PEM, without a passphrase")
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which clients call it, beside localhost; can be given again",
    )
    add(
        "--insecure",
        action="store_true",
        help="serve other machines without TLS, behind a proxy that has it: everybody on the way can read"
        " the token",
    )
    add(
        "--shutdown-timeout",
        type=float,
        default=10.0,
        metavar="N",
        help="seconds that answers under way get at the end (default: %(default)g)",
    )
    add(
        "--startup-timeout",
        type=float,
        default=60.0,
        metavar="N",
        help="seconds that the app may take to begin (default: %(default)g)",
    )
    return parser, _run


def _run(given: argparse.Namespace) -> int:
    from ..app._deployment import FOREGROUND
    from ..app._running import run_until_told
    from ..app._target import give_tokens, load_target
    from ..rpc._log import start_log
    from ..rpc._token import read_token

    if (given.ssl_certfile is None) != (given.ssl_keyfile is None):
        raise UsageError("TLS needs --ssl-certfile and --ssl-keyfile, both")
    token = None if given.token_file is None else read_token(given.token_file, mounted=True)
    start_log()
    app = load_target(given.target, [os.getcwd()])
    if token is not None:
        if app.token is None:
            raise UsageError(
                f"{given.target} has insecure=True, or tokens of its users: --token-file is not for it"
            )
        give_tokens(app, {"": token})
    app.hosts = (*app.hosts, *given.allow_host)

    def announce(deployment: Any) -> None:
        print(f"{deployment.name or 'AgentApp'} serves at {deployment.url} as {deployment.deploy_id}")
        if deployment.token is not None:
            print(f"token: in {given.token_file or deployment.record}")
        sys.stdout.flush()

    tls = {"ssl_certfile": given.ssl_certfile, "ssl_keyfile": given.ssl_keyfile} if given.ssl_certfile else {}
    return run_until_told(
        app,
        host=given.host,
        port=given.port,
        mode=FOREGROUND,
        source=given.target,
        ready=announce,
        shutdown_timeout=given.shutdown_timeout,
        startup_timeout=given.startup_timeout,
        unprotected=given.insecure,
        **tls,
    )


def _list() -> Command:
    parser = argparse.ArgumentParser(
        prog="nbagents app list",
        description="Tells which apps of yours serve: behind notebooks, in terminals, and in processes of"
        " their own. Each is asked whether it answers.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs; without tokens")
    return parser, _listed


def _listed(given: argparse.Namespace) -> int:
    from ..app import deployments
    from ..app._health import healths

    found = deployments()
    told = list(zip(found, healths(found), strict=True))
    if given.json:
        print(json.dumps([{**one.to_dict(), "health": health} for one, health in told], indent=2))
        return 0
    if not found:
        print("no app of yours serves")
        return 0
    columns = ("id", "name", "address", "mode", "source", "process", "since", "health")
    rows = []
    for one, health in told:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.started))
        where = f"{one.pid} on {one.machine}" if one.foreign else str(one.pid)
        health += f"; log: {one.log}" if health == "dead" and one.log.exists() else ""
        rows.append((one.deploy_id, one.name, one.url, one.mode, one.source, where, since, health))
    print(table_text(TableView(columns, tuple(rows))))
    return 0


def _stop() -> Command:
    parser = argparse.ArgumentParser(
        prog="nbagents app stop",
        description="Ends apps, wherever they serve, and waits until they have ended. Of a notebook only the"
        " app ends, not its kernel.",
    )
    parser.add_argument(
        "--forget",
        action="store_true",
        help="take those of other machines, which cannot be ended from here, off the list",
    )
    parser.add_argument("deploy_id", nargs="+", metavar="ID", help="as `nbagents app list` tells it")
    return parser, _stopped


def _stopped(given: argparse.Namespace) -> int:
    from ..app import stop_deployment
    from ..app._deployment import find_deployment

    failed: list[NbAgentsError] = []
    for deploy_id in given.deploy_id:
        try:
            found = find_deployment(deploy_id)
            was_dead = found is not None and not found.alive
            stopped = stop_deployment(deploy_id, forget=given.forget)
        except NbAgentsError as error:
            failed.append(error)
            continue
        how = "had died already; it is off the list now" if was_dead else "has ended"
        how = f"on {stopped.machine} is off the list" if stopped.foreign else how
        print(f"{stopped.name or 'AgentApp'} at {stopped.url} {how}", flush=True)
    for earlier in failed[:-1]:
        print(f"nbagents app: {earlier}", file=sys.stderr)
    if failed:
        raise failed[-1]
    return 0


def _image() -> Command:
    parser = argparse.ArgumentParser(
        prog="nbagents app dockerfile",
        description="Writes a Dockerfile, and a .dockerignore where there is none, for the folder that the"
        " app's module lies in. The token, and the certificate, are mounted where a container runs.",
    )
    add = parser.add_argument
    add("target", metavar="MODULE:APP", help="the module, and what the app is called in it")
    add("-o", "--output", type=Path, default=Path(), metavar="FOLDER", help="the folder (default: this one)")
    add("--port", type=port_number, default=CONTAINER_PORT, help="in the container (default: %(default)s)")
    add("--allow-host", action="append", default=[], metavar="NAME", help="a name by which clients call it")
    add(
        "--behind-proxy",
        action="store_true",
        help="serve without TLS: for a proxy that has it, in a network that nobody else is in",
    )
    add("--force", action="store_true", help="replace a Dockerfile that is there")
    return parser, _image_written


def _image_written(given: argparse.Namespace) -> int:
    from ..app._target import check_target

    module, _ = check_target(given.target)
    folder: Path = given.output
    path, ignore = folder / "Dockerfile", folder / ".dockerignore"
    if path.exists() and not given.force:
        raise UsageError(f"{path} is there already", hint="--force replaces it")
    text = dockerfile(
        given.target,
        version=__version__,
        port=given.port or CONTAINER_PORT,
        hosts=given.allow_host,
        behind_proxy=given.behind_proxy,
        requirements=(folder / "requirements.txt").is_file(),
    )
    try:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
        if ignore.exists():
            print(f"left {ignore} as it is: see that keys and notebooks stay out of the image")
        else:
            ignore.write_text(dockerignore(), encoding="utf-8")
            print(f"wrote {ignore}")
        context = BuildContext(folder, ignore.read_text(encoding="utf-8"))
        for held in context.with_secrets():
            print(f"note: {held} would be in the image, and looks as if it held a key: add it to {ignore}")
    except UnicodeDecodeError:
        raise UsageError(f"{ignore} is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}", hint="--output FOLDER") from None
    place = folder / module.split(".")[0]
    if not place.is_dir() and not place.with_suffix(".py").is_file():
        print(f"note: there is no {place.name}.py in {folder.resolve()}; the image needs that module")
    elif not any(context.has(name) for name in (place.name, f"{place.name}.py")):
        print(f"note: {ignore} keeps {place.name} out of the image, which needs that module")
    return 0


_COMMANDS: dict[str, Callable[[], Command]] = {"list": _list, "stop": _stop, "dockerfile": _image}
