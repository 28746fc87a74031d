"""Text files, read and written as a whole."""

from __future__ import annotations

import codecs

from .._effects import effects
from ._answer import answered
from ._here import in_work_folder
from ._work_folder import Refused, WorkFolder

__all__ = ["read_text_file", "text_of", "write_text_file"]


@effects("read")
@in_work_folder
@answered
def read_text_file(file_path: str, *, folder: str | None = None, hidden: bool = False) -> str:
    """Read a text file.

    Args:
        file_path: Its path in the work folder.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        return text_of(work.read(file_path), file_path)


@effects("read", "write")
@in_work_folder
@answered
def write_text_file(
    file_path: str,
    content: str,
    overwrite: bool = False,
    ranges: list[int] | None = None,
    *,
    folder: str | None = None,
    hidden: bool = False,
) -> str:
    """Write a text file, or replace some of its lines.

    Args:
        file_path: Its path in the work folder.
        content: The text.
        overwrite: Replace a file that is there already.
        ranges: Two numbers: replace only the lines from the first to the second, counted from 1.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        if ranges is None:
            work.write(file_path, _bytes(content), overwrite=overwrite)
            return f"wrote {file_path}"
        lines = text_of(work.read(file_path), file_path).splitlines(keepends=True)
        first, last = bounds(ranges, len(lines))
        new = content if content.endswith("\n") or last >= len(lines) or not content else f"{content}\n"
        lines[first - 1 : last] = [new]
        work.write(file_path, _bytes("".join(lines)), overwrite=True)
        return f"replaced lines {first} to {last} of {file_path}"


def text_of(data: bytes, path: str) -> str:
    """Return the text in a file.

    Raises:
        Refused: it is none.
    """
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Refused(f"{path!r} is no text in UTF-8")
    return text


def bounds(ranges: list[int], count: int) -> tuple[int, int]:
    """Return the first and the last line that are meant; negative numbers count from the end.

    Raises:
        Refused: there are no such lines.
    """
    if len(ranges) != 2:
        raise Refused("ranges are two numbers: the first line and the last")
    first, last = (number + count + 1 if number < 0 else number for number in ranges)
    if not 1 <= first <= min(last, count):
        raise Refused(f"there are no lines {ranges[0]} to {ranges[1]}; the file has {count}")
    return first, min(last, count)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("the text has characters that no file can hold") from None
