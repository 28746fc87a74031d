"""A notebook that knows only the address of a server on another machine asks its person for the token."""

from __future__ import annotations

import socket
from typing import Any

import psutil
import pytest

from nbagents.rpc import RpcAgentServerLauncher

pytestmark = pytest.mark.notebook
CELL = """
from nbagents.rpc import RpcAgentClient
client = RpcAgentClient("{host}", {port}, insecure=True)
print("agents:", client.get_server_info()["size"])
"""


def outside() -> str:
    """An address of this machine by which others reach it."""
    known = [one for found in psutil.net_if_addrs().values() for one in found]
    for one in known:
        if one.family is socket.AF_INET and not one.address.startswith("127."):
            return one.address
    pytest.skip("this machine has no address but its own")


@pytest.mark.parametrize("somebody", [True, False])
def test_the_front_end_asks_and_shows_nothing(new_kernel: Any, somebody: bool):
    host = outside()
    kernel = new_kernel(somebody=somebody)
    with RpcAgentServerLauncher("0.0.0.0", 0, insecure=True) as launcher:
        answers = (launcher.token,) if somebody else ()
        cell = kernel.run(CELL.format(host=host, port=launcher.port), answers=answers)
        if somebody:
            assert cell.prompts == [
                f"Token of the agent server at {host}:{launcher.port} (it is not shown): "
            ]
            assert cell.stdout == "agents: 0\n"
        else:
            assert cell.outputs[0].data["ename"] == "AuthenticationError"
            assert "no token for the agent server at" in cell.outputs[0].data["evalue"]
        assert launcher.token not in str(cell.outputs)
