"""Exchanges the class of an agent that lives in a server for the edited one, and keeps what it has become.

The exchange is a call like any other, over the stream of a private socket: it waits for its turn, so calls
made before it still meet the old class, and those made after it the new one. The new class is defined
as soon as its source arrives, so that a mistake in it is told at once; then the old one stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from ..agents import AgentBase, Call, scheduler
from ..exceptions import AgentCallError, AgentCreationError
from ..message import Promise
from ._agents import AgentTable
from ._anew import put_in_place
from ._hosted import Hosted

if TYPE_CHECKING:
    from ._unit import Unit

__all__ = ["admit_change"]


def admit_change(
    agents: AgentTable,
    method: str,
    agent_id: str,
    arguments: Any,
    *,
    call_id: str | None = None,
    client: str = "",
    path: tuple[int, ...] = (),
    origin: Any = None,
    needs: tuple[Promise, ...] = (),
) -> Call:
    """Make the call object of an exchange; its one argument is the source of the class.

    Raises:
        AgentCallError: this server takes no classes as source text, or the argument is malformed.
        AgentNotFoundError: no such agent.
    """
    agents.classes.check_source()
    if not (isinstance(arguments, list) and arguments and isinstance(arguments[0], list) and arguments[0]):
        raise AgentCallError(f"the argument of {method} is the source of a class")
    from ._unit import Unit

    unit = Unit.of(arguments[0][0])
    hosted = agents.get(agent_id)
    coming = agents.make_class(unit, hosted.settings.get("import_path", []))

    async def change() -> None:
        await _exchange(agents, hosted, await asyncio.shield(coming), unit)

    call = Call(
        scheduler(),
        hosted.agent,
        change,
        (),
        {},
        kind="change",
        parent=None,
        path=path,
        client=client,
        method=method,
        call_id=call_id,
        needs=needs,
    )
    call.origin = origin

    def failed(_: object) -> None:
        error = None if coming.cancelled() else coming.exception()
        if error is not None:
            scheduler().end(call, error)

    coming.add_done_callback(failed)
    return call


async def _exchange(agents: AgentTable, hosted: Hosted, cls: type[AgentBase], unit: Unit) -> None:
    old = hosted.agent
    fresh = None
    if list(_constructors(type(old))) != list(_constructors(cls)):
        fresh = await _made(agents, hosted, cls)
    try:
        object.__setattr__(old, "__class__", cls)
    except TypeError:  # it is laid out otherwise in memory
        hosted.agent = _moved(old, fresh or await _made(agents, hosted, cls))
    else:
        for name, value in vars(fresh).items() if fresh is not None else ():
            old.__dict__.setdefault(name, value)  # what the edited constructor has come to set
    agents.change_source(hosted, unit)


async def _made(agents: AgentTable, hosted: Hosted, cls: type[AgentBase]) -> AgentBase:
    settings = hosted.settings
    try:
        return await agents.make_off_the_loop(lambda: cls(*settings["args"], **settings["kwargs"]))
    except Exception as error:
        raise AgentCreationError(
            f"{hosted.agent._name} keeps the class that it had: the edited {cls.__name__} cannot be made with"
            f" the arguments that {hosted.agent._name} was made with: {type(error).__name__}: {error}"
        ) from error


def _moved(old: AgentBase, new: AgentBase) -> AgentBase:
    """Put another object in an agent's place: with its state, its mailbox and all that waits there."""
    new.load_state_dict(old.state_dict())
    put_in_place(old, new)
    return new


def _constructors(cls: type) -> Iterator[Any]:
    """Yield what tells one constructor from another, of the class and of those that it inherits from."""
    from ._source import code_of  # the collector's, which most servers never need

    for base in cls.__mro__:
        own = vars(base).get("__init__")
        function = code_of(own)
        yield own if function is None or not _is_written(base) else _content(function)


def _is_written(cls: type) -> bool:
    return not cls.__module__.startswith("nbagents.")


def _content(function: FunctionType) -> Any:
    return repr(function.__defaults__), repr(function.__kwdefaults__), _plain(function.__code__)


def _plain(code: CodeType) -> Any:
    """Return a code object without its places in the file."""
    constants = [_plain(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants
