"""`Record`: what is kept of one agent, and what has changed since.

That a memory only grew is seen by its list, which is the same one then, and by its length: nothing of it is
compared. Of a memory that also lost its oldest messages the new ones are written, and where it begins now.
The other state is compared as JSON, and only where a look at the values leaves a doubt.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

from ..agents import APART, STEADY, UNFIT, AgentBase, Call, apart, freeze, frozen, peek, thaw
from ..config import names_secret
from ..exceptions import StorageError
from ..memory import TemporaryMemory, messages_of
from ..message import Msg, last_edit
from ..store import read_text, write_text
from ._keys import has_gaps, without_keys

if TYPE_CHECKING:
    from ._keeper import Keeper

__all__ = ["Record", "become"]

log = logging.getLogger(__name__)
HOLDS_MORE = (dict, list, tuple, Msg)
"""Types of values that may change without being another object."""
PLAIN = frozenset({str, int, float, bool, type(None)})
_MISSING = object()


class Record:
    """Keeps one agent, as `agents.Kept` says. ``n`` is its number in the journal."""

    __slots__ = (
        "agent",
        "anew",
        "edits",
        "gone",
        "keeper",
        "kept_edits",
        "kept_length",
        "kept_messages",
        "kept_state",
        "length",
        "messages",
        "n",
        "own",
        "pending",
        "places",
        "plain",
        "slid",
        "state",
        "where",
        "whole",
    )

    def __init__(self, keeper: Keeper, agent: AgentBase, n: int) -> None:
        self.keeper, self.agent, self.n = keeper, agent, n
        self.own: dict[str, Any] = peek(agent, "__dict__")
        self.gone = self.pending = False
        self.anew = False
        """Has the memory not only grown in this turn?"""
        self.slid = 0
        """How many of its oldest kept messages it has lost, if it only did that and grew."""
        self.where: array[int] | None = None
        """The places of its messages in the journal, 0 for none; None as long as it lost none."""
        self.places = 0
        """How many messages it has in the journal, where what cannot be held is left out."""
        self.edits = self.kept_edits = last_edit()
        self.plain: dict[str, Any] | None = None
        self.whole = type(agent).state_dict is not AgentBase.state_dict and not _passes_memory_on(agent)
        """Does its own ``state_dict`` say what it remembers, in its own way?"""
        self.messages: list[Msg] = []
        self.length, self.state = 0, "{}"
        self.kept_messages, self.kept_length, self.kept_state = self.messages, 0, "{}"

    def stands_for(self, agent: AgentBase) -> None:
        """Go on with the agent as it is now: of another class, or another object in its place."""
        self.agent, self.own, self.plain = agent, peek(agent, "__dict__"), None
        self.whole = type(agent).state_dict is not AgentBase.state_dict and not _passes_memory_on(agent)

    # ---- asked by the clockwork

    def answered(self, call: Call) -> bool:
        """Settle a call that carries a key with how an attempt before it ended; False if it is to run."""
        return not self.gone and self.keeper.answered(call)

    def observed(self, error: BaseException | None, then: Callable[[BaseException | None], object]) -> bool:
        """Return whether ``then`` waits until what the agent has observed is safe."""
        if self.gone:
            return False
        try:
            changed = self._state_changed() if self.whole else self._memory_changed()
        except StorageError as untold:
            then(untold)
            return True
        if not changed and not self.pending:
            return False
        self.keeper.wait(then if error is None else lambda failure: then(failure or error))
        return True

    def over(
        self,
        call: Call,
        value: Any,
        error: BaseException | None,
        then: Callable[[Call, Any, BaseException | None], object],
    ) -> bool:
        """Return whether ``then`` waits until what the agent has become is safe."""
        if self.gone:
            return False
        failed, keyed = error, False
        try:
            changed = self.changed()
        except StorageError as untold:
            changed, failed = False, untold
        if call.key and failed is None and call.kind in ("call", "observe") and not call.done:
            try:
                value = self.agent._as_message(value) if call.kind == "call" else None
            except Exception:  # noqa: BLE001, S110  # it fails the call when it is settled
                pass
            else:
                keyed = self.keeper.keep_reply(call.key, value)
        if not (changed or keyed or self.pending):
            if failed is not error:
                then(call, None, failed)
            return failed is not error

        def safe(failure: BaseException | None) -> None:
            then(call, None if failure else value, failure or failed)

        self.keeper.wait(safe)
        return True

    def adopt(self, places: int) -> None:
        """Take the agent for what the journal holds, out of which it has just come."""
        self.messages = self.kept_messages = _messages_in(self.own.get("memory"), [])
        self.length = self.kept_length = len(self.messages)
        self.state = self.kept_state = self._state() or self.state
        self.places = places
        self.agent.__dict__["_kept"] = self

    # ---- what has changed

    def changed(self) -> bool:
        """Look at the agent; what has changed goes into the keeper's next batch.

        Raises:
            StorageError: the agent's own ``state_dict`` failed.
        """
        remembers = not self.whole and self._memory_changed()
        return self._state_changed() or remembers

    def _memory_changed(self) -> bool:
        memory, known, edits = self.own.get("memory"), self.messages, last_edit()
        # What most turns do, first.
        if type(memory) is TemporaryMemory and memory._messages is known and edits == self.edits:
            length = len(known)
            if length == self.length:
                return False
            grown, slid = length > self.length, 0
        else:
            messages = _messages_in(memory, known)
            length = len(messages)
            edited = edits != self.edits and any(m._edit > self.edits for m in messages[: self.length])
            self.edits, self.messages = edits, messages
            grown = not edited and length >= self.length
            if grown and messages is not known:
                grown = messages[: self.length] == known[: self.length]
            if grown and length == self.length:
                return False
            slid = 0 if grown or edited else _lost(messages, known[: self.length])
        self.length = length
        self.slid += slid
        known_places = self.where is not None and self.slid < self.kept_length
        self.anew = self.anew or not (grown or (slid and known_places))
        if not self.pending:
            self.keeper.touch(self)
        return True

    def _state_changed(self) -> bool:
        state = self._state()
        if state is None or state == self.state:
            return False
        self.state = state
        if not self.pending:
            self.keeper.touch(self)
        return True

    def unwritten(self) -> list[Msg]:
        """Return what the journal is to hold of its memory besides, or instead if that is ``anew``."""
        return self.messages[0 if self.anew else self.kept_length - self.slid : self.length]

    def begins(self, following: int) -> int:
        """Return the place of its first message in the journal; ``following`` is that of the next one."""
        left = () if self.anew or self.where is None else self.where[self.slid :]
        return next(filter(None, left), following)

    def written(self, places: Sequence[int]) -> int:
        """The journal has what was `unwritten` at these places; return how many it needs no more."""
        gone = self.places if self.anew else sum(map(bool, (self.where or ())[: self.slid]))
        self.places += sum(map(bool, places)) - gone
        if self.anew and self.kept_length:  # it may do so again, and better then
            self.where = array("q", places)
        elif self.where is not None:
            self.where = self.where[self.slid :] + array("q", places)
        return gone

    def _state(self) -> str | None:
        """Return what the agent has become, but for its memory; None if that is seen to be as it was."""
        own = self.own
        if type(self.agent).state_dict is AgentBase.state_dict:
            now = dict(own)  # another thread may go on
            now.pop("_kept", None)  # which is this record: it would hold itself, and so its agent, for ever
            plain = self.plain
            if plain is not None and list(plain) == list(now) and all(map(is_, plain.values(), now.values())):
                return None
            held = any(
                isinstance(item, HOLDS_MORE)
                for key, item in now.items()
                if key[0] != "_" and key not in STEADY
            )
            self.plain = None if held else now
            tree = frozen(own)
        else:
            tree = self._told()
        try:
            return write_text(_keyless(tree))
        except (TypeError, ValueError, RecursionError) as error:
            raise StorageError(f"what {self.agent._name} has become cannot be kept: {error}") from None

    def _told(self) -> dict[str, Any]:
        """Return what the agent's own ``state_dict`` tells, without the memory where that is kept apart."""
        token = apart.set(not self.whole)
        try:
            told = self.agent.state_dict()
            tree = dict(told) if isinstance(told, dict) else None
        except Exception as error:
            raise StorageError(
                f"what {self.agent._name} has become cannot be kept: its state_dict raised"
                f" {type(error).__name__}: {error}"
            ) from error
        finally:
            apart.reset(token)
        if tree is None:
            raise StorageError(
                f"what {self.agent._name} has become cannot be kept: its state_dict returned no dictionary"
            )
        if not self.whole:
            tree.pop("memory", None)
        held = freeze(tree)
        if held is UNFIT:
            raise StorageError(
                f"what {self.agent._name} has become cannot be kept: JSON cannot hold its state"
            )
        return dict(held)

    # ---- how it ended

    def settle(self, *, safe: bool) -> None:
        """The batch is written, or could not be: then the agent becomes again what is kept of it."""
        self.pending = self.anew = False
        self.slid = 0
        if safe:
            self.kept_messages, self.kept_length, self.kept_state = self.messages, self.length, self.state
            self.kept_edits = self.edits
            return
        try:
            self._put_back()
        except Exception:
            log.exception("%s could not be put back to what is kept of it", self.agent._name)

    def _put_back(self) -> None:
        messages, length, state = self.messages, self.length, self.state
        self.messages, self.length, self.state = self.kept_messages, self.kept_length, self.kept_state
        self.edits = self.kept_edits  # what was edited cannot be put back, and is written next time
        self.plain = None
        if messages is not self.messages or length != self.length:
            memory = self.own.get("memory")
            later = _messages_in(memory, messages)[length:]  # of a turn that runs now
            before = [*self.kept_messages[: self.kept_length], *later]
            if memory is not None:
                memory.load(before, overwrite=True)
                self.messages = self.kept_messages = _messages_in(memory, before)
        if state == self.state:
            return
        kept, tried = read_text(self.state), read_text(state)
        if type(self.agent).load_state_dict is not AgentBase.load_state_dict:
            become(self.agent, kept, list(self.messages))
            return
        for name in tried.keys() - kept.keys():
            self.agent.__dict__.pop(name, None)
        for name, value in kept.items():
            if tried.get(name, _MISSING) != value:
                setattr(self.agent, name, thaw(value))


