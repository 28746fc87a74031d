"""`RoutedProxy`: a routed agent, asked as any other agent is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from .._threads import on_thread
from ..agents import AgentBase
from ..exceptions import UsageError
from ..memory import arrived
from ..message import Msg
from ..topics import AgentId, AgentType
from ._protocol import DEFAULT_TIMEOUT, AgentRuntime

__all__ = ["RoutedProxy"]


class RoutedProxy(AgentBase):
    """Stands for an agent of a runtime where an agent is called: in pipelines, in hubs, in ``%%agents``.

    A call sends one message to ``agent`` and answers with its reply. Stopping the call stops the handler. The
    other one is made, and remembers, as its runtime says; what others say in a hub is not sent to it, but it
    is in the memory of this one.

    Args:
        name: Its name here; in a notebook, give the variable the same.
        runtime: Where the agent is reached, a `SingleThreadedAgentRuntime` or a worker that runs.
        agent: Its id, or its type for the agent of the key "default".
        message: Makes of the `Msg` that is said what the agent's handler takes; by default it gets the `Msg`
            itself. May be ``async``; one that blocks runs on a thread.
        reply: Makes a text or a `Msg` of what the handler returns, in the same way. By default a `Msg` and a
            text are as they are, None is "", and of anything else, such as a dataclass, the JSON is shown.
        timeout: Seconds after which a message without a reply ends in an error.

    >>> import asyncio
    >>> from nbagents.runtime import RoutedAgent, SingleThreadedAgentRuntime, message_handler
    >>> from nbagents.topics import MessageContext
    >>> class Greeter(RoutedAgent):
    ...     @message_handler
    ...     async def greet(self, message: Msg, ctx: MessageContext) -> str:
    ...         return f"Hello {message.content}"
    >>> async def main():
    ...     runtime = SingleThreadedAgentRuntime()
    ...     await Greeter.register(runtime, "greeter", lambda: Greeter("greets"))
    ...     runtime.start()
    ...     reply = await RoutedProxy("ann", runtime, "greeter")(Msg("you", "there", "user"))
    ...     await runtime.close()
    ...     return reply.name, reply.content
    >>> asyncio.run(main())
    ann: Hello there
    ('ann', 'Hello there')
    """

    def __init__(
        self,
        name: str,
        runtime: AgentRuntime,
        agent: AgentId | AgentType | str,
        *,
        message: Callable[[Msg], Any] | None = None,
        reply: Callable[[Any], Any] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        super().__init__(name)
        if not isinstance(runtime, AgentRuntime):
            raise UsageError(f"{name} stands for an agent of a runtime, not of a {type(runtime).__name__}")
        self._routed = runtime, agent if isinstance(agent, AgentId) else AgentId(_type(agent), "default")
        self._ways = message, reply
        self._timeout = timeout

    async def reply(self, x: Msg | Sequence[Msg] | str | None = None) -> Msg:
        """Send ``x``, of several messages the last, and return the reply; both are remembered.

        Raises:
            UsageError: nothing is said.
            UndeliverableException: nobody serves that agent.
            CantHandleException: it takes no such message.
            CallTimeoutError: there was no reply in time.
            Exception: what its handler has raised, or one of the functions.
        """
        said = [Msg("user", x, "user")] if isinstance(x, str) else [x] if isinstance(x, Msg) else [*(x or ())]
        if not said:
            raise UsageError(f"{self._name} was told nothing: a routed agent answers a message")
        self.memory.add(said)
        runtime, agent = self._routed
        made, shown = self._ways
        sent = said[-1] if made is None else await arrived(await on_thread(made, said[-1]))
        found = await runtime.send_message(sent, agent, timeout=self._timeout)
        if shown is not None:
            found = await arrived(await on_thread(shown, found))
        answer = found if isinstance(found, Msg) else Msg(self._name, _text(found), "assistant")
        self.memory.add(answer)
        self.speak(answer)
        return answer


def _type(agent: AgentType | str) -> str:
    return agent.type if isinstance(agent, AgentType) else agent


def _text(value: Any) -> str:
    """Return a reply as text."""
    if value is None or isinstance(value, str):
        return value or ""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    elif callable(getattr(value, "model_dump", None)):  # pydantic's
        value = value.model_dump(mode="json")
    return json.dumps(value, ensure_ascii=False, default=str)
