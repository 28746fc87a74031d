"""The background loop, and the bridge to it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from nbagents._loop import background
from nbagents.exceptions import WouldBlockLoopError


def run_script(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=30
    )


async def where() -> threading.Thread:
    return threading.current_thread()


def test_there_is_one_loop_on_a_daemon_thread():
    assert background() is background()
    thread = background().run(where())
    assert thread.daemon
    assert thread is not threading.current_thread()
    assert not background().here()


def test_work_is_run_and_its_value_or_failure_returned():
    async def fail():
        raise KeyError("x")

    assert background().run(asyncio.sleep(0, "value")) == "value"
    assert background().spawn(asyncio.sleep(0, "later")).result(20) == "later"
    with pytest.raises(KeyError):
        background().run(fail())


def test_what_is_posted_runs_in_order():
    seen: list[int] = []
    for number in range(1000):
        background().post(seen.append, number)
    background().run(asyncio.sleep(0))
    assert seen == list(range(1000))


def test_what_is_posted_on_the_loop_runs_at_once_after_what_came_before():
    seen, loop = [], background()
    blocked, posted = threading.Event(), threading.Event()

    async def body():
        blocked.set()
        assert posted.wait(20)
        loop.post(seen.append, "mine")
        seen.append("after mine")

    running = loop.spawn(body())
    assert blocked.wait(20)
    loop.post(seen.append, "others")
    posted.set()
    running.result(20)
    assert seen == ["others", "mine", "after mine"]


def test_one_bad_guest_harms_nobody(caplog):
    done = threading.Event()

    def fail():
        raise KeyError("bad guest")

    background().post(fail)
    background().post(done.set)
    assert done.wait(20)
    assert "bad guest" in caplog.text


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_guest_cannot_end_the_loop(error, caplog):
    def leave():
        raise error

    background().loop.call_soon_threadsafe(leave)
    assert background().run(asyncio.sleep(0, "alive"), timeout=20) == "alive"
    assert "tried to end the program" in caplog.text


def test_it_refuses_to_wait_for_itself():
    async def body():
        work = asyncio.sleep(0)
        with pytest.raises(WouldBlockLoopError, match="await"):
            background().run(work)
        return background().here()

    assert background().run(body(), timeout=20)


def test_a_wait_with_a_limit_cancels_the_work():
    cancelled = threading.Event()

    async def body():
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError, match=r"not ready after 0\.05 s"):
        background().run(body(), timeout=0.05)
    assert cancelled.wait(20)


def test_a_time_out_of_the_work_itself_is_raised():
    async def body():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        background().run(body(), timeout=20)


def test_a_future_arrives_on_another_loop():
    async def main():
        assert await background().arrive(background().spawn(asyncio.sleep(0.01, "value"))) == "value"
        failed: concurrent.futures.Future[None] = concurrent.futures.Future()
        failed.set_exception(KeyError("x"))
        with pytest.raises(KeyError):
            await background().arrive(failed)

    asyncio.run(main())
    background().run(main())


def test_cancelling_the_arrival_cancels_the_work():
    future = background().spawn(asyncio.sleep(60))

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(background().arrive(future), 0.05)

    asyncio.run(main())
    limit = time.monotonic() + 20
    while not future.cancelled() and time.monotonic() < limit:
        time.sleep(0.005)
    assert future.cancelled()


def test_an_interrupt_gets_into_a_wait():
    source = """
        import _thread, asyncio, threading
        from nbagents._loop import background
        threading.Timer(0.3, _thread.interrupt_main).start()
        try:
            background().run(asyncio.sleep(60))
        except KeyboardInterrupt:
            print("interrupted")
    """
    before = time.monotonic()
    assert run_script(source).stdout == "interrupted\n"
    assert time.monotonic() - before < 15


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork_the_child_has_a_loop_of_its_own():
    source = """
        import asyncio, os, warnings
        warnings.simplefilter("ignore")
        from nbagents._loop import background
        parent = background()
        assert parent.run(asyncio.sleep(0, "parent")) == "parent"
        if os.fork() == 0:
            assert background() is not parent
            print(background().run(asyncio.sleep(0, "child"), timeout=20), flush=True)
            os._exit(0)
        os.wait()
        print(background().run(asyncio.sleep(0, "parent"), timeout=20))
    """
    run = run_script(source)
    assert (run.stdout, run.stderr) == ("child\nparent\n", "")


def test_a_running_loop_may_be_entered_again_once_that_is_allowed():
    source = """
        import asyncio
        from nbagents._loop import allow_nested

        async def inner():
            await asyncio.sleep(0)
            return "nested"

        async def cell():
            try:
                work = inner()
                asyncio.run(work)
            except RuntimeError as error:
                work.close()
                print(error)
            allow_nested()
            print(asyncio.run(inner()))

        asyncio.run(cell())
    """
    run = run_script(source)
    assert run.stdout == "asyncio.run() cannot be called from a running event loop\nnested\n", run.stderr


def test_nothing_is_patched_unasked():
    source = """
        import asyncio, sys
        import nbagents._loop
        print(asyncio.run.__module__, "nest_asyncio" in sys.modules, "nest_asyncio2" in sys.modules)
    """
    assert run_script(source).stdout == "asyncio.runners False False\n"
