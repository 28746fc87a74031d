"""People who are asked whether a tool may be called, as the tests play them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from nbagents import asking, events
from nbagents.asking import OpenQuestion

Say = Callable[[OpenQuestion], object]


def yes(opened: OpenQuestion, text: str = asking.YES, **fields: Any) -> bool:
    """A person's yes to what is asked."""
    assert opened.question.approval is not None
    return opened.give(text, {"binding": opened.question.approval.binding, **fields})


@contextlib.contextmanager
def somebody(*says: Say | None) -> Iterator[list[OpenQuestion]]:
    """Somebody is there, and says this to one question after the other; None says nothing."""
    asked: list[OpenQuestion] = []
    left = list(says)

    def hear(event: events.Event) -> None:
        if event.kind != "question":
            return
        opened = asking.find_question(event.data["id"])
        assert opened is not None
        asked.append(opened)
        say = left.pop(0) if left else None
        if say is not None:  # not on the thread that asks, which is the loop's
            threading.Thread(target=say, args=(opened,)).start()

    before = asking.terminal, asking.waits
    asking.terminal, asking.waits = None, True
    stop = events.subscribe(hear)
    try:
        yield asked
    finally:
        stop()
        asking.terminal, asking.waits = before
        for opened in asked:
            opened.fail(TimeoutError("the test is over"), "stopped")
