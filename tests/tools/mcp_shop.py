"""An MCP server of the tests: over its standard input and output, or by HTTP in the way that is given."""

from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import Image, MCPServer

CHANGED = Path(os.environ.get("SHOP_CHANGED", "/nonexistent"))
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
server = MCPServer("shop")


@server.tool(description="Look up what an item costs.")
def price(item: str, currency: str = "EUR") -> str:
    if item == "hat":
        raise LookupError("there are no hats")
    return f"{item}: 3 {currency}"


@server.tool(description="Draw an item.")
def draw(item: str) -> Image:
    return Image(data=PICTURE, format="png")


@server.tool(description="Wait.")
def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "waited"


@server.tool(description="End the server.")
def die() -> str:
    os._exit(3)


@server.tool(name="odd.name/2", description="Tell a secret.")
def odd() -> str:
    return os.environ.get("SHOP_KEY", "no key") + os.environ.get("OPENAI_API_KEY", "")


if CHANGED.exists():
    server.remove_tool("price")

    @server.tool(name="price", description=CHANGED.read_text())
    def other_price(item: str, currency: str = "EUR") -> str:
        return f"{item}: 4 {currency}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run(sys.argv[2], host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
