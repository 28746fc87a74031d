"""`TemporaryMemory`: the messages that an agent remembers, in this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ..message import Msg, PlaceholderMessage
from ..vectors import Embedder, Embedding, ask, cosine, vectors
from ._base import MemoryBase
from ._embedding import Embeddings, spoken_text
from ._revisions import Revisions

__all__ = ["TemporaryMemory"]

log = logging.getLogger(__name__)


class TemporaryMemory(Revisions, MemoryBase):
    """A list of messages. Holds arrived messages only, each once, in the order in which they came.

    ``embedding_model`` makes the embeddings that `retrieve_by_embedding` compares: a model, or a function
    of a list of texts. ``config`` is taken for the sake of old code and changes nothing.

    >>> memory = TemporaryMemory()
    >>> memory.add(Msg("user", "hi"))
    >>> memory.size(), memory.get_memory()[0].content
    (1, 'hi')
    """

    def __init__(self, config: Any = None, embedding_model: Embedder | None = None) -> None:
        super().__init__()
        self.embedding_model = embedding_model
        self._embeddings = Embeddings()

    def add(
        self, memories: Msg | Iterable[Msg] | None, embed: bool = False, *, allow_duplicates: bool = False
    ) -> Any:
        """Add one message or several; None adds nothing, and a message that is there already stays once.

        A placeholder is read first: in `async` code await it before. With ``embed`` their embeddings are
        asked for at once, all in one request, and not waited for; else when they are first needed.

        Raises:
            ValueError: something is not a message, or ``embed`` without an ``embedding_model``; then
                nothing is added.
        """
        given = (memories,) if type(memories) is Msg else _messages(memories)
        if embed and given:
            self._embeddings.ask(given, self.embedding_model)
        for message in given:
            if allow_duplicates or message.id not in self._ids:
                self._ids.add(message.id)
                self._messages.append(message)
        return self._answer(None)

    def get_memory(
        self, recent_n: int | None = None, filter_func: Callable[[int, Msg], bool] | None = None
    ) -> list[Msg]:
        """Return the last ``recent_n`` messages, all by default, that pass ``filter_func(index, msg)``.

        The index counts from the first of those that are looked at.
        """
        start = 0 if recent_n is None else max(0, len(self._messages) - recent_n)
        kept = self._messages[start:]
        if filter_func is not None:
            kept = [message for index, message in enumerate(kept) if filter_func(index, message)]
        found: list[Msg] = self._answer(kept)
        return found

    def retrieve_by_embedding(
        self,
        query: str | Msg | Embedding,
        metric: Callable[[Embedding, Embedding], float] = cosine,
        top_k: int = 1,
        preserve_order: bool = True,
        embedding_model: Embedder | None = None,
    ) -> list[dict[str, Any]]:
        """Return the ``top_k`` messages that are most like a text, a message or a vector.

        Each is a dictionary of ``score`` (what ``metric`` says of both vectors, more is more alike),
        ``index`` and ``memory``; in the order in which they came, unless ``preserve_order`` is false: then
        the most alike is first. Waits for a model: in `async` code call it by `asyncio.to_thread`.

        >>> def letters(texts):
        ...     return [[text.count("a"), text.count("o")] for text in texts]
        >>> memory = TemporaryMemory(embedding_model=letters)
        >>> memory.add([Msg("a", "banana"), Msg("b", "forgotten"), Msg("c", "papaya")])
        >>> [found["memory"].content for found in memory.retrieve_by_embedding("aa", top_k=2)]
        ['banana', 'papaya']

        Raises:
            UsageError: there is no embedding model, or what it gives are no vectors of one length.
        """
        model, messages = embedding_model or self.embedding_model, list(self._messages)
        self._embeddings.ask(messages, model)
        if isinstance(query, str | Msg):
            text = query if isinstance(query, str) else spoken_text(query)
            query = vectors(ask(model, [text]), 1)[0]
        scores = [float(metric(query, self._embeddings.vector(message))) for message in messages]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[: max(top_k, 0)]
        chosen = sorted(best) if preserve_order else best
        found: list[dict[str, Any]] = self._answer(
            [{"score": scores[index], "index": index, "memory": messages[index]} for index in chosen]
        )
        return found

    def _answer(self, answer: Any) -> Any:
        """Return an answer as callers of this class take it."""
        return answer

    def delete(self, index: int | Iterable[int]) -> Any:
        """Forget the messages at these places; a place that does not exist is logged and skipped.

        Raises:
            UsageError: these are no places.
        """
        wanted = {index} if isinstance(index, int) else set(index) if isinstance(index, Iterable) else {index}
        odd = [place for place in wanted if not isinstance(place, int)]
        if odd:
            raise UsageError(f"delete() takes the places of messages, counted from 0, not {odd[0]!r:.60}")
        if not self._messages:
            log.warning("The memory is empty, and the delete operation is skipped")
            return self._answer(None)
        bad = sorted(i for i in wanted if not 0 <= i < len(self._messages))
        if bad:
            log.warning("Skip delete operation for the invalid index %s", bad)
        self._replace([m for i, m in enumerate(self._messages) if i not in wanted])
        return self._answer(None)

    def clear(self) -> Any:
        """Forget everything."""
        self._replace([])
        return self._answer(None)

    def size(self) -> int:
        """Return how many messages there are."""
        count: int = self._answer(len(self._messages))
        return count

    def __len__(self) -> int:
        return len(self._messages)

    def __bool__(self) -> bool:
        return True  # an empty memory is a memory

    def __iter__(self) -> Iterator[Msg]:
        return iter(list(self._messages))

    def __contains__(self, message: object) -> bool:
        return isinstance(message, Msg) and any(message == known for known in self._messages)

    def export(self, file_path: str | None = None, to_mem: bool = False) -> list[Msg] | None:
        """Write the messages to a JSON file, or with ``to_mem`` return them.

        Raises:
            UsageError: neither was asked for, or a message holds what JSON cannot; nothing is written then.
        """
        if to_mem:
            return list(self._messages)
        if file_path is None:
            raise UsageError("export() takes a file path, or to_mem=True")
        texts = [_to_json(message) for message in self._messages]
        Path(file_path).write_text("[" + ",\n".join(texts) + "]\n", encoding="utf-8")
        return None

    def load(self, memories: str | Msg | Sequence[Msg], overwrite: bool = False) -> None:
        """Take messages from a JSON file, JSON text, a message or a list of them.

        Raises:
            UsageError: it is none of these, or the JSON is not a list of messages; then nothing is changed.
        """
        given = self._from_json(memories) if isinstance(memories, str) else _messages(memories)
        if overwrite:
            self.clear()
        self.add(given)

    @staticmethod
    def _from_json(source: str) -> list[Msg]:
        is_text = source.lstrip()[:1] in ("[", "{")
        try:
            found = json.loads(source if is_text else Path(source).read_text(encoding="utf-8"))
            return [Msg.from_dict(entry) for entry in (found if isinstance(found, list) else [found])]
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            what = "the text" if is_text else source
            raise UsageError(f"cannot load memory from {what}: {error}") from None

    def state_dict(self) -> dict[str, Any]:
        """Return what is remembered, as JSON can hold it, for `load_state_dict`."""
        return {"content": [message.to_dict() for message in self._messages]}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:
        """Remember what `state_dict` told of, and nothing else.

        >>> first, second = TemporaryMemory(), TemporaryMemory()
        >>> first.add(Msg("poet", "Grey beads"))
        >>> second.load_state_dict(first.state_dict())
        >>> [message.content for message in second]
        ['Grey beads']

        Raises:
            UsageError: it holds no messages, which without ``strict`` changes nothing.
        """
        content = state_dict.get("content")
        if content is None and not strict:
            return
        if not isinstance(content, Sequence):
            raise UsageError("the state of a memory has a list of messages as its `content`")
        try:
            found = [Msg.from_dict(entry) for entry in content]
        except (ValueError, TypeError, AttributeError) as error:
            raise UsageError(f"the state of a memory cannot be loaded: {error}") from None
        self._replace([])
        self.add(found, allow_duplicates=True)


def _messages(given: Any) -> list[Msg]:
    """Return the messages in what was given, those that had not arrived once they have."""
    if isinstance(given, PlaceholderMessage):
        given = given.result()
    if given is None:
        return []
    if isinstance(given, Msg):
        return [given]
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise UsageError(f"Cannot add {type(given)} to memory, must be a Msg object.")
    return [one for item in given for one in ((item,) if type(item) is Msg else _messages(item))]


def _to_json(message: Msg) -> str:
    try:
        return json.dumps(message.to_dict(), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the message {message.id} from {message.name!r} cannot be exported: {error}"
        ) from None
