"""Intervention handlers change, pass and drop messages, one after the other, and hang nothing."""

import asyncio

import pytest
from clerks import ME, Ask, Note, clerk, started, until

from nbagents import events
from nbagents.exceptions import MessageDroppedException, UndeliverableException
from nbagents.runtime import DefaultInterventionHandler, DropMessage
from nbagents.topics import AgentId, DefaultTopicId


class Appends(DefaultInterventionHandler):
    def __init__(self, letter):
        self.letter = letter

    async def on_send(self, message, *, message_context, recipient):
        return Ask(message.what + self.letter) if message.what.startswith("5") else None

    async def on_publish(self, message, *, message_context):
        return Note(message.text + self.letter)

    async def on_response(self, message, *, sender, recipient):
        return f"{message}>{self.letter}" if isinstance(message, str) else None


class Drops(DefaultInterventionHandler):
    """Drops what says so, on the way there or back."""

    async def on_send(self, message, *, message_context, recipient):
        if message.what == "raise":
            raise PermissionError("not that")
        return DropMessage if message.what == "drop" else message

    async def on_publish(self, message, *, message_context):
        if message.text == "raise":
            raise PermissionError("not that")
        return DropMessage() if message.text == "drop" else message

    async def on_response(self, message, *, sender, recipient):
        return DropMessage() if message == "secret" else message


class Asks(DefaultInterventionHandler):
    """Asks an agent about each message: the queue waits meanwhile."""

    runtime = None

    async def on_send(self, message, *, message_context, recipient):
        if recipient == ME:
            return Ask(await self.runtime.send_message(Ask("asked"), AgentId("clerk", "judge"), timeout=10))
        return message


def test_each_gets_what_the_one_before_it_has_made():
    async def main():
        runtime = await started(intervention_handlers=[Appends("1"), Appends("2")])
        assert await runtime.send_message(Ask("5"), ME) == "512>1>2"
        assert await runtime.send_message(Ask("x"), ME) == "x>1>2"
        assert await runtime.send_message(Ask("none"), ME) is None
        await runtime.publish_message(Note("a"), DefaultTopicId())
        await runtime.stop_when_idle()
        assert [text for text, *_ in (await clerk(runtime)).heard] == ["a12"]

    asyncio.run(main())


def test_what_is_dropped_is_told_to_who_waits_and_holds_up_nothing(caplog):
    heard = []

    async def main():
        runtime = await started(intervention_handlers=[Drops()])
        for what in ("drop", "secret"):
            with pytest.raises(MessageDroppedException, match="dropped by Drops"):
                await runtime.send_message(Ask(what), ME)
        with pytest.raises(PermissionError, match="not that"):
            await runtime.send_message(Ask("raise"), ME)
        end = events.subscribe(heard.append)
        for text in ("drop", "raise", "kept"):
            await runtime.publish_message(Note(text), DefaultTopicId())
        await runtime.stop_when_idle()
        end()
        assert [text for text, *_ in (await clerk(runtime)).heard] == ["kept"]

    asyncio.run(main())
    assert "an intervention handler failed [topic default/default]" in caplog.text
    assert [event.kind for event in heard].count("dropped") == 1


def test_one_that_sends_messages_itself_does_not_wait_for_itself():
    async def main():
        asks = Asks()
        asks.runtime = runtime = await started(intervention_handlers=[asks])
        assert await runtime.send_message(Ask("x"), ME) == "asked"
        await runtime.stop_when_idle()

    asyncio.run(main())


def test_stopping_ends_what_an_intervention_handler_holds():
    class Holds(DefaultInterventionHandler):
        async def on_send(self, message, *, message_context, recipient):
            begun.set()
            await asyncio.Event().wait()

    begun = asyncio.Event()

    async def main():
        runtime = await started(intervention_handlers=[Holds()])
        sent = [asyncio.create_task(runtime.send_message(Ask("x"), ME)) for _ in range(2)]
        await until(begun.is_set)
        await runtime.stop(grace=0)
        for each in sent:
            with pytest.raises(UndeliverableException, match="was stopped"):
                await each

    asyncio.run(main())
