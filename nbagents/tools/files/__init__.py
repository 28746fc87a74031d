"""Files of one work folder, for people and models: read, written, moved, listed, and nothing outside of it.

The work folder is the current one of the process, unless ``folder=`` names another; a model cannot name it.
For a tool it is what was the current one when the tool was made, also in a server, whose own is another.
All is opened from a descriptor of that folder, and no link is followed. What is outside, hidden, a link, a
device, or a file that has another name elsewhere is answered alike, whether it exists or not.
"""

from ._directories import (
    create_directory,
    delete_directory,
    get_current_directory,
    list_directory_content,
    move_directory,
)
from ._json import read_json_file, write_json_file
from ._lines import insert_text_file, view_text_file
from ._move import create_file, delete_file, move_file
from ._text import read_text_file, write_text_file

__all__ = [
    "create_directory",
    "create_file",
    "delete_directory",
    "delete_file",
    "get_current_directory",
    "insert_text_file",
    "list_directory_content",
    "move_directory",
    "move_file",
    "read_json_file",
    "read_text_file",
    "view_text_file",
    "write_json_file",
    "write_text_file",
]
