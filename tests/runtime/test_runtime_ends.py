"""Every message to an agent ends: in a reply or in a typed error, where others would wait for ever."""

import asyncio
import gc
import logging
import subprocess
import sys

import pytest
from clerks import ME, Ask, Clerk, Note, clerk, started, until

from nbagents import events
from nbagents.exceptions import (
    CallCancelledError,
    CallTimeoutError,
    DeadlockError,
    OverloadedError,
    UndeliverableException,
    UsageError,
)
from nbagents.runtime import SingleThreadedAgentRuntime
from nbagents.runtime import _deliveries as deliveries_module
from nbagents.topics import AgentId, CancellationToken, DefaultTopicId, TopicId, TypeSubscription

# ------------------------------------------------------------------- what hangs elsewhere


def test_an_unknown_type_is_an_error_at_once():
    async def main():
        runtime = await started()
        with pytest.raises(
            UndeliverableException, match=r"no agent nobody/x: no type nobody is registered \(clerk\)"
        ):
            await runtime.send_message(Ask("x"), AgentId("nobody", "x"))
        with pytest.raises(UsageError, match="AgentId"):
            await runtime.send_message(Ask("x"), "clerk")
        with pytest.raises(UsageError, match="TopicId"):
            await runtime.publish_message(Note("x"), "default")
        await runtime.publish_message(Note("x"), TopicId("nobody", "x"))
        await runtime.stop_when_idle()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        ("fail", LookupError, "of its own"),
        ("late", TimeoutError, "of its own"),
        ("exit", CallCancelledError, "tried to end the program"),
    ],
)
def test_what_a_handler_raises_is_the_senders(what, kind, says):
    async def main():
        runtime = await started()
        with pytest.raises(kind, match=says) as caught:
            await runtime.send_message(Ask(what), ME)
        assert any(frame.name == "on_ask" for frame in caught.traceback) or what == "exit"
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_a_factory_that_fails_is_an_error_and_no_others_loss(caplog):
    def broken():
        raise ValueError("no model")

    async def main():
        runtime = await started()
        await runtime.register_factory("broken", broken)
        await runtime.add_subscription(TypeSubscription("default", "broken"))
        with pytest.raises(
            UndeliverableException, match="broken/x could not be made: ValueError: no model"
        ) as caught:
            await runtime.send_message(Ask("x"), AgentId("broken", "x"))
        assert isinstance(caught.value.__cause__, ValueError)
        await runtime.publish_message(Note("all the same"), DefaultTopicId())
        await runtime.stop_when_idle()
        assert [text for text, *_ in (await clerk(runtime)).heard] == ["all the same"]
        assert "could not be made" in caplog.text

    asyncio.run(main())


def test_before_the_start_a_message_waits_a_little(monkeypatch):
    monkeypatch.setattr(deliveries_module, "STARTING", 0.2)

    async def main():
        runtime = SingleThreadedAgentRuntime()
        await Clerk.register(runtime, "clerk", Clerk)
        with pytest.raises(UndeliverableException, match="not started within") as caught:
            await runtime.send_message(Ask("x"), ME)
        assert caught.value.hint == "runtime.start()"
        assert runtime.unprocessed_messages_count == 0
        sent = asyncio.create_task(runtime.send_message(Ask("x"), ME))
        await runtime.process_next()
        assert await sent == "x"
        await runtime.process_next()  # nothing comes: it returns
        await runtime.publish_message(Note("early"), DefaultTopicId())
        assert runtime.unprocessed_messages_count == 1
        runtime.start()
        with pytest.raises(RuntimeError, match="already started"):
            runtime.start()
        with pytest.raises(RuntimeError, match="by itself"):
            await runtime.process_next()
        await runtime.stop_when_idle()
        assert (await clerk(runtime)).heard[0][0] == "early"

    asyncio.run(main())


def test_stopping_ends_all_that_is_on_its_way():
    async def main():
        runtime = await started()
        running = asyncio.create_task(runtime.send_message(Ask("wait"), ME))
        one = await clerk(runtime)
        await until(one.begun.is_set)
        await runtime.stop(grace=0.05)
        with pytest.raises(CallCancelledError, match="clerk/default was cancelled"):
            await running
        assert one.cancelled.is_set()
        with pytest.raises(RuntimeError, match="not started"):
            await runtime.stop()
        runtime.start()
        assert await runtime.send_message(Ask("again"), ME) == "again"
        await runtime.stop_when_idle()
        queued = asyncio.create_task(runtime.send_message(Ask("x"), ME))
        await until(lambda: runtime.unprocessed_messages_count)
        await runtime.close()
        with pytest.raises(UndeliverableException, match="was stopped"):
            await queued
        with pytest.raises(UndeliverableException, match="is closed"):
            await runtime.send_message(Ask("x"), ME)
        with pytest.raises(UndeliverableException, match="is closed"):
            await runtime.publish_message(Note("x"), DefaultTopicId())

    asyncio.run(main())


