"""`KnowledgeIndex`: one's own files and texts, searched by words and by meaning; and their tool."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ...config import redact
from ...exceptions import UsageError
from .._effects import effects
from .._reserved import reserved
from ._embedding import EmbeddingModel, embedded, label_of, name_of_model, ready
from ._loaders import KINDS, passages_of
from ._passage import Passage
from ._report import IndexReport, Progress
from ._store import Passages, Source
from ._told import told
from ._update import embed, update
from ._walk import is_text

__all__ = ["KnowledgeIndex", "retrieve_from_index"]

Mode = Literal["hybrid", "words", "meaning"]
POOL = 50
"""Passages that either way finds, before they are ranked together."""
EASE = 60
"""Of reciprocal rank fusion: how little it matters to be the very first."""
MOST = 20
"""Passages that a model gets at once."""


class KnowledgeIndex:
    r"""Passages of files and texts in one SQLite file, found by their words (BM25) and by what they mean.

    ``path`` is the file, for its user's eyes only; without one all is in memory. Several processes may
    search while one writes. ``embedding_model`` is a model that makes embeddings, its name (``"demo"``,
    ``"ollama/nomic-embed-text"``) or configuration, or a function of a list of texts that returns, or is
    awaited for, their vectors; without one words alone count. ``name`` says what is in it; the
    tool of an index named docs is ``retrieve_docs``.

    All methods block and are safe from any thread. An index is a tool as it stands:
    ``toolkit.register_tool_function(index)``.

    >>> with KnowledgeIndex() as index:
    ...     _ = index.add({"cellar.md": "# Umbrellas\nThey hang in the cellar.", "attic.md": "Only dust."})
    ...     best, *_ = index.search("Where are the umbrellas?")
    ...     print(best)
    They hang in the cellar.
    (cellar.md, Umbrellas, line 2)

    Raises:
        UsageError: the embedding model is none.
        StorageError: the file cannot be opened; `StateCorruptError`: it is no such file, or damaged. So do
            the methods.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        embedding_model: EmbeddingModel | None = None,
        *,
        name: str = "",
    ) -> None:
        if embedding_model is not None and not callable(ready(embedding_model)):
            raise UsageError("an embedding model is a model, its name, or a function of a list of texts")
        self.path = None if path is None else Path(os.path.abspath(path))
        self.name = name
        self._given, self._model = embedding_model, ready(embedding_model)
        self._updating = threading.Lock()
        self._passages = Passages(self.path)

    # ---- what is in it

    def update(
        self,
        *paths: str | os.PathLike[str],
        outputs: bool = False,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Read files and folders, as far as they have changed, and forget what is gone from these folders.

        Markdown, notebooks (their ``outputs`` if asked for), PDF, Python, tables and other texts are read.
        Hidden files, links, environments, large files and those that seem to hold secrets are left out, and
        the report says so; what looks like a key inside a text is masked. ``progress`` is told of the report
        as it grows. What was finished stays when this is interrupted.

        Raises:
            UsageError: a path cannot be read, or a folder has too many files.
            ModelError: the embedding model fails; words are indexed by then.
        """
        report = IndexReport()
        with self._updating:
            for path in paths:
                update(self._passages, os.path.abspath(path), self._root(path), outputs, report, progress)
            self._embed(report, progress)
            report.passages, report.current = self._passages.count(), ""
        return report

    def add(self, texts: Mapping[str, str], *, progress: Progress | None = None) -> IndexReport:
        """Add texts by their names, or put them in the place of those of the same names.

        A name's end says what it is, as a file's does; Markdown otherwise.

        Raises:
            UsageError: a text is none.
            ModelError: the embedding model fails.
        """
        report = IndexReport(files=len(texts))
        with self._updating:
            known = self._passages.sources("")
            entries: list[tuple[Source, list[Passage]]] = []
            for name, text in texts.items():
                if not isinstance(text, str) or not is_text(name):
                    raise UsageError("texts are given by name: {'notes.md': '...'}")
                plain = redact(text)
                digest = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
                report.done += 1
                if ("", name) in known and known["", name][0] == digest:
                    report.unchanged += 1
                    continue
                kind = Path(name).suffix.lower()
                kind = kind if kind in KINDS and kind not in (".ipynb", ".pdf") else ".md"
                read = passages_of(kind, plain.encode("utf-8", "replace").replace(b"\0", b" "))
                entries.append((("", name, digest, len(text), 0), read))
                report.added += ("", name) not in known
                report.changed += ("", name) in known
                report.masked += [name] if plain != text else []
            self._passages.put(entries)
            self._embed(report, progress)
            report.passages = self._passages.count()
        return report

    def remove(self, *names: str) -> int:
        """Remove files and texts by name; return how many there were. An update brings files back."""
        return self._passages.remove((None, name) for name in names)

    def clear(self) -> None:
        """Remove all."""
        self._passages.clear()

    def sources(self) -> list[str]:
        """Return the names of all files and texts, in the order in which they came."""
        return [name for _, name in self._passages.sources()]

    def __len__(self) -> int:
        """How many passages there are."""
        return self._passages.count()

    def __bool__(self) -> bool:
        return True  # an empty index is an index

    # ---- searching

    def search(self, query: str, top_k: int = 5, mode: Mode | None = None) -> list[Passage]:
        """Return the ``top_k`` passages that fit best, the best first.

        ``mode`` is "words", "meaning", or "hybrid": both ranks together, which counts where there is an
        embedding model.

        Raises:
            UsageError: it needs an embedding model and there is none, or another one made the vectors.
            ModelError: the embedding model fails.
        """
        mode = mode or ("words" if self._model is None else "hybrid")
        if mode not in ("hybrid", "words", "meaning"):
            raise UsageError(f"an index is searched by words, meaning or hybrid, not by {mode!r}")
        if mode != "words" and self._model is None:
            raise UsageError(
                "searching by meaning needs an embedding model",
                hint="KnowledgeIndex(..., embedding_model=...)",
            )
        if not query.strip() or top_k < 1:
            return []
        vector = embedded(self._model, [query])[0] if mode != "words" and self._model is not None else None
        if vector is not None and self._passages.about("model") not in ("", label_of(self._model)):
            raise UsageError(
                f"the index was made with the embedding model {self._passages.about('model')!r}, and this"
                f" one is {label_of(self._model)!r}",
                hint="update() makes its vectors anew",
            )
        pool = max(POOL, top_k)
        ranks = [self._passages.by_words(query, pool)] if mode != "meaning" else []
        if vector is not None:
            alike = self._passages.by_vector(vector, pool)
            ranks.append([number for number, cosine in alike if cosine > 0])
        scores: dict[int, float] = {}
        for ranked in ranks:
            for place, number in enumerate(ranked):
                scores[number] = scores.get(number, 0.0) + (EASE + 1) / (EASE + 1 + place) / len(ranks)
        best = sorted(scores, key=lambda number: (-scores[number], number))[:top_k]
        found = self._passages.passages(best)
        return [replace(found[number], score=round(scores[number], 4)) for number in best if number in found]

    @effects("read")
    def retrieve(self, query: str, top_k: int = 5) -> str:
        """Find passages of the user's own files and texts that answer a question, with their sources.

        Args:
            query: What to look for: a question, or a few telling words.
            top_k: How many passages, at most 20.
        """
        return told(query, self.search(query, max(1, min(top_k, MOST))))

    __call__ = retrieve

    def __tool__(self) -> dict[str, Any]:
        """Return how it becomes a tool: what is called, and with what; see `Tool`."""
        sources = self.sources()
        such = f", such as {', '.join(sources[:5])}" if sources else ""
        what = f"of {self.name} " if self.name else ""
        made: dict[str, Any] = {
            "name": f"retrieve_{self.name}" if self.name else "retrieve",
            "description": f"Find passages {what}that answer a question, with their sources, in the user's"
            f" own files and texts ({len(sources)}{such}).",
        }
        model = name_of_model(self._given)
        if self.path is None or (self._given is not None and model is None):
            return {"function": self.retrieve, **made}  # it cannot leave this process
        return {
            "function": retrieve_from_index,
            "preset_kwargs": {"path": str(self.path), "embedding_model": model},
            **made,
        }

    # ---- the rest

    def close(self) -> None:
        """Close the file. Twice is fine."""
        self._passages.close()

    def __enter__(self) -> KnowledgeIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        how = "words" if self._model is None else f"words and meaning ({label_of(self._model)})"
        named = f"{self.name}: " if self.name else ""
        passages, texts = _counted(len(self), "passage"), _counted(len(self.sources()), "text")
        return f"<KnowledgeIndex {named}{passages} of {texts}, by {how}>"

    def _root(self, path: str | os.PathLike[str]) -> str:
        """Return how a folder is known: from the index's own, so that both can be moved together."""
        folder = os.path.abspath(path)
        folder = folder if os.path.isdir(folder) else os.path.dirname(folder)
        return folder if self.path is None else os.path.relpath(folder, self.path.parent)

    def _embed(self, report: IndexReport, progress: Progress | None) -> None:
        if self._model is not None:
            self._passages.use_model(label_of(self._model))
            embed(self._passages, self._model, report, progress)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@effects("read")
@reserved("path", "embedding_model")
def retrieve_from_index(query: str, top_k: int = 5, *, path: str, embedding_model: str | None = None) -> str:
    """Find passages of the user's own files and texts that answer a question, with their sources.

    Args:
        query: What to look for: a question, or a few telling words.
        top_k: How many passages, at most 20.
        path: The index's file.
        embedding_model: The name of the model that made its vectors.
    """
    return _opened(path, embedding_model).retrieve(query, top_k)


@functools.lru_cache(maxsize=8)
def _opened(path: str, embedding_model: str | None) -> KnowledgeIndex:
    return KnowledgeIndex(path, embedding_model)
