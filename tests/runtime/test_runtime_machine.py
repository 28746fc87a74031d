"""Random programs against one runtime: nothing is lost, doubled, out of order or left waiting."""

import asyncio
import collections

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbagents.exceptions import CallCancelledError, CallError, UndeliverableException
from nbagents.runtime import BaseAgent, SingleThreadedAgentRuntime
from nbagents.topics import AgentId, CancellationToken, TopicId, TypePrefixSubscription, TypeSubscription

TYPES = ["a", "b", "c"]
TOPICS = ["t", "tt", "u"]
KEYS = ["1", "2"]


class Ends(BaseAgent):
    """Does what a message says, and notes that it began."""

    def __init__(self, log):
        super().__init__("ends")
        self.log = log

    async def on_message_impl(self, message, ctx):
        number, how = message
        self.log.append((str(self.id), number))
        if how == "wait":
            await asyncio.Event().wait()
        if how == "turns":
            for _ in range(3):
                await asyncio.sleep(0)
        if how == "fail":
            raise LookupError(number)
        return number


class RuntimeMachine(RuleBasedStateMachine):
    sent = Bundle("sent")

    @initialize()
    def begin(self):
        self.loop = asyncio.new_event_loop()
        self.runtime = SingleThreadedAgentRuntime()
        self.number, self.log, self.started, self.queued = 0, [], False, False
        self.types, self.subscriptions = set(), {}
        self.expected = collections.Counter()
        self.calls = []

    def run(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    def call(self, how, kind, key, token=None):
        self.number += 1
        self.queued = not self.started
        work = self.runtime.send_message((self.number, how), AgentId(kind, key), cancellation_token=token)
        task = self.loop.create_task(work)
        self.calls.append((task, self.number, how, kind in self.types, token))
        self.run(asyncio.sleep(0))
        return task

    # Who gets a message is decided when it is delivered, so this changes only while none is queued.

    @precondition(lambda self: self.started or not self.queued)
    @rule(kind=st.sampled_from(TYPES), slow=st.booleans())
    def register(self, kind, slow):
        async def factory():
            await asyncio.sleep(0)
            return Ends(self.log)

        self.settle()
        try:
            self.run(self.runtime.register_factory(kind, factory if slow else lambda: Ends(self.log)))
        except ValueError:
            assert kind in self.types
        else:
            assert kind not in self.types
            self.types.add(kind)

    @precondition(lambda self: self.started or not self.queued)
    @rule(kind=st.sampled_from(TYPES), topic=st.sampled_from(TOPICS), prefix=st.booleans())
    def subscribe(self, kind, topic, prefix):
        subscription = (TypePrefixSubscription if prefix else TypeSubscription)(topic, kind)
        known = (kind, topic, prefix)
        try:
            self.run(self.runtime.add_subscription(subscription))
        except ValueError:
            assert known in self.subscriptions
        else:
            assert known not in self.subscriptions
            self.subscriptions[known] = subscription.id

    @precondition(lambda self: self.started or not self.queued)
    @rule(data=st.data())
    def unsubscribe(self, data):
        if self.subscriptions:
            known = data.draw(st.sampled_from(sorted(self.subscriptions)))
            self.run(self.runtime.remove_subscription(self.subscriptions.pop(known)))

    @rule(
        topic=st.sampled_from(TOPICS),
        key=st.sampled_from(KEYS),
        how=st.sampled_from(["now", "turns", "fail"]),
    )
    def publish(self, topic, key, how):
        self.number += 1
        self.queued = not self.started
        for kind in {
            kind
            for kind, wanted, prefix in self.subscriptions
            if (topic.startswith(wanted) if prefix else topic == wanted)
        } & self.types:
            self.expected[f"{kind}/{key}", self.number] += 1
        self.run(self.runtime.publish_message((self.number, how), TopicId(topic, key)))
        self.settle()

    @rule(
        target=sent,
        kind=st.sampled_from(TYPES),
        key=st.sampled_from(KEYS),
        how=st.sampled_from(["now", "turns", "fail", "wait"]),
    )
    def send(self, kind, key, how):
        token = CancellationToken()
        self.call(how, kind, key, token)
        return token

    @rule(token=sent)
    def cancel(self, token):
        token.cancel()
        mine = [task for task, *_, known in self.calls if known is token]
        if mine:
            assert not self.run(asyncio.wait(mine))[1], "it ends what was sent with it"

    @rule()
    def start(self):
        if not self.started:
            self.runtime.start()
            self.started = True

    @rule()
    def stop(self):
        if self.started:
            self.settle()
            self.run(self.runtime.stop(grace=0))
            self.started = False
            self.check_ended()

    def settle(self):
        """Let all that does not wait for ever be over."""
        if self.started:
            waits = sum(not task.done() and how == "wait" and known for task, _, how, known, _ in self.calls)
            deliveries = self.runtime._deliveries

            async def quiet():
                await self.runtime._there(asyncio.sleep(0))  # what was sent before has arrived there
                while deliveries.load > waits:  # noqa: ASYNC110  # it is another loop's
                    await asyncio.sleep(0.001)

            self.run(quiet())

    def check_ended(self):
        for task, number, how, known, token in self.calls:
            assert self.run(asyncio.wait([task])), "it ends"
            error = task.exception()
            if error is None:
                assert task.result() == number
                assert how in ("now", "turns")
            elif isinstance(error, LookupError):
                assert how == "fail"
                assert error.args == (number,)
            elif isinstance(error, UndeliverableException):
                assert not known or "stopped" in str(error)
            else:
                assert isinstance(error, CallError)
                assert isinstance(error, CallCancelledError)
                assert how == "wait" or token.is_cancelled()
        self.calls = []

    @invariant()
    def nobody_is_handled_twice(self):
        assert all(count == 1 for count in collections.Counter(self.log).values())

    def teardown(self):
        if not hasattr(self, "loop"):
            return
        self.start()
        self.settle()
        self.run(self.runtime.stop(grace=0))
        self.check_ended()
        heard = collections.Counter(entry for entry in self.log if entry in self.expected)
        assert heard == self.expected, "each subscriber has had each message once"
        for id in {id for id, _ in self.log}:
            numbers = [number for who, number in self.log if who == id]
            assert numbers == sorted(numbers), "in the order in which they were sent"
        self.run(self.runtime.close())
        self.loop.close()


TestRuntimeMachine = RuntimeMachine.TestCase
TestRuntimeMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
