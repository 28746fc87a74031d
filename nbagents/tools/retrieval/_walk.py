"""Which files of a folder are to be read, and why not the others. No link is followed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from ..._folder import READ, open_below, open_folder
from ...exceptions import UsageError
from ._loaders import KINDS, Unreadable, largest
from ._report import Skipped

__all__ = ["FILES", "Candidate", "HeldFolder", "candidates", "is_text", "single"]

FILES = 50_000
"""Files of a folder that are read, at most."""
_ASIDE = {"__pycache__", "node_modules", "site-packages", "build", "dist"}
_SECRET = re.compile(
    r"(?i)(^|[._-])(id_(rsa|dsa|ecdsa|ed25519)|credentials?|secrets?|passwords?|htpasswd|netrc|token)([._-]|$)"
    r"|\.(pem|key|p12|pfx|kdbx|asc|gpg)$"
)
_GENERATED = re.compile(r"(?i)([.-]lock(\.json|\.yaml)?|\.min\.(js|css))$")
_PRIVATE = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be read: its names on the way from the folder, and what it was when it was seen."""

    parts: tuple[str, ...]
    size: int
    changed: int

    @property
    def name(self) -> str:
        """Its path in the folder."""
        return "/".join(self.parts)

    @property
    def stamp(self) -> tuple[int, int]:
        """What changes with it, as a rule."""
        return self.size, self.changed

    @property
    def kind(self) -> str:
        """The end of its name, which says how it is read."""
        return PurePath(self.parts[-1]).suffix.lower()


class HeldFolder:
    """A folder that is held open while this is entered.

    Raises:
        UsageError: on entering: it is no folder that can be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> HeldFolder:
        try:
            self._root = open_folder(self.path)
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be indexed: {(error.strerror or 'it failed').lower()}"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def read(self, file: Candidate) -> bytes:
        """Return what a file holds.

        Raises:
            Unreadable: it is gone, no regular file any more, or too large by now.
        """
        try:
            fd = open_below(self._root, file.parts, READ)
        except (OSError, ValueError) as error:
            raise Unreadable(f"it cannot be opened: {getattr(error, 'strerror', None) or error}") from None
        with open(fd, "rb") as opened:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unreadable("no regular file")
            data = opened.read(largest(file.kind) + 1)
        if len(data) > largest(file.kind):
            raise Unreadable(_too_large(file.kind))
        if _PRIVATE in data[:4096] and b"PRIVATE KEY-----" in data[:4096]:
            raise Unreadable("it holds a private key")
        return data


def candidates(top: str, skipped: list[Skipped]) -> Iterator[Candidate]:
    """Yield the files to read in a folder, in the order of their names; tell of the others in ``skipped``.

    Raises:
        UsageError: there are too many.
    """
    count = 0
    for folder, folders, files in os.walk(top):
        way = tuple(part for part in os.path.relpath(folder, top).split(os.sep) if part != ".")
        for name in list(folders):
            if why := _why_no_folder(folder, name):
                skipped.append(Skipped(_shown((*way, name)) + "/", why))
                folders.remove(name)
        folders.sort()
        for name in sorted(files):
            file = _seen(folder, way, name)
            why = _why_no_file(name, file)
            if why or file is None:
                skipped.append(Skipped(_shown((*way, name)), why))
                continue
            count += 1
            if count > FILES:
                raise UsageError(
                    f"{top} has more than {FILES:,} files that could be read: name a folder in it"
                )
            yield file


def _seen(folder: str, way: tuple[str, ...], name: str) -> Candidate | None:
    try:
        about = os.stat(os.path.join(folder, name), follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return Candidate((*way, name), about.st_size, about.st_mtime_ns)


def _why_no_folder(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    if name.startswith("."):
        return "hidden"
    if not is_text(name):
        return "its name is no text in UTF-8"
    if os.path.islink(path):
        return "a link"
    if os.path.lexists(os.path.join(path, "pyvenv.cfg")):
        return "an environment of Python"
    return "made by programs" if name in _ASIDE else ""


def _why_no_file(name: str, file: Candidate | None) -> str:
    if name.startswith("."):
        return "hidden"
    if not is_text(name):
        return "its name is no text in UTF-8"
    if _SECRET.search(name):
        return "its name says that it holds secrets"
    if file is None:
        return "a link, or no regular file"
    if file.kind not in KINDS:
        return "not a kind of file that is read"
    if _GENERATED.search(name):
        return "made by programs"
    return _too_large(file.kind) if file.size > largest(file.kind) else ""


def is_text(name: object) -> bool:
    """Is this a name that can be written down?"""
    return isinstance(name, str) and not any("\ud800" <= sign <= "\udfff" for sign in name)


def _shown(parts: tuple[str, ...]) -> str:
    return "/".join(parts).encode("utf-8", "replace").decode("utf-8")


def _too_large(kind: str) -> str:
    return f"larger than {largest(kind) // 1_000_000} MB"


def single(path: str) -> list[Candidate]:
    """Return one file that is named itself.

    Raises:
        UsageError: it cannot be read, or is not read.
    """
    folder, name = os.path.split(path)
    file = _seen(folder, (), name)
    why = "there is no such file or folder" if not os.path.lexists(path) else _why_no_file(name, file)
    if why or file is None:
        raise UsageError(f"{path} cannot be indexed: {why}")
    return [file]
