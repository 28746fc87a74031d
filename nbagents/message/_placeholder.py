"""`PlaceholderMessage`: a message that may not have arrived yet."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from .._loop import background
from .._ports import fetch_message
from ..exceptions import UsageError
from ._msg import MODULES, Msg

__all__ = ["PlaceholderMessage", "Promise"]

ADDRESS_MODULES = MODULES | {"agentscope.message.placeholder"}


FINDING, TICK = 30.0, 0.02
"""How long `to_dict` waits for a server that is being started."""


class Promise(Protocol):
    """What a placeholder waits for: a call in this process or in another."""

    done: bool
    value: Any
    error: BaseException | None

    def label(self) -> str:
        """Say in a few words what is waited for."""

    def result(self, timeout: float | None = None) -> Any:
        """Block until it is there; return it or raise."""

    async def arrive(self) -> Any:
        """Wait until it is there; return it or raise."""

    def cancel(self, why: str = "cancelled") -> None:
        """End it now."""

    def add_done_callback(self, fn: Callable[[], object]) -> None:
        """Call ``fn`` once it is there, soon, on the background loop."""

    def address(self) -> dict[str, Any]:
        """Say where another process can fetch it."""


class PlaceholderMessage(Msg):
    """A message that may not have arrived yet. Every call of an agent returns one at once.

    Reading a field waits for the message, in ticks, so that an interrupt gets in; ``await x`` waits
    too, and ``x.result(timeout=)`` waits so long. What the agent raised is raised where the message
    is read. ``repr``, ``bool``, ``hash``, ``==`` and names with an underscore never wait.

    Two placeholders, or a placeholder and a message, are equal if they are the same message.

    The form with ``host``, ``port`` and ``task_id``, or with ``client`` and ``x``, is AgentScope's:
    it is resolved by the agent server, through a client of ours; no address that came inside a
    message is ever dialled.
    """

    _promise: Promise

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        task_id: int | None = None,
        client: Any = None,
        x: Sequence[Msg] | Msg | None = None,
    ) -> None:
        self.__dict__["_promise"] = fetch_message(host, port, task_id, client, x)

    @classmethod
    def of(cls, promise: Promise) -> PlaceholderMessage:
        """Return the placeholder of a promise."""
        self = object.__new__(cls)
        self.__dict__["_promise"] = promise
        return self

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the message and return it; the very object that the agent returned.

        Raises:
            TimeoutError: it did not arrive within ``timeout`` seconds; the call goes on.
            WouldBlockLoopError: called on the background loop, where only ``await`` can wait.
            Exception: whatever the agent raised.
        """
        __tracebackhide__ = True  # a cell that is interrupted shows the reader's own line; so below
        return self._promise.result(timeout)

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for the message. Cancelling this cancels the call; ``asyncio.shield`` keeps it."""
        return object.__getattribute__(self, "_promise").arrive().__await__()  # type: ignore[no-any-return]

    def done(self) -> bool:
        """Has the message arrived, or failed for good? Never waits."""
        return self._promise.done

    def cancel(self, why: str = "cancelled") -> None:
        """End the call and what it has called; return at once. A finished call stays as it is."""
        self._promise.cancel(why)

    def update_value(self) -> None:
        """Wait until the message is there."""
        self._promise.result(None)

    @property
    def _is_placeholder(self) -> bool:
        return not self._promise.done

    def to_dict(self) -> dict[str, Any]:
        """Return the message as a dictionary; if it has not arrived, where it can be fetched.

        Never waits for the message; for the server that makes it to be found, at most half a minute.
        """
        _found(self._promise)
        if self._promise.done:
            value = self._promise.result(None)
            if isinstance(value, Msg):
                return value.to_dict()
            raise UsageError(f"{self._promise.label()} returned {type(value).__name__}, not a message")
        head = {"__module__": "nbagents.message", "__name__": "PlaceholderMessage"}
        return head | self._promise.address()

    @classmethod
    def from_dict(cls, serialized_dict: Mapping[str, Any]) -> Msg:
        """Make a message from `to_dict`'s dictionary: a placeholder if that tells only where it is made.

        What an agent server of this user makes is fetched from there, in any process of that user. What an
        agent in a process without a server makes can be told once it has arrived.

        Raises:
            UsageError: it is neither a message, nor does it tell where to fetch one.
        """
        if serialized_dict.get("__name__") != "PlaceholderMessage":
            return Msg.from_dict(serialized_dict)
        module = serialized_dict.get("__module__")
        if not isinstance(module, str) or module not in ADDRESS_MODULES:
            raise UsageError(f"not a message: {module}.PlaceholderMessage")
        made = tuple(serialized_dict.get(key) for key in ("_server", "_epoch", "_call"))
        if all(isinstance(part, str) for part in made) and made[0] and made[2]:
            return cls.of(fetch_message(None, None, None, None, None, made=made))
        host, port, task_id = (serialized_dict.get(key) for key in ("_host", "_port", "_task_id"))
        if host is None or port is None or task_id is None:
            raise UsageError(
                "nothing tells where this message is made: its address has _host, _port and _task_id, or "
                "_server and _call",
                hint="wait for the message before you write it down: message.update_value()",
            )
        return cls.of(fetch_message(host, port, task_id, None, None, known_only=True))

    def __getattribute__(self, name: str) -> Any:
        if name[:1] == "_" or name in _OWN:
            return object.__getattribute__(self, name)
        __tracebackhide__ = True
        return getattr(self._promise.result(None), name)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say again why there is none: what the agent raised may have been an AttributeError."""
            return self.__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._promise.result(None), name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._promise.result(None)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._promise.result(None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._promise.result(None))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Msg):
            return NotImplemented
        return _settled(self) is _settled(other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __copy__(self) -> Any:
        return copy.copy(self._promise.result(None))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._promise.result(None), memo)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a placeholder does not travel by pickle; read it first")

    def __repr__(self) -> str:
        promise = self._promise
        if not promise.done:
            return f"<waiting for {promise.label()}>"
        return f"<failed: {promise.error!r}>" if promise.error is not None else repr(promise.value)


_OWN = frozenset({"result", "done", "cancel", "update_value", "to_dict", "of"})


def _found(promise: Promise) -> None:
    """Wait until it is known which server makes a message, unless no server does, or this is the loop."""
    if background().here():
        return
    limit = time.monotonic() + FINDING
    while not promise.done and promise.address().get("_server") == "" and time.monotonic() < limit:
        time.sleep(TICK)


def _settled(message: Msg) -> Msg:
    if isinstance(message, PlaceholderMessage) and message._promise.done:
        value = message._promise.value
        if isinstance(value, Msg):
            return value
    return message