def test_a_handler_may_stop_its_runtime_and_not_wait_for_itself():
    async def main():
        runtime = await started()
        with pytest.raises(DeadlockError, match="nothing to do"):
            await runtime.send_message(Ask("idle"), ME)
        assert await runtime.send_message(Ask("stop"), ME) == "stopped"
        with pytest.raises(RuntimeError, match="not started"):
            await runtime.stop_when_idle()

    asyncio.run(main())


def test_a_token_cancels_the_handler_and_those_that_it_waits_for():
    async def main():
        runtime, token = await started(), CancellationToken()
        sent = asyncio.create_task(runtime.send_message(Ask("nest"), ME, cancellation_token=token))
        inner = await clerk(runtime, "inner")
        await until(inner.begun.is_set)
        token.cancel()
        with pytest.raises(CallCancelledError, match="cancelled by its sender"):
            await sent
        await until(inner.cancelled.is_set)
        with pytest.raises(CallCancelledError, match="before it was sent"):
            await runtime.send_message(Ask("x"), ME, cancellation_token=token)
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_whoever_stops_waiting_stops_the_handler():
    async def main():
        runtime = await started()
        one = await clerk(runtime)
        with pytest.raises(CallTimeoutError, match=r"no reply from clerk/default within 0\.05 s"):
            await runtime.send_message(Ask("wait"), ME, timeout=0.05)
        await until(one.cancelled.is_set)
        assert one.token.is_cancelled()
        one.cancelled.clear()
        one.begun.clear()
        sent = asyncio.create_task(runtime.send_message(Ask("nest"), ME))
        inner = await clerk(runtime, "inner")
        await until(inner.begun.is_set)
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent
        await until(inner.cancelled.is_set)
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_too_many_messages_wait_and_then_are_refused(monkeypatch):
    monkeypatch.setattr(deliveries_module, "ROOM_TIMEOUT", 0.2)

    async def main():
        runtime = await started(room=2)
        for _ in range(2):
            await runtime.publish_message(Note("hold"), DefaultTopicId())
        with pytest.raises(OverloadedError, match=r"no room within 0\.2 s: 2 are on their way"):
            await runtime.publish_message(Note("x"), DefaultTopicId())
        waiting = asyncio.create_task(runtime.publish_message(Note("y"), DefaultTopicId()))
        runtime._background.post((await clerk(runtime)).gate.set)
        await waiting
        await runtime.stop_when_idle()
        assert [text for text, *_ in (await clerk(runtime)).heard] == ["hold", "hold", "y"]

    asyncio.run(main())


def test_a_direct_message_that_finds_no_room_fails_once_and_its_token_ends_the_waiting(monkeypatch, caplog):
    monkeypatch.setattr(deliveries_module, "ROOM_TIMEOUT", 0.2)

    async def main():
        runtime, token = await started(room=1), CancellationToken()
        held = asyncio.ensure_future(runtime.send_message(Note("hold"), ME))
        await until((await clerk(runtime)).begun.is_set)
        with pytest.raises(OverloadedError):
            await runtime.send_message(Ask("x"), ME)
        monkeypatch.setattr(deliveries_module, "ROOM_TIMEOUT", 60)
        waiting = asyncio.ensure_future(runtime.send_message(Ask("x"), ME, cancellation_token=token))
        await until(lambda: runtime._deliveries._waiting)
        token.cancel()
        with pytest.raises(CallCancelledError):
            await asyncio.wait_for(waiting, 20)
        with pytest.raises(CallTimeoutError):
            await runtime.send_message(Ask("x"), ME, timeout=0.1)
        runtime._background.post((await clerk(runtime)).gate.set)
        await held
        await runtime.stop_when_idle()

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
        gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


# --------------------------------------------------------------------------- what fails


def test_a_failure_of_an_event_is_logged_and_told_to_whoever_listens(caplog):
    heard = []

    async def main():
        runtime = await started()
        end = events.subscribe(heard.append)
        try:
            with caplog.at_level(logging.ERROR):
                await runtime.publish_message(Note("fail"), DefaultTopicId(), message_id="m1")
                await runtime.stop_when_idle()
        finally:
            end()

    asyncio.run(main())
    assert "Error handling a published message [clerk/default, topic default/default]" in caplog.text
    assert [(event.kind, event.agent, event.data["message"]) for event in heard] == [
        ("sent", "", "m1"),
        ("handled", "clerk/default", "m1"),
    ]
    assert isinstance(heard[1].data["error"], ValueError)


def test_the_first_failure_is_raised_where_they_are_not_ignored(caplog):
    async def main():
        runtime = await started(ignore_unhandled_exceptions=False)
        await runtime.publish_message(Note("fail"), DefaultTopicId())
        with pytest.raises(ValueError, match="a handler failed"):
            await runtime.stop_when_idle()
        runtime.start()
        await runtime.stop()

    asyncio.run(main())


FORKS = """
import asyncio, os, sys, warnings
from nbagents import AgentId, SingleThreadedAgentRuntime
runtime = SingleThreadedAgentRuntime()
warnings.simplefilter("ignore")
if os.fork() == 0:
    try:
        asyncio.run(runtime.send_message(1, AgentId("a", "b")))
    except ValueError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.posix
def test_in_a_fork_a_runtime_says_that_it_is_the_parents():
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=50)
    assert "make one in the child" in done.stdout, done.stderr
