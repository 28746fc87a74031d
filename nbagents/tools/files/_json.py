"""JSON files, read and written as a whole."""

from __future__ import annotations

import json
from typing import Any

from .._effects import effects
from ._answer import answered
from ._here import in_work_folder
from ._text import text_of
from ._work_folder import Refused, WorkFolder

__all__ = ["read_json_file", "write_json_file"]


@effects("read")
@in_work_folder
@answered
def read_json_file(file_path: str, *, folder: str | None = None, hidden: bool = False) -> Any:
    """Read a JSON file.

    Args:
        file_path: Its path in the work folder.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        text = text_of(work.read(file_path), file_path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{file_path!r} is no JSON: {error}") from None


@effects("write")
@in_work_folder
@answered
def write_json_file(
    file_path: str, data: Any, overwrite: bool = False, *, folder: str | None = None, hidden: bool = False
) -> str:
    """Write data to a JSON file.

    Args:
        file_path: Its path in the work folder.
        data: What to write: an object, a list, a text, a number.
        overwrite: Replace a file that is there already.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    try:
        text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        written = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(f"JSON cannot hold that: {error}") from None
    with WorkFolder(folder, hidden=hidden) as work:
        work.write(file_path, written, overwrite=overwrite)
    return f"wrote {file_path}"
