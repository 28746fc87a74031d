"""MCP servers as tools: programs of others that offer functions, over HTTP or a pipe. The extra is ``mcp``.

What such a server says of its tools, and what these answer, is data: nobody is taken at their word, and
whether a tool may be called is decided as for all others, see `nbagents.tools.Toolkit`. Which program is
started, and which address is asked, is said in code alone; no message, project file or page can.
"""

from ._clients import HttpStatefulClient, HttpStatelessClient, StdIOStatefulClient
from ._function import McpFunction
from ._register import clients_of, register_client, remove_clients

__all__ = [
    "HttpStatefulClient",
    "HttpStatelessClient",
    "McpFunction",
    "StdIOStatefulClient",
    "clients_of",
    "register_client",
    "remove_clients",
]
