"""Files, made, moved and deleted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from .._effects import effects
from ._answer import answered
from ._here import in_work_folder
from ._work_folder import Refused, WorkFolder

__all__ = ["create_file", "delete_file", "move", "move_file"]


@effects("write")
@in_work_folder
@answered
def create_file(file_path: str, content: str = "", *, folder: str | None = None, hidden: bool = False) -> str:
    """Create a file that is not there yet.

    Args:
        file_path: Its path in the work folder.
        content: The text to write to it.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        work.write(file_path, content.encode("utf-8", "replace"), overwrite=False)
    return f"created {file_path}"


@effects("write")
@in_work_folder
@answered
def delete_file(file_path: str, *, folder: str | None = None, hidden: bool = False) -> str:
    """Delete a file.

    Args:
        file_path: Its path in the work folder.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work, work.parent(file_path) as (parent, name):
        about = work.about(parent, name)
        if about is not None and stat.S_ISDIR(about.st_mode):
            raise Refused(f"{file_path!r} is a folder: delete_directory deletes it")
        if about is None or not stat.S_ISREG(about.st_mode):
            raise work.absent(file_path)
        with work.told(file_path):
            os.unlink(name, dir_fd=parent)
    return f"deleted {file_path}"


@effects("write")
@in_work_folder
@answered
def move_file(
    source_path: str, destination_path: str, *, folder: str | None = None, hidden: bool = False
) -> str:
    """Move or rename a file.

    Args:
        source_path: Where it is, in the work folder.
        destination_path: Its new path, where nothing is yet.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        return move(work, source_path, destination_path, stat.S_ISREG)


def move(work: WorkFolder, source_path: str, destination_path: str, is_right: Callable[[int], bool]) -> str:
    """Move what is of the right kind to where nothing is.

    Raises:
        Refused: it is not there, or something is where it is to go.
    """
    with (
        work.parent(source_path) as (source, old),
        work.parent(destination_path) as (destination, new),
    ):
        about = work.about(source, old)
        if about is None or not is_right(about.st_mode):
            raise work.absent(source_path)
        if work.about(destination, new) is not None:
            raise Refused(f"{destination_path!r} is there already")
        with work.told(destination_path):
            os.rename(old, new, src_dir_fd=source, dst_dir_fd=destination)
    return f"moved {source_path} to {destination_path}"
