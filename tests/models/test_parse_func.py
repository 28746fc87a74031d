"""Functions that read answers: whatever they raise, and while they take their time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents.exceptions import CallCancelledError
from nbagents.models import ModelResponse, ModelWrapperBase

HELLO = [{"role": "user", "content": "hello"}]


class Plain(ModelWrapperBase):
    def __init__(self) -> None:
        super().__init__("plain")

    def __call__(self, messages, **generate_args):
        return ModelResponse(text="Grey beads")


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
def test_nothing_that_is_raised_hangs_a_call(error):
    def read(response):
        raise error

    with pytest.raises(RuntimeError, match=f"{error.__name__}: there was no next item"):
        Plain()(HELLO, parse_func=read).result(5)
    with pytest.raises(RuntimeError, match=error.__name__):
        Plain()(HELLO, parse_func=lambda r: int(r.text), fault_handler=read, max_retries=1).result(5)


def test_stopping_while_an_answer_is_read_says_nothing_more():
    reading, go_on, read = threading.Event(), threading.Event(), threading.Event()
    raised = []
    before, threading.excepthook = threading.excepthook, raised.append

    def slow(response):
        reading.set()
        go_on.wait(10)
        read.set()
        return response.text

    try:
        response = Plain()(HELLO, parse_func=slow)
        assert reading.wait(10)
        reader = next(t for t in threading.enumerate() if t.name == "nbagents-blocking")
        assert reader.daemon
        response.cancel()
        with pytest.raises(CallCancelledError):
            response.result(5)
        go_on.set()
        assert read.wait(10)
        reader.join(10)
    finally:
        threading.excepthook = before
    assert not raised


def test_a_function_reads_on_whichever_loop_its_caller_has():
    async def main():
        return (await Plain()(HELLO, parse_func=lambda response: response.text.upper())).parsed

    assert asyncio.run(main()) == "GREY BEADS"
