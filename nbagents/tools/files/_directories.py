"""Folders, made, listed, moved and deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

from ..._folder import DIRECTORY, open_below
from .._effects import effects
from ._answer import answered
from ._here import in_work_folder
from ._move import move
from ._work_folder import Refused, WorkFolder

__all__ = [
    "create_directory",
    "delete_directory",
    "get_current_directory",
    "list_directory_content",
    "move_directory",
]

MOST = 10_000
"""Names that are listed."""


@effects("write")
@in_work_folder
@answered
def create_directory(directory_path: str, *, folder: str | None = None, hidden: bool = False) -> str:
    """Create a folder, and those that it is in.

    Args:
        directory_path: Its path in the work folder.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work, contextlib.ExitStack() as steps:
        *before, name = work.parts(directory_path) or [""]
        step, made = steps.enter_context(work.directory(".")), False
        for part in [*before, name] if name else []:
            with work.told(directory_path):
                made = work.about(step, part) is None
                if made:
                    os.mkdir(part, dir_fd=step)
                step = open_below(step, [part], DIRECTORY)
            steps.callback(os.close, step)
        if not made:
            raise Refused(f"{directory_path!r} is there already")
    return f"created {directory_path}"


@effects("write")
@in_work_folder
@answered
def delete_directory(directory_path: str, *, folder: str | None = None, hidden: bool = False) -> str:
    """Delete a folder with all that is in it.

    Args:
        directory_path: Its path in the work folder.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work, work.parent(directory_path) as (parent, name):
        about = work.about(parent, name)
        if about is None or not stat.S_ISDIR(about.st_mode):
            raise work.absent(directory_path)
        with work.told(directory_path):
            shutil.rmtree(name, dir_fd=parent)  # by descriptors: it follows no link either
    return f"deleted {directory_path}"


@effects("write")
@in_work_folder
@answered
def move_directory(
    source_path: str, destination_path: str, *, folder: str | None = None, hidden: bool = False
) -> str:
    """Move or rename a folder.

    Args:
        source_path: Where it is, in the work folder.
        destination_path: Its new path, where nothing is yet.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with WorkFolder(folder, hidden=hidden) as work:
        return move(work, source_path, destination_path, stat.S_ISDIR)


@effects("read")
@in_work_folder
@answered
def list_directory_content(
    directory_path: str = ".", *, folder: str | None = None, hidden: bool = False
) -> list[str]:
    """List the names of the files and folders in a folder.

    Args:
        directory_path: Its path in the work folder; "." is the work folder itself.
        folder: The work folder; by default the current one.
        hidden: May names begin with a dot?
    """
    with (
        WorkFolder(folder, hidden=hidden) as work,
        work.directory(directory_path) as found,
        work.told(directory_path),
    ):
        names = sorted(name for name in os.listdir(found) if hidden or not name.startswith("."))
    if len(names) > MOST:
        raise Refused(f"{directory_path!r} has {len(names):,} entries; at most {MOST:,} are listed")
    return names


@effects("read")
@in_work_folder
@answered
def get_current_directory(*, folder: str | None = None) -> str:
    """Tell the path of the work folder, from which all other paths count.

    Args:
        folder: The work folder; by default the current one.
    """
    with WorkFolder(folder) as work:
        return work.path
