"""Tools: functions that a model may call. They know messages and events, and neither models nor agents.

`Toolkit` is the form of AgentScope 1.x, `ServiceToolkit` that of 0.x; below them it is the same: a `Tool` is
a function with a JSON schema made of its signature and docstring. All is loaded at first use: every server
asks whether an agent has tools, and few need databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._audit import audit_calls, audit_log
    from ._effects import Effect, effects, effects_of
    from ._gathered import gathered
    from ._outside import told_blocks
    from ._policy import RULES, Policy
    from ._ready import READY_TOOLS, UNREADY_TOOLS
    from ._reserved import reserved
    from ._response import ToolResponse
    from ._run import ToolStream
    from ._service import ServiceExecStatus, ServiceResponse
    from ._service_toolkit import ServiceFactory, ServiceToolkit
    from ._tool import Tool
    from ._toolkit import Toolkit
    from .code import Execution, KernelExecutor, execute_python_code, execute_shell_command
    from .database import Database, query_mysql, query_postgresql, query_sqlite
    from .files import (
        create_directory,
        create_file,
        delete_directory,
        delete_file,
        get_current_directory,
        insert_text_file,
        list_directory_content,
        move_directory,
        move_file,
        read_json_file,
        read_text_file,
        view_text_file,
        write_json_file,
        write_text_file,
    )
    from .retrieval import (
        IndexReport,
        KnowledgeIndex,
        Passage,
        Skipped,
        cos_sim,
        retrieve_from_list,
    )
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
    "READY_TOOLS",
    "RULES",
    "UNREADY_TOOLS",
    "Database",
    "Effect",
    "Execution",
    "IndexReport",
    "KernelExecutor",
    "KnowledgeIndex",
    "Passage",
    "Policy",
    "ServiceExecStatus",
    "ServiceFactory",
    "ServiceResponse",
    "ServiceToolkit",
    "Skipped",
    "Tool",
    "ToolResponse",
    "ToolStream",
    "Toolkit",
    "arxiv_search",
    "audit_calls",
    "audit_log",
    "bing_search",
    "cos_sim",
    "create_directory",
    "create_file",
    "dblp_search",
    "dblp_search_authors",
    "dblp_search_publications",
    "dblp_search_venues",
    "ddgs_search",
    "delete_directory",
    "delete_file",
    "digest_webpage",
    "download_from_url",
    "effects",
    "effects_of",
    "execute_python_code",
    "execute_shell_command",
    "gathered",
    "get_current_directory",
    "google_search",
    "insert_text_file",
    "list_directory_content",
    "load_web",
    "move_directory",
    "move_file",
    "parse_html_to_text",
    "query_mysql",
    "query_postgresql",
    "query_sqlite",
    "read_json_file",
    "read_text_file",
    "reserved",
    "retrieve_from_list",
    "summarization",
    "told_blocks",
    "view_text_file",
    "wikipedia_search",
    "wikipedia_search_categories",
    "write_json_file",
    "write_text_file",
]


__getattr__, __dir__ = lazy(
    __name__,
    {
        "_audit": "audit_calls audit_log",
        "_effects": "Effect effects effects_of",
        "_gathered": "gathered",
        "_outside": "told_blocks",
        "_policy": "RULES Policy",
        "_ready": "READY_TOOLS UNREADY_TOOLS",
        "_reserved": "reserved",
        "_response": "ToolResponse",
        "_run": "ToolStream",
        "_service": "ServiceExecStatus ServiceResponse",
        "_service_toolkit": "ServiceFactory ServiceToolkit",
        "_tool": "Tool",
        "_toolkit": "Toolkit",
        "code": "Execution KernelExecutor execute_python_code execute_shell_command",
        "database": "Database query_mysql query_postgresql query_sqlite",
        "files": "create_directory create_file delete_directory delete_file get_current_directory"
        " insert_text_file list_directory_content move_directory move_file read_json_file read_text_file"
        " view_text_file write_json_file write_text_file",
        "retrieval": "IndexReport KnowledgeIndex Passage Skipped cos_sim retrieve_from_list",
        "text": "summarization",
        "web": "arxiv_search bing_search dblp_search dblp_search_authors dblp_search_publications"
        " dblp_search_venues ddgs_search digest_webpage download_from_url google_search load_web"
        " parse_html_to_text wikipedia_search wikipedia_search_categories",
    },
)
