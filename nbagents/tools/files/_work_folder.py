"""`WorkFolder`: the folder that file tools work in, held open, and what may be done below it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from types import TracebackType

from ..._folder import DIRECTORY, LONGEST_PATH, READ, can_hold, open_below, open_folder
from ..._ids import new_id
from ...exceptions import UsageError

__all__ = ["LARGEST", "Refused", "WorkFolder"]

LARGEST = 10_000_000
"""Bytes of a file that is read or written."""
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_ELSEWHERE = ("/proc", "/sys", "/dev")
# What also a stranger could find out: whether something is there. It is told by one text.
_ABSENT = {
    errno.ENOENT, errno.ELOOP, errno.EXDEV, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ,
    errno.ENXIO,
}  # fmt: skip


class Refused(Exception):
    """What is asked for cannot be done; the text is for whoever asked."""


class WorkFolder:
    """A folder that is held open while this is entered.

    ``hidden`` allows names that begin with a dot.

    Raises:
        UsageError: on entering: it is no folder to work in.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, hidden: bool = False) -> None:
        self.path = os.path.abspath(os.fspath(folder) if folder is not None else os.getcwd())
        self.hidden, self._by_default = hidden, folder is None
        self._root = -1

    def __enter__(self) -> WorkFolder:
        if not can_hold():
            raise UsageError("file tools need a POSIX system, whose folders can be held open")
        real = os.path.realpath(self.path)
        # A server's current folder, which is everybody's.
        nobodys = self._by_default and real == os.path.realpath(tempfile.gettempdir())
        if real == "/" or nobodys or any(f"{real}/".startswith(f"{place}/") for place in _ELSEWHERE):
            raise UsageError(
                f"{self.path} is no folder to work in", hint="folder=... names one, or change to one"
            )
        try:
            self._root = open_folder(self.path)
        except OSError as error:
            raise UsageError(f"folder= names {self.path}, which is no folder: {error.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)

    def parts(self, path: str) -> list[str]:
        """Return the names on the way to a path; none for the folder itself.

        Raises:
            Refused: it leads out of the folder, or to what is hidden.
        """
        if not isinstance(path, str) or not path or len(path) > LONGEST_PATH or "\0" in path:
            raise self.absent(path)
        below = path
        if path.startswith("/"):
            roots = (self.path, os.path.realpath(self.path))
            root = next((root for root in roots if f"{path}/".startswith(f"{root}/")), None)
            if root is None:
                raise self.absent(path)
            below = path[len(root) :]
        parts = [part for part in below.split("/") if part not in ("", ".")]
        if ".." in parts or (not self.hidden and any(part.startswith(".") for part in parts)):
            raise self.absent(path)
        return parts

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[int]:
        """Open a regular file for reading.

        Raises:
            Refused: there is none, or it has another name elsewhere.
        """
        with self.told(path):
            fd = open_below(self._root, self.parts(path), READ)
        try:
            about = os.fstat(fd)
            if stat.S_ISDIR(about.st_mode):
                raise Refused(f"{_shown(path)} is a folder")
            if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
                raise self.absent(path)
            yield fd
        finally:
            os.close(fd)

    def read(self, path: str) -> bytes:
        """Return what a file holds.

        Raises:
            Refused: there is none, or it is too large.
        """
        with self.opened(path) as fd, open(fd, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise Refused(f"{_shown(path)} is larger than {LARGEST:,} bytes, the most that is read")
        return data

    def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """Write a file, whole or not at all.

        Raises:
            Refused: it is there and ``overwrite`` is false; it is no regular file; it cannot be written.
        """
        if len(data) > LARGEST:
            raise Refused(f"that is more than {LARGEST:,} bytes, the most that is written")
        with self.parent(path) as (folder, name):
            about = self.about(folder, name)
            if about is not None and not stat.S_ISREG(about.st_mode):
                raise (
                    Refused(f"{_shown(path)} is a folder")
                    if stat.S_ISDIR(about.st_mode)
                    else self.absent(path)
                )
            if about is not None and not overwrite:
                raise Refused(f"{_shown(path)} is there already; overwrite=true replaces it")
            made = name if about is None else f".{new_id()}"
            mode = 0o666 if about is None else 0o600
            try:
                with self.told(path):
                    fd = open_below(folder, [made], _MAKE, mode)
                    with open(fd, "wb") as file:
                        file.write(data)
                        if about is not None:  # in place of the old one, in one step
                            os.fchmod(fd, stat.S_IMODE(about.st_mode))
                    if about is not None:
                        os.replace(made, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                if about is not None:
                    with contextlib.suppress(OSError):
                        os.unlink(made, dir_fd=folder)
                raise

    @contextlib.contextmanager
    def parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder that something is in, or is to be in; give it with the name there.

        Raises:
            Refused: there is no such folder, or it is the work folder itself that is named.
        """
        parts = self.parts(path)
        if not parts:
            raise Refused("that is the work folder itself, which stays as it is")
        with self.told(path):
            fd = open_below(self._root, parts[:-1], DIRECTORY)
        try:
            yield fd, parts[-1]
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def directory(self, path: str) -> Iterator[int]:
        """Open a folder, or the work folder itself, as ".".

        Raises:
            Refused: there is none.
        """
        with self.told(path):
            fd = open_below(self._root, self.parts(path), DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def about(self, folder: int, name: str) -> os.stat_result | None:
        """Return what a name in an open folder is; links are not followed. None if there is nothing."""
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise self.absent(name) from None

    @contextlib.contextmanager
    def told(self, path: str) -> Iterator[None]:
        """Turn what the system says into `Refused`."""
        try:
            yield
        except ValueError:
            raise self.absent(path) from None
        except OSError as error:
            if error.errno in _ABSENT:
                raise self.absent(path) from None
            raise Refused(f"{_shown(path)}: {(error.strerror or 'it failed').lower()}") from None

    @staticmethod
    def absent(path: object) -> Refused:
        """Return the one answer to all that is not there, or not for tools."""
        return Refused(f"{_shown(path)} is nothing in the work folder that a tool may use")


def _shown(path: object) -> str:
    text = repr(path)
    return text if len(text) <= 120 else f"{text[:117]}…'"
