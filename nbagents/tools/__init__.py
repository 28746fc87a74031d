"""Tools: functions that a model may call. They know messages and events, and neither models nor agents.

`Toolkit` is the form of AgentScope 1.x, `ServiceToolkit` that of 0.x; below them it is the same: a
`Tool` is a function with a JSON schema made of its signature and docstring.
"""

from ._effects import Effect, effects, effects_of
from ._remade import parts_from
from ._reserved import reserved, reserved_of
from ._response import ToolResponse, text_of
from ._run import ToolStream, arguments_of
from ._schema import tidy_schema
from ._service import ServiceExecStatus, ServiceResponse
from ._service_toolkit import ServiceFactory, ServiceToolkit
from ._tool import Tool
from ._toolkit import Toolkit
from .text import summarization
from .web import (
    arxiv_search,
    bing_search,
    dblp_search,
    dblp_search_authors,
    dblp_search_publications,
    dblp_search_venues,
    ddgs_search,
    digest_webpage,
    download_from_url,
    google_search,
    load_web,
    parse_html_to_text,
    wikipedia_search,
    wikipedia_search_categories,
)

__all__ = [
    "Effect",
    "ServiceExecStatus",
    "ServiceFactory",
    "ServiceResponse",
    "ServiceToolkit",
    "Tool",
    "ToolResponse",
    "ToolStream",
    "Toolkit",
    "arguments_of",
    "arxiv_search",
    "bing_search",
    "dblp_search",
    "dblp_search_authors",
    "dblp_search_publications",
    "dblp_search_venues",
    "ddgs_search",
    "digest_webpage",
    "download_from_url",
    "effects",
    "effects_of",
    "google_search",
    "load_web",
    "parse_html_to_text",
    "parts_from",
    "reserved",
    "reserved_of",
    "summarization",
    "text_of",
    "tidy_schema",
    "wikipedia_search",
    "wikipedia_search_categories",
]
