"""`Exports`: the folders whose files clients may download, and nothing outside them.

A file is opened from the descriptor of its folder, and no link is followed on the way (`_folder`).
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Iterator, Sequence

from .._folder import LONGEST_PATH, can_hold, open_below, open_folder
from ..exceptions import FileNotExportedError, MessageTooLargeError, UsageError

__all__ = ["Exports"]

PART = 2**20


class Exports:
    """Some folders of this machine, held open from now on. Safe from any thread.

    ``limit`` is the most bytes that a file may have.

    Raises:
        UsageError: one of them is no folder that can be exported.
    """

    def __init__(self, folders: Sequence[str] = (), limit: int = 2**30) -> None:
        self.limit = limit
        self._roots: list[tuple[str, int]] = []
        for folder in folders:
            self._roots.append((folder, _opened_root(folder)))

    def close(self) -> None:
        """Let go of the folders. Twice is fine."""
        roots, self._roots = self._roots, []
        for _, fd in roots:
            os.close(fd)

    def open(self, path: str) -> int:
        """Return a descriptor of the regular file at ``path``, for reading.

        The path is relative to an exported folder, the first that has such a file; or it starts with the
        folder's own path. Hidden files, links, and files that have another name elsewhere are not exported.

        Raises:
            FileNotExportedError: no such file is exported; the text is the same whether it exists or not.
            MessageTooLargeError: it is, and exceeds the limit.
        """
        for root, relative in self._candidates(path):
            try:
                fd = open_below(root, relative)
            except (OSError, ValueError):  # not there, a link, or no name that this system can have
                continue
            about = os.fstat(fd)
            regular = stat.S_ISREG(about.st_mode) and about.st_nlink == 1
            if regular and about.st_size <= self.limit:
                return fd
            os.close(fd)
            if regular:
                raise self._too_large()
        raise FileNotExportedError(
            "not found among the exported files" if self._roots else "not found: this server exports no files"
        )

    async def parts(self, path: str) -> AsyncGenerator[bytes, None]:
        """Read the file at ``path`` in parts of a mebibyte, on threads. Raises as `open` does."""
        fd = await asyncio.to_thread(self.open, path)
        with os.fdopen(fd, "rb", buffering=0) as file:
            left = self.limit
            while data := await asyncio.to_thread(file.read, PART):
                left -= len(data)
                if left < 0:  # it has grown meanwhile
                    raise self._too_large()
                yield data

    def _too_large(self) -> MessageTooLargeError:
        return MessageTooLargeError(f"the file is larger than export_limit, {self.limit:,} bytes")

    def _candidates(self, path: str) -> Iterator[tuple[int, list[str]]]:
        if len(path) > LONGEST_PATH or "\0" in path:
            return
        for folder, fd in self._roots:
            below = path
            if path.startswith("/"):
                if not path.startswith(folder + "/"):
                    continue
                below = path[len(folder) + 1 :]
            parts = below.split("/")
            # "", "." and ".." begin with no other character, and so do hidden files.
            if all(part and not part.startswith(".") for part in parts):
                yield fd, parts


def _opened_root(folder: str) -> int:
    if not can_hold():
        raise UsageError("export= needs a POSIX system, whose folders can be held open")
    if os.path.realpath(folder) == "/":
        raise UsageError("export= cannot be the whole machine: name the folder that clients may read")
    try:
        return open_folder(folder)
    except OSError as error:
        raise UsageError(f"export= names {folder}, which is no folder: {error.strerror}") from None
