"""The file of a recording: lines of JSON, the first of which says what it is.

Each line is appended by one write, so that a process that is killed leaves whole lines; so does a full
disk. One that takes the place of another lies beside it until there is an answer in it. It is readable by its
owner alone (0600), holds no key, no header and no address of an endpoint, and is bounded: a line, and
all of it. The last line says that the recording is whole.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from .._ids import new_id
from ..exceptions import RecordingError, UsageError
from ._answers import too_large
from ._entry import Entry

__all__ = ["LONGEST", "Recording", "RecordingFile", "read_recording"]

log = logging.getLogger(__name__)
FORMAT, VERSION = "nbagents.recording", 1
LONGEST = 900_000
"""Bytes of one line. A larger answer is left out, and the line says so."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a recording. What is answered after that is not recorded."""
NEW = "record it anew: -r"


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds. ``name`` is the file's, without its folder; ``date`` the day of the recording.

    ``state`` is how the run ended, "" where the file breaks off before that.
    """

    name: str
    date: str
    entries: tuple[Entry, ...]
    state: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that answered."""
        found = (str(each.answer.get("model") or "") for each in self.entries if each.asked.kind == "model")
        return tuple(dict.fromkeys(filter(None, found)))


class RecordingFile:
    """A file that is written as a run goes. Safe from any thread.

    With ``overwrite`` what is there stays until the first answer comes, and for good if none does.

    Raises:
        UsageError: the file is there, and ``overwrite`` is not said; or what is there is no recording, which
            is never overwritten.
        RecordingError: it cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = self.path.name
        self.problem = ""
        """Why not all was recorded; "" while all is."""
        self._lock = threading.Lock()
        self._size = 0
        self._beside: Path | None = None
        self._descriptor: int | None = self._create(overwrite)
        recorded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._append(json.dumps({"format": FORMAT, "version": VERSION, "recorded": recorded}) + "\n")

    def _create(self, overwrite: bool) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        try:
            if not overwrite or not os.path.lexists(self.path):
                return os.open(self.path, flags, 0o600)
            if not _is_ours(self.path):
                raise UsageError(f"{self.name} is no recording, and is not overwritten; take another name")
            beside = self.path.with_name(f".{self.name}.{new_id()[:8]}")
            descriptor = os.open(beside, flags, 0o600)
            self._beside = beside
        except FileExistsError:
            raise UsageError(
                f"{self.name} is there already. To write another recording in its place, say --overwrite"
                " (in Python overwrite=True); else take another name",
                hint=f"-r {self.name} --overwrite",
            ) from None
        except OSError as error:
            raise RecordingError(f"{self.name} cannot be written: {error.strerror or error}") from None
        return descriptor

    def write(self, entry: Entry) -> None:
        """Append an entry; never raises: what cannot be written is said in `problem`."""
        line = entry.line()
        size = len(line.encode())
        if self._beside is not None:
            self._take_place()
        if size > LONGEST:
            line = replace(entry, answer=too_large(entry.answer, size)).line()
        self._append(line)

    def end(self, state: str) -> None:
        """Say how the run ended, and close the file. Twice is fine."""
        if not self.problem:
            self._append(json.dumps({"kind": "end", "state": state}) + "\n")
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            beside, self._beside = self._beside, None
        if descriptor is not None:
            os.close(descriptor)
        if beside is not None:
            self.problem = self.problem or f"nothing was asked, so {self.name} is as it was"
            with contextlib.suppress(OSError):
                beside.unlink()

    def _take_place(self) -> None:
        """Take the place of the recording that was there, now that there is something to put there."""
        with self._lock:
            if self._beside is None or self.problem:
                return
            try:
                if os.path.lexists(self.path) and not _is_ours(self.path):
                    self.problem = f"{self.name} has become something else, and is not overwritten"
                    return
                os.replace(self._beside, self.path)
                self._beside = None
            except OSError as error:
                self.problem = f"{self.name} cannot be written: {error.strerror or error}"

    def _append(self, line: str) -> None:
        data = line.encode()
        with self._lock:
            if self._descriptor is None:
                log.warning("%s is closed: what comes after the end of its run is not recorded", self.name)
                return
            if self.problem:
                return
            if self._size + len(data) > LARGEST:
                self.problem = f"{self.name} is full: a recording has at most {LARGEST >> 20} MiB"
                return
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
                self._size += len(line.encode())
            except OSError as error:
                with contextlib.suppress(OSError):  # what is before it can still be replayed
                    os.ftruncate(self._descriptor, self._size)
                self.problem = f"{self.name} cannot be written further: {error.strerror or error}"
                log.warning("%s", self.problem)


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Return what a file holds; all of it is looked at before anything of it is used.

    Raises:
        UsageError: there is no such file.
        RecordingError: it is no recording, damaged, or of a newer version; the message names the line.
    """
    where = Path(path).expanduser()
    name = where.name or str(path)
    try:
        data = _bytes(where, name)
    except FileNotFoundError:
        raise UsageError(f"there is no recording {name} here", hint=f"record it first: -r {name}") from None
    except OSError as error:
        raise RecordingError(f"{name} cannot be read: {error.strerror or error}") from None
    lines = data.split(b"\n")
    date = _head(lines[0], name)
    if lines[-1]:
        raise RecordingError(
            f"{name}, line {len(lines)}: it breaks off; whoever wrote it was stopped, or the file was cut",
            hint=f"delete line {len(lines)} to replay what is before it, or {NEW} {name} --overwrite",
        )
    entries: list[Entry] = []
    state = ""
    for number, line in enumerate(lines[1:-1], 2):
        if state:
            raise _damaged(name, number, "there is more after the line that ends it")
        tree = _tree(line, name, number)
        if tree.get("kind") == "end":
            state = str(tree.get("state") or "done")[:20]
            continue
        try:
            entries.append(Entry.from_dict(tree))
        except ValueError as error:
            raise _damaged(name, number, str(error)) from None
    return Recording(name, date, tuple(entries), state)


