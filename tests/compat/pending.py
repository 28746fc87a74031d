"""What is being made: the names and programs that need it go from here when it is there."""

from __future__ import annotations

_SERVICES = """
    cos_sim create_directory create_file delete_directory delete_file execute_python_code
    execute_shell_command get_current_directory list_directory_content move_directory move_file
    query_mongodb query_mysql query_sqlite read_json_file read_text_file retrieve_from_list
    write_json_file write_text_file
"""
NAMES = frozenset(_SERVICES.split())

PROGRAMS: dict[str, str] = {}
