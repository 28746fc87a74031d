"""MCP: the agents of an app as a tool for other programs' models. The extra is ``mcp``.

Its package is loaded by the first request that needs it.
"""

from ._doors import McpDoors

__all__ = ["McpDoors"]