def become(agent: AgentBase, state: dict[str, Any], messages: list[Msg]) -> None:
    """Have an agent become what was kept of it; an agent's own ``load_state_dict`` may raise anything."""
    if type(agent).state_dict is not AgentBase.state_dict:
        state = thaw(state)  # its own form, which may hold messages and bytes as they are
    if "memory" in state or agent.__dict__.get("memory") is None:
        agent.load_state_dict(state)  # it tells what it remembers in its own way, or nothing
    elif type(agent).load_state_dict is AgentBase.load_state_dict:
        agent.load_state_dict({"memory": messages} | state)
    else:
        agent.load_state_dict({"memory": [freeze(message) for message in messages]} | state)


def _passes_memory_on(agent: AgentBase) -> bool:
    """Does the agent's own ``state_dict`` tell of its memory as `AgentBase` does?"""
    token = apart.set(True)
    try:
        return agent.state_dict().get("memory") is APART
    except Exception:  # noqa: BLE001  # it is told when it matters
        return False
    finally:
        apart.reset(token)


def _messages_in(memory: Any, known: list[Msg]) -> list[Msg]:
    """Return what is remembered; the very list where that tells whether it only grew."""
    if memory is None:
        return [] if known else known
    if getattr(type(memory), "get_memory", None) is TemporaryMemory.get_memory:
        live: list[Msg] = memory._messages
        return live
    try:
        found = messages_of(memory)
    except Exception:  # noqa: BLE001  # a memory class of the agent's own
        log.warning("a %s does not tell what it remembers; it is not kept", type(memory).__name__)
        return known
    return known if found is None else found


def _lost(messages: list[Msg], known: list[Msg]) -> int:
    """Return how many messages were lost at the beginning, if the others are there and follow each other."""
    if not messages or messages[0] not in known:
        return 0
    lost = known.index(messages[0])
    return lost if messages[: len(known) - lost] == known[lost:] else 0


def _keyless(tree: dict[str, Any]) -> dict[str, Any]:
    """Return state without what may be a key; the constructor had it, and will have it again."""
    doubtful = (
        tree
        if "config_name" in tree
        else {name: item for name, item in tree.items() if type(item) not in PLAIN or names_secret(name)}
    )
    found = without_keys(doubtful) if doubtful else {}
    if not has_gaps(found):
        return tree
    return {name: item for name, item in tree.items() if not has_gaps(found.get(name))}
