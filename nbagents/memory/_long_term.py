"""`LongTermMemory`: what agents remember beyond a conversation, found again by what it means."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._threads import on_thread
from ..exceptions import UsageError
from ..message import Msg, PlaceholderMessage
from ..vectors import Embedder, VectorIndex, ask, vectors_later
from ._embedding import spoken_text

__all__ = ["LongTermMemory", "Recollection"]

TEXT = 20_000
"""Characters of one entry that are embedded and kept."""
TOGETHER = 64
"""Texts that one request embeds."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """Something remembered: its text, how like the question it is (at most 1), who said it and when."""

    text: str
    score: float
    name: str = ""
    timestamp: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


class LongTermMemory:
    """Entries in a `VectorIndex`, recorded and retrieved by their embeddings. Its methods are awaited.

    ``embedding_model`` is a model whose response has ``embedding``, or a function of a list of texts that
    returns (or is awaited for) their vectors; it is called on a thread, and may block.
    ``path`` is a file that outlives the process; several agents and processes may share it.
    Without one it lives in memory. What is recorded twice is kept once.

    `record_to_memory` and `retrieve_from_memory` are tools for agents: text in, text out.

    >>> import asyncio
    >>> def letters(texts):
    ...     return [[text.count("a") + 1, text.count("o") + 1] for text in texts]
    >>> async def main():
    ...     memory = LongTermMemory(letters)
    ...     await memory.record([Msg("Ann", "A banana"), Msg("Bob", "Too slow")])
    ...     return await memory.retrieve("papaya", limit=1)
    >>> asyncio.run(main())
    'Ann: A banana'
    """

    def __init__(
        self,
        embedding_model: Embedder,
        path: str | os.PathLike[str] | None = None,
        *,
        index: VectorIndex | None = None,
    ) -> None:
        if not callable(embedding_model):
            raise UsageError("a LongTermMemory needs a model that makes embeddings, or a function that does")
        if path is not None and index is not None:
            raise UsageError("give a LongTermMemory a path or an index, not both")
        self.embedding_model = embedding_model
        self.index = index or VectorIndex(path)

    @property
    def path(self) -> Path | None:
        """The file that it lives in; None where it lives in memory."""
        return self.index.path

    async def record(self, msgs: Msg | str | Iterable[Msg | str | None] | None) -> int:
        """Remember messages or texts; return how many there were.

        Raises:
            UsageError: something is neither, or the embeddings do not fit those that are there.
            StorageError: they cannot be written.
        """
        entries = [_entry(item) for item in _listed(msgs)]
        entries = [entry for entry in entries if entry["text"].strip()]
        for start in range(0, len(entries), TOGETHER):
            part = entries[start : start + TOGETHER]
            rows = await self._embed([entry["text"] for entry in part])
            found = [(_name(entry), row, entry) for entry, row in zip(part, rows, strict=True)]
            await on_thread(self.index.add_many, found)
        return len(entries)

    async def search(self, query: str | Msg | Sequence[Msg], limit: int = 5) -> list[Recollection]:
        """Return the ``limit`` entries that are most like a text, a message or several, the best first."""
        items = [_entry(item)["text"] for item in _listed(query)]
        text = "\n".join(items)[-TEXT:]
        if not text.strip():
            return []
        (row,) = await self._embed([text])
        hits = await on_thread(self.index.search, row, limit)
        return [
            Recollection(
                str(hit.data.get("text", "")),
                hit.score,
                str(hit.data.get("name", "")),
                str(hit.data.get("timestamp", "")),
            )
            for hit in hits
        ]

    async def retrieve(self, msg: str | Msg | Sequence[Msg], limit: int = 5) -> str:
        """Return what `search` finds as text, an entry to a line; "" if there is nothing."""
        return "\n".join(map(str, await self.search(msg, limit)))

    # ---- tools: an agent's model reads these descriptions

    async def record_to_memory(self, thinking: str, content: list[str]) -> str:
        """Remember facts that may be useful in later conversations, each as a sentence of its own.

        Args:
            thinking: why they are worth remembering.
            content: the facts to remember.
        """
        count = await self.record(content)
        return f"Remembered {count} fact{'' if count == 1 else 's'}."

    async def retrieve_from_memory(self, keywords: list[str] | str, limit: int = 5) -> str:
        """Look up what was remembered earlier.

        Args:
            keywords: what to look for, such as a name or a topic, each in a few words.
            limit: how many facts to find for each of them.
        """
        found: dict[str, None] = {}
        for keyword in [keywords] if isinstance(keywords, str) else keywords:
            found.update(dict.fromkeys(map(str, await self.search(keyword, limit))))
        return "\n".join(found) or "Nothing is remembered about that."

    async def forget(self) -> None:
        """Forget everything."""
        await on_thread(self.index.clear)

    def close(self) -> None:
        """Close its file. Twice is fine."""
        self.index.close()

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        return await vectors_later(await on_thread(ask, self.embedding_model, texts), len(texts))


def _listed(given: Any) -> list[Any]:
    if isinstance(given, str | Msg):
        return [given]
    return [item for item in given or () if item is not None]


def _entry(item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"text": item[:TEXT]}
    if isinstance(item, PlaceholderMessage) and not item.done():
        raise UsageError("a message that has not arrived cannot be remembered; await it first")
    if not isinstance(item, Msg):
        raise UsageError(f"a LongTermMemory remembers messages and texts, not {type(item).__name__}")
    return {"text": spoken_text(item)[:TEXT], "name": item.name, "timestamp": item.timestamp}


def _name(entry: dict[str, Any]) -> str:
    said = f"{entry.get('name', '')}\0{entry['text']}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]
