"""`InMemoryMemory`: a memory whose answers may be awaited, as code for AgentScope 1.x does."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar

from ._temporary import TemporaryMemory

__all__ = ["InMemoryMemory"]

T = TypeVar("T")


class InMemoryMemory(TemporaryMemory):
    """A `TemporaryMemory` whose answers may also be awaited. Nothing is ever waited for.

    They are what they are without that: a list, a number, and nothing, which is false. Used at once, as
    in AgentScope 0.x, or awaited, as in 1.x, it is the same memory.

    >>> import asyncio
    >>> from nbagents.message import Msg
    >>> async def main():
    ...     memory = InMemoryMemory()
    ...     await memory.add(Msg("user", "hi"))
    ...     return await memory.size(), [msg.content for msg in await memory.get_memory()]
    >>> asyncio.run(main())
    (1, ['hi'])
    """

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return _List(answer)
        return _Number(answer) if isinstance(answer, int) else _Nothing()


class _Arrived(Generic[T]):
    """Something that is there, and may be awaited all the same."""

    def __await__(self) -> Generator[Any, None, T]:
        yield from ()  # a generator that never waits
        return self._plain()

    def _plain(self) -> T:
        raise NotImplementedError


class _List(list[Any], _Arrived[list[Any]]):
    def _plain(self) -> list[Any]:
        return list(self)


class _Number(int, _Arrived[int]):
    def _plain(self) -> int:
        return int(self)


class _Nothing(_Arrived[None]):
    def _plain(self) -> None:
        return None

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "None"
