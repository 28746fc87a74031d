"""The tools that come along, by name: those that an agent may have as they stand, and what the others need.

Only names, so that they can be told and completed without loading what they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["READY_TOOLS", "UNREADY_TOOLS"]

READY_TOOLS: tuple[str, ...] = (
    # what is read and written in the current folder
    "list_directory_content", "get_current_directory", "read_text_file", "view_text_file", "read_json_file",
    "write_text_file", "insert_text_file", "write_json_file", "create_file", "delete_file", "move_file",
    "create_directory", "delete_directory", "move_directory",
    # what runs code
    "execute_python_code", "execute_shell_command",
    # what asks the web
    "ddgs_search", "wikipedia_search", "wikipedia_search_categories", "arxiv_search", "dblp_search",
    "dblp_search_authors", "dblp_search_publications", "dblp_search_venues", "load_web",
    "parse_html_to_text", "download_from_url",
)  # fmt: skip
"""Functions of `nbagents.tools` that need nothing that only a programmer gives."""

UNREADY_TOOLS: Mapping[str, str] = {
    "bing_search": "api_key",
    "google_search": "api_key and cse_id",
    "digest_webpage": "model",
    "summarization": "model",
    "query_sqlite": "database",
    "query_postgresql": "database",
    "query_mysql": "database",
    "retrieve_from_list": "knowledge",
}
"""Those that need something preset first, and what."""
