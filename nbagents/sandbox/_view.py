"""`View`: what a program in a sandbox sees of this machine's files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..exceptions import UsageError

__all__ = ["DEVICES", "HINT", "View", "inside_folder"]

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
SETTINGS = (
    "alternatives", "ca-certificates", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "mime.types", "nsswitch.conf", "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
"""Of /etc. Accounts, keys and names of machines are not among them."""
NETWORK_SETTINGS = ("hosts", "resolv.conf")
HINT = "make a folder in it, folder='work', and let readable=['data'] name what is to be read"
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))


def inside_folder() -> Path:
    """Return the folder with the program that runs inside, `_inside`."""
    return Path(__file__).resolve().parent


@dataclass
class View:
    """What is there to be read, to be written, and the links of the system's root.

    ``read`` are pairs: a path outside, and the one by which it is seen. With ``holds_python`` some of it lies
    in the folder, and only rooms of its own keep a program from writing there.
    """

    folder: str
    holds_python: bool = False
    read: list[tuple[str, str]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, readable: Iterable[str | Path], *, network: bool) -> View:
        """Return what a sandbox with this work folder sees.

        Raises:
            UsageError: the folder is one that no program of a model may write in, or something is not there.
        """
        view = cls(str(folder))
        pythons: set[str] = {
            sys.prefix,
            sys.base_prefix,
            sys.exec_prefix,
            os.path.dirname(os.path.realpath(sys.executable)),
        }
        _refuse(folder, pythons)
        # All of the folder's part in which it is, so that nobody can put another in its place.
        places = [inside_folder()]
        places += [Path(one).resolve() for one in pythons]
        inside = {
            str(folder / path.relative_to(folder).parts[0]) for path in places if folder in path.parents
        }
        view.holds_python = bool(inside)
        for path in SYSTEM:
            if os.path.islink(path) and not os.path.isabs(os.readlink(path)):
                view.links[path] = os.readlink(path)
            else:
                view._add(path)
        names = (*SETTINGS, *NETWORK_SETTINGS) if network else SETTINGS
        for path in (
            *pythons,
            *map(str, inside - {None}),
            str(inside_folder() / "_inside"),
            *(f"/etc/{name}" for name in names),
        ):
            view._add(path)
        for given in readable:
            path = os.path.abspath(given)
            if not os.path.exists(path):
                raise UsageError(f"a sandbox is to read {path}, which is not there")
            view._add(path)
        whole = {path for real, path in view.read if real == path}
        view.read = [pair for pair in view.read if whole.isdisjoint(map(str, Path(pair[1]).parents))]
        return view

    def _add(self, path: str) -> None:
        real = os.path.realpath(path)
        if real != "/" and os.path.exists(real):
            self.read += [pair for pair in ((real, path), (real, real)) if pair not in self.read]


def _refuse(folder: Path, pythons: set[str]) -> None:
    if Path(os.path.expanduser("~")).resolve().is_relative_to(folder):
        raise UsageError(f"the work folder of a sandbox cannot be {folder}: your home is in it", hint=HINT)
    for path in pythons:
        whole = Path(path).resolve()
        by_link = Path(os.path.abspath(path)).is_relative_to(folder) and not whole.is_relative_to(folder)
        if folder == whole or by_link:
            what = "a link in it leads to this Python" if by_link else "it is this Python's"
            raise UsageError(f"the work folder of a sandbox cannot be {folder}: {what}", hint=HINT)
    if any(folder.is_relative_to(path) for path in SYSTEM):
        raise UsageError(f"the work folder of a sandbox cannot be {folder}: it belongs to the system")
