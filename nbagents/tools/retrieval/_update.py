"""Bring passages up to date with a folder, as far as it has changed, and give them their vectors."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

from ...config import redact
from ...vectors import Embedder
from ._embedding import embedded
from ._loaders import Unreadable, passages_of
from ._passage import Passage
from ._report import IndexReport, Progress, Skipped
from ._store import Passages, Source
from ._walk import Candidate, HeldFolder, candidates, single

__all__ = ["embed", "update"]

TOGETHER = 64
"""Passages that one request embeds."""
WRITTEN = 200
"""Files and passages that are written together."""
TEXT = 8_000
"""Characters of a passage that are embedded."""


def update(
    passages: Passages, path: str, root: str, outputs: bool, report: IndexReport, progress: Progress | None
) -> None:
    """Read what has changed below a path, a folder or one file, and forget what is gone from a folder.

    Raises:
        UsageError: it cannot be read.
    """
    whole = os.path.isdir(path)
    top = path if whole else os.path.dirname(path)
    known = passages.sources(root)
    with HeldFolder(top) as place:
        listed = candidates(top, report.skipped) if whole else single(path)
        own = _own_name(passages, top)
        files = [file for file in listed if not file.name.startswith(own)]
        report.skipped[:] = [one for one in report.skipped if not one.name.startswith(own)]
        report.files += len(files)
        reading = _Reading(passages, place, root, outputs, report)
        try:
            for file in files:
                report.current = file.name
                reading.take(file, known.get((root, file.name)))
                report.done += 1
                if progress is not None:
                    progress(report)
        finally:  # what was read stays, also when this is interrupted
            reading.write()
    if whole:
        kept = {(root, file.name) for file in files} - reading.unread
        report.removed += passages.remove(known.keys() - kept)


def _own_name(passages: Passages, top: str) -> str:
    """Return how the names of the index's own files begin, if they are in the folder."""
    return "/" if passages.path is None else os.path.relpath(passages.path, top)


class _Reading:
    """Reads files one by one, and writes what is in them, some together."""

    def __init__(
        self, passages: Passages, place: HeldFolder, root: str, outputs: bool, report: IndexReport
    ) -> None:
        self._passages, self._place, self._root = passages, place, root
        self._outputs, self._report = outputs, report
        self._taken: list[tuple[Source, list[Passage]]] = []
        self._size = 0
        self.unread: set[tuple[str, str]] = set()
        """Those that could not be read, by root and name."""

    def take(self, file: Candidate, before: tuple[str, int, int] | None) -> None:
        """Read a file, unless it is as it was."""
        same = before is not None and before[0].endswith(_way(file, self._outputs))
        if same and before is not None and before[1:] == file.stamp:
            self._report.unchanged += 1
            return
        try:
            self._read(file, before and before[0])
        except Unreadable as error:
            self.unread.add((self._root, file.name))
            self._report.skipped.append(Skipped(file.name, str(error)))

    def write(self) -> None:
        """Write what was read."""
        taken, self._taken, self._size = self._taken, [], 0
        if taken:
            self._passages.put(taken)

    def _read(self, file: Candidate, before: str | None) -> None:
        data, report = self._place.read(file), self._report
        digest = f"{hashlib.sha256(data).hexdigest()}{_way(file, self._outputs)}"
        source = (self._root, file.name, digest, file.size, file.changed)
        if digest == before:
            self._passages.touch(source)
            report.unchanged += 1
            return
        found = passages_of(file.kind, data, outputs=self._outputs)
        plain = [_masked(one) for one in found]
        report.masked += [file.name] if plain != found else []
        report.added += before is None
        report.changed += before is not None
        report.passages += len(plain)
        self._taken.append((source, plain))
        self._size += len(plain) + 1
        if self._size >= WRITTEN:
            self.write()


def _way(file: Candidate, outputs: bool) -> str:
    """Return how a file is read, as the end of its digest."""
    return f"{'+' if outputs else '-'}outputs" if file.kind == ".ipynb" else ""


def _masked(passage: Passage) -> Passage:
    return replace(passage, text=redact(passage.text), heading=redact(passage.heading))


def embed(passages: Passages, model: Embedder, report: IndexReport, progress: Progress | None) -> None:
    """Give the passages that have none their vectors, some at a time; what is finished stays.

    Raises:
        ModelError: the model fails.
    """
    numbers = passages.without_vector()
    report.to_embed, report.current = len(numbers), ""
    for start in range(0, len(numbers), TOGETHER):
        texts = passages.texts(numbers[start : start + TOGETHER])
        rows = embedded(model, [text[:TEXT] for text in texts.values()])
        passages.put_vectors(list(zip(texts, rows, strict=True)))
        report.embedded += len(rows)
        if progress is not None:
            progress(report)
