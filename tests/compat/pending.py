"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

_SERVICES = """
    bing_search cos_sim create_directory create_file delete_directory delete_file get_current_directory
    google_search list_directory_content move_directory move_file read_json_file read_text_file
    retrieve_from_list summarization write_json_file write_text_file
"""
NAMES = frozenset(_SERVICES.split())

PROGRAMS: dict[str, str] = {}
