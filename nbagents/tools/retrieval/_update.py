"""Bring passages up to date with a folder, as far as it has changed, and give them their vectors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace

from ...config import redact
from ...vectors import Embedder
from ._embedding import embedded
from ._loaders import Unreadable, passages_of
from ._passage import Passage
from ._report import IndexReport, Progress, Skipped
from ._store import Passages
from ._walk import Candidate, Place, candidates, single

__all__ = ["embed", "update"]

TOGETHER = 64
"""Passages that one request embeds."""
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
    with Place(top) as place:
        listed = candidates(top, report.skipped) if whole else single(path)
        own = _own_name(passages, top)
        files = [file for file in listed if not file.name.startswith(own)]
        report.skipped[:] = [one for one in report.skipped if not one.name.startswith(own)]
        report.files += len(files)
        unread = _read(passages, place, root, files, outputs, report, progress, known)
    if whole:
        kept = {(root, file.name) for file in files} - unread
        report.removed += passages.remove(known.keys() - kept)


def _own_name(passages: Passages, top: str) -> str:
    """Return how the names of the index's own files begin, if they are in the folder."""
    return "/" if passages.path is None else os.path.relpath(passages.path, top)


def _read(
    passages: Passages,
    place: Place,
    root: str,
    files: Iterable[Candidate],
    outputs: bool,
    report: IndexReport,
    progress: Progress | None,
    known: dict[tuple[str, str], tuple[str, int, int]],
) -> set[tuple[str, str]]:
    """Read files; return those that could not be."""
    unread = set()
    for file in files:
        report.current = file.name
        before = known.get((root, file.name))
        same = before is not None and before[0].endswith(_way(file, outputs)) and before[1:] == file.stamp
        if same:
            report.unchanged += 1
        else:
            try:
                _take(passages, place, root, file, outputs, report, before and before[0])
            except Unreadable as error:
                unread.add((root, file.name))
                report.skipped.append(Skipped(file.name, str(error)))
        report.done += 1
        if progress is not None:
            progress(report)
    return unread


def _take(
    passages: Passages,
    place: Place,
    root: str,
    file: Candidate,
    outputs: bool,
    report: IndexReport,
    before: str | None,
) -> None:
    data = place.read(file)
    digest = f"{hashlib.sha256(data).hexdigest()}{_way(file, outputs)}"
    source = (root, file.name, digest, file.size, file.changed)
    if digest == before:
        passages.touch(source)
        report.unchanged += 1
        return
    found = passages_of(file.kind, data, outputs=outputs)
    plain = [_masked(one) for one in found]
    report.masked += [file.name] if plain != found else []
    passages.put(source, plain)
    report.added += before is None
    report.changed += before is not None
    report.passages += len(plain)


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