def _opened(path: Path) -> BinaryIO:
    """Open whatever is there without waiting: a pipe waits for somebody to write to it."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags)
    try:
        return open(descriptor, "rb")
    except OSError:  # a folder
        os.close(descriptor)
        raise


def _bytes(path: Path, name: str) -> bytes:
    with _opened(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise RecordingError(f"{name} is no file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise RecordingError(f"{name} is larger than {LARGEST >> 20} MiB, which no recording is")
    return data


def _head(line: bytes, name: str) -> str:
    """Return the day of a recording."""
    tree: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        tree = json.loads(line) if len(line) < LONGEST else None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise RecordingError(
            f"{name}, line 1: this is no recording of nbagents, which would begin"
            f' {{"format": "{FORMAT}", …}}',
            hint=f"{NEW} FILE, then --replay FILE",
        )
    version = tree.get("version")
    if type(version) is not int or version < 1:
        raise _damaged(name, 1, "its version is no number")
    if version > VERSION:
        raise RecordingError(
            f"{name}, line 1: a newer nbagents has written it, in version {version} of the format; this one"
            f" reads up to version {VERSION}",
            hint=f"pip install -U jupyter-nbagents, or {NEW} {name} --overwrite",
        )
    recorded = tree.get("recorded")
    if not isinstance(recorded, str) or not re.match(r"\d{4}-\d{2}-\d{2}", recorded):
        raise _damaged(name, 1, "it does not say when it was recorded")
    return recorded[:10]


def _tree(line: bytes, name: str, number: int) -> dict[str, Any]:
    if len(line) > LONGEST + 1000:
        raise _damaged(name, number, f"it is longer than {LONGEST:,} bytes")
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        raise _damaged(name, number, "it is no JSON") from None
    if not isinstance(tree, dict):
        raise _damaged(name, number, "it is no JSON object")
    return tree


def _damaged(name: str, number: int, what: str) -> RecordingError:
    return RecordingError(
        f"{name}, line {number}: the recording is damaged: {what}", hint=f"{NEW} {name} --overwrite"
    )


def _is_ours(path: Path) -> bool:
    """Is it a recording, or empty?"""
    try:
        with _opened(path) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return False
            line = file.readline(1000)
        return not line or json.loads(line).get("format") == FORMAT
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
