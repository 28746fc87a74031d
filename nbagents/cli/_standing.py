"""A server that stands somewhere already: telling of it, and stopping it."""

from __future__ import annotations

import argparse
import time

from ..exceptions import AgentServerError, AgentServerNotAliveError
from ..render import TableView, table_text
from ..rpc import Connection, RpcAgentClient, connection_at, connections

__all__ = ["status", "stop"]

END_SECONDS = 15.0


def status(given: argparse.Namespace) -> int:
    """Print what a server is and which agents live in it; return 0.

    Raises:
        AgentServerError: there is none, or it does not let us in.
    """
    client, _ = _found(given)
    about = client.get_server_info()
    agents = client.get_agent_list()
    print(
        f"agent server {about['id']} at {client.address}: process {about['pid']}, {about['mem']} MiB,"
        f" {len(agents)} agent{'s' * (len(agents) != 1)}, {about['pending']} pending"
    )
    if agents:
        columns = ("agent", "type", "id", "messages")
        rows = [(agent["name"], agent["type"], agent["agent_id"], str(agent["messages"])) for agent in agents]
        print(table_text(TableView(columns, tuple(rows))))
    return 0


def stop(given: argparse.Namespace) -> int:
    """Stop a server and wait until it has ended; return 0.

    Raises:
        AgentServerError: there is none, it does not let us in, or it does not end.
    """
    client, connection = _found(given)
    server_id = client.get_server_info()["id"]
    client.stop()
    limit = time.monotonic() + END_SECONDS
    while connection.is_alive() if connection is not None else client.is_alive():
        if time.monotonic() > limit:
            raise AgentServerError(f"the agent server {server_id} was asked to stop, and runs on")
        time.sleep(0.05)
    print(f"agent server {server_id} has ended")
    return 0


def _found(given: argparse.Namespace) -> tuple[RpcAgentClient, Connection | None]:
    if given.server_id is None:
        client = RpcAgentClient(given.host, given.port, ca=given.ca, insecure=given.insecure)
        return client, connection_at(client.address)
    for connection in connections():
        if connection.server_id == given.server_id and not connection.is_foreign():
            return RpcAgentClient(connection.address, token=connection.token), connection
    raise AgentServerNotAliveError(
        f"no agent server of yours on this machine has the id {given.server_id[:130]!r}"
    )
