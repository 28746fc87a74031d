"""``nbagents serve``: an agent server for machines where nobody sits."""

from __future__ import annotations

import argparse

from .._process import close_to_others
from ..rpc import ServerOptions
from ._serving import add_guards, guards, port_number, serve

__all__ = ["add_serve", "run_serve"]


def add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve",
        help="serve agents until a signal or a client stops it",
        description="Serves agents in the foreground, until it gets SIGTERM or SIGINT or a client stops it;"
        " never ends for want of clients. Without --port it listens on a Unix socket that only you can enter."
        " Prints its address, and which file holds the token that every client must know.",
    )
    add = parser.add_argument
    add(
        "--host",
        default="localhost",
        help="the address to listen on; other than this machine's own needs TLS",
    )
    add("--port", type=port_number, help="the TCP port; 0 is any that is free")
    add_guards(parser)
    add("--agent-dir", metavar="DIR", help="a folder whose Python files define agents")
    add("--model-config-path", metavar="FILE", help="a JSON file of model configurations")
    add("--server-id", help="the server's id; by default a new one at each start")


def run_serve(given: argparse.Namespace) -> int:
    """Run it; return the exit status. Raises as `serve` does."""
    close_to_others()
    own = {name: getattr(given, name) for name in ("host", "port", "agent_dir", "server_id")}
    return serve(ServerOptions(**own, **guards(given)), models=given.model_config_path)
