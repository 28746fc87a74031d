"""Text files by their lines, in the form of AgentScope 1.x: awaited, and answered with a `ToolResponse`."""

from __future__ import annotations

from collections.abc import Callable

from ..._threads import on_thread
from .._effects import effects
from .._response import ToolResponse
from ._here import in_work_folder
from ._text import bounds, text_of
from ._work_folder import Refused, WorkFolder

__all__ = ["insert_text_file", "view_text_file"]


@effects("read")
@in_work_folder
async def view_text_file(
    file_path: str, ranges: list[int] | None = None, *, folder: str | None = None, hidden: bool = False
) -> ToolResponse:
    """Show a text file with the numbers of its lines.

    Args:
        file_path: Its path in the work folder.
        ranges: Two numbers: only the lines from the first to the second, counted from 1; negative numbers
            count from the end.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """

    def view() -> str:
        with WorkFolder(folder, hidden=hidden) as work:
            lines = text_of(work.read(file_path), file_path).splitlines()
        first, last = (1, len(lines)) if ranges is None else bounds(ranges, len(lines))
        return "\n".join(f"{number}: {lines[number - 1]}" for number in range(first, last + 1))

    return await _response(view)


@effects("read", "write")
@in_work_folder
async def insert_text_file(
    file_path: str, content: str, line_number: int, *, folder: str | None = None, hidden: bool = False
) -> ToolResponse:
    """Insert lines into a text file.

    Args:
        file_path: Its path in the work folder.
        content: The lines.
        line_number: The line before which they go, counted from 1; one more than there are adds them at
            the end.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """

    def insert() -> str:
        with WorkFolder(folder, hidden=hidden) as work:
            lines = text_of(work.read(file_path), file_path).splitlines(keepends=True)
            if not 1 <= line_number <= len(lines) + 1:
                raise Refused(f"there is no line {line_number}; the file has {len(lines)}")
            if line_number == len(lines) + 1 and lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            lines.insert(line_number - 1, content if content.endswith("\n") else f"{content}\n")
            work.write(file_path, "".join(lines).encode("utf-8", "replace"), overwrite=True)
        return f"inserted before line {line_number} of {file_path}"

    return await _response(insert)


async def _response(work: Callable[[], str]) -> ToolResponse:
    try:
        return ToolResponse.of_text(await on_thread(work))
    except Refused as error:
        return ToolResponse.of_text(str(error), is_error=True)
