"""`main`: what ``nbagents`` does in a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .._version import __version__
from ..exceptions import NbAgentsError
from ._app import run_app
from ._demo import run_demo
from ._serve import add_serve, run_serve

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 if it worked, 1 if not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="nbagents", description="Agents live in servers; your notebook watches and steers them."
    )
    parser.add_argument("--version", action="version", version=f"nbagents {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="run the first tutorial, offline, and print the conversation")
    demo.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("nbagents-demo"),
        metavar="FOLDER",
        help="where the executed notebook and the page go (default: %(default)s)",
    )
    add_serve(commands)
    commands.add_parser("app", help="serve an AgentApp over HTTP; list and stop those that are deployed")
    arguments = list(sys.argv[1:] if argv is None else argv)
    of_app = arguments[:1] == ["app"]  # it has commands of its own, beside the names of apps
    given = argparse.Namespace(command="app") if of_app else parser.parse_args(arguments)
    try:
        if of_app:
            return run_app(arguments[1:], program=argv is None)
        return run_serve(given) if given.command == "serve" else run_demo(given.output)
    except NbAgentsError as error:
        print(f"nbagents {given.command}: {error}", file=sys.stderr)
        if error.hint:
            print(f"Try: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
