"""`McpFunction`: a tool of an MCP server as a function, and its answer as content blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._response import ToolResponse

if TYPE_CHECKING:
    from ._client import McpClient

__all__ = ["McpFunction", "blocks_of"]

KINDS = {"image": "image", "audio": "audio"}


class McpFunction:
    """Calls one tool of a server: ``await function(city="Rome")``.

    ``wrapped``, it answers with a `ToolResponse`, else with the `mcp.types.CallToolResult` that came.
    """

    def __init__(
        self, client: McpClient, tool: Any, wrapped: bool = True, execution_timeout: float | None = None
    ) -> None:
        self.client, self.name, self.wrapped = client, str(tool.name), wrapped
        self.description, self.input_schema = str(tool.description or ""), dict(tool.input_schema)
        self.execution_timeout = execution_timeout
        self.__name__ = self.name

    async def __call__(self, **kwargs: Any) -> Any:
        """Call it with these arguments.

        Raises:
            ToolServerError: its server does not answer, or not in time.
        """
        result = await self.client.call_tool(self.name, kwargs, execution_timeout=self.execution_timeout)
        if not self.wrapped:
            return result
        return ToolResponse(blocks_of(result), is_error=bool(result.is_error))

    def __repr__(self) -> str:
        return f"<tool {self.name} of {self.client!r}>"


def blocks_of(result: Any) -> list[dict[str, Any]]:
    """Return the content blocks of what a server has answered."""
    blocks = [_block(each) for each in result.content]
    if not blocks and result.structured_content is not None:
        blocks.append(_text(json.dumps(result.structured_content, ensure_ascii=False, default=str)))
    return blocks or [_text("done; it returned nothing")]


def _block(each: Any) -> dict[str, Any]:
    kind = str(getattr(each, "type", ""))
    if kind == "text":
        return _text(each.text)
    if kind in KINDS:
        source = {"type": "base64", "media_type": each.mime_type, "data": each.data}
        return {"type": KINDS[kind], "source": source}
    resource: Any = getattr(each, "resource", None)
    if resource is not None and isinstance(getattr(resource, "text", None), str):
        return _text(resource.text)
    about: Mapping[str, Any] = (resource or each).model_dump(mode="json")
    return _text(f"[{kind or 'something'}: {about.get('uri') or about.get('name') or 'without a name'}]")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
