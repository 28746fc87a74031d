"""`Exports`: the folders whose files clients may download, and nothing outside them.

A file is opened below its folder by the kernel itself, which follows no link on the way (`openat2`),
elsewhere one step after the other from the folder's own descriptor. So there is no moment between a
check and the opening in which a path could be exchanged.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import platform
import stat
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence

from ..exceptions import FileNotExportedError, MessageTooLargeError, UsageError

__all__ = ["Exports"]

LONGEST_PATH = 4096
PART = 2**20
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS = 0x08, 0x04, 0x02
_OPENAT2 = 437  # the same on every Linux but Alpha


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
                fd = _open_below(root, relative)
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
    if not hasattr(os, "O_DIRECTORY") or os.open not in os.supports_dir_fd:
        raise UsageError("export= needs a POSIX system, whose folders can be held open")
    if os.path.realpath(folder) == "/":
        raise UsageError("export= cannot be the whole machine: name the folder that clients may read")
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise UsageError(f"export= names {folder}, which is no folder: {error.strerror}") from None


def _open_below(root: int, parts: list[str]) -> int:
    """Open a file below a folder, following no link.

    Raises:
        OSError: it is not there, or a link is on the way.
    """
    if _has_openat2:
        return _openat2(root, "/".join(parts))
    return _walk(root, parts)


def _walk(root: int, parts: list[str]) -> int:
    step = root
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | _FLAGS, dir_fd=step)
            if step != root:
                os.close(step)
            step = below
        return os.open(parts[-1], os.O_NOFOLLOW | _FLAGS, dir_fd=step)
    finally:
        if step != root:
            os.close(step)


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def _openat2(root: int, path: str) -> int:
    how = _How(flags=_FLAGS, mode=0, resolve=_BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    call = ctypes.CDLL(None, use_errno=True).syscall
    for _ in range(64):  # the kernel asks to try again while something else is renamed
        fd = call(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if fd >= 0:
            return int(fd)
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), path)


def _find_openat2() -> bool:
    """Is it there? Old kernels lack it, and some containers forbid it."""
    if sys.platform != "linux" or platform.machine() == "alpha":
        return False
    try:
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        os.close(_openat2(root, "."))
    except (OSError, AttributeError):
        return False
    finally:
        os.close(root)
    return True


_has_openat2 = _find_openat2()
