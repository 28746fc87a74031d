"""`Keeper`: sees to it that what the agents of a server become is in its journal before anybody is told.

What changes in one turn of the loop is written in one transaction at its end. If that fails, the calls of
that turn fail with the reason, and their agents become again what the journal holds of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..exceptions import NbAgentsError, StorageError
from ..message import Msg
from ..store import Batch, Journal, write_text
from ._codec import from_json, to_json
from ._keys import without_keys
from ._record import Record

if TYPE_CHECKING:
    from ..agents import Call
    from ._hosted import Hosted

__all__ = ["NO_REPLY", "Keeper"]

log = logging.getLogger(__name__)
NO_REPLY: Any = object()
"""What `Keeper.kept_reply` returns where none is kept."""


class _Turn:
    """What has changed in this turn of the loop, and who waits until it is safe."""

    def __init__(self) -> None:
        self.batch = Batch()
        self.made: list[tuple[Record, Hosted, str]] = []
        self.records: list[Record] = []
        self.waiting: list[Callable[[BaseException | None], object]] = []


class Keeper:
    """Connects the agents of one server with its journal. On the loop only.

    ``max_replies`` replies of calls that carry a key are kept for ``max_age`` seconds; those of an earlier
    server as if they were new.
    """

    def __init__(self, journal: Journal, *, max_replies: int = 8192, max_age: float = 7200) -> None:
        self.journal, self.max_replies, self.max_age = journal, max_replies, max_age
        self.commits = 0
        """How many transactions there were."""
        self._turn: _Turn | None = None
        self._left_over = Batch()
        self._rows: WeakKeyDictionary[Msg, tuple[int, int]] = WeakKeyDictionary()
        self._configs: dict[str, str] = {}
        self._settings: tuple[Any, str] = (None, "")
        now = time.monotonic()
        self._replies: OrderedDict[str, float] = OrderedDict.fromkeys(journal.reply_keys(), now)

    # ---- agents

    def kept(self, hosted: Hosted) -> None:
        """Keep an agent from now on; of one that is kept already, how it is made. See `saved`.

        Raises:
            StorageError: it does not tell what it has become.
        """
        settings = self._written(hosted.settings)
        record = hosted.agent.__dict__.get("_kept")
        if isinstance(record, Record):
            record.stands_for(hosted.agent)
            self._now().batch.settings.append((settings, record.n))
            return
        record = Record(self, hosted.agent, self.journal.new_agent())
        try:
            record.changed()
        except StorageError:
            record.gone = True
            raise
        self._now().made.append((record, hosted, settings))
        hosted.agent.__dict__["_kept"] = record

    def adopt(self, numbered: Iterable[tuple[Msg, int]]) -> None:
        """Know the numbers of messages that came out of the journal."""
        for message, number in numbered:
            self._rows[message] = (number, message._edit)

    def forgotten(self, agent: Any) -> None:
        """Keep an agent no more. See `saved`."""
        record = agent.__dict__.pop("_kept", None)
        if isinstance(record, Record) and not record.gone:
            record.gone = True
            self._buried(record.places)
            self._now().batch.forgotten.append((record.n,))

    def configured(self, configs: list[dict[str, Any]]) -> None:
        """Keep model configurations without their keys. See `saved`."""
        for config in configs:
            name, text = str(config["config_name"]), write_text(without_keys(config))
            if self._configs.get(name) != text:
                self._configs[name] = text
                self._now().batch.configs.append((name, text))

    def run_over(self, run_id: str, about: str, events: str) -> None:
        """Keep a run that is over, as JSON. See `saved`."""
        self._now().batch.runs.append((run_id, about, events))

    def run_dropped(self, run_id: str) -> None:
        """Keep a run no more. See `saved`."""
        self._now().batch.dropped.append((run_id,))

    def dropped(self, n: int) -> None:
        """Forget an agent that could not be brought back. See `saved`."""
        self._now().batch.forgotten.append((n,))

    async def saved(self) -> None:
        """Wait until all that was kept and forgotten before is in the journal.

        Raises:
            StorageError: it could not be written. What was forgotten and configured will be tried again.
        """
        if self._turn is None:
            return
        future: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

        def told(failure: BaseException | None) -> None:
            if not future.done():  # whoever waits may have been cancelled
                future.set_result(failure)

        self.wait(told)
        failure = await future
        if failure is not None:
            raise failure

    # ---- replies

    def keep_reply(self, key: str, value: Any) -> bool:
        """Keep the reply of a call, so that it need not run again; False if it is none that can travel."""
        try:
            reply = to_json(value)
        except NbAgentsError:
            return False
        self._now().batch.replies.append((key, reply))
        return True

    def kept_reply(self, key: str) -> Any:
        """Return the reply of the call with that key, or `NO_REPLY`.

        Raises:
            StorageError: the journal cannot be read.
        """
        since = self._replies.get(key)
        if since is None or time.monotonic() - since > self.max_age:
            return NO_REPLY
        text = self.journal.reply(key)
        if text is None:
            return NO_REPLY
        try:
            return from_json(text)
        except NbAgentsError as error:
            raise self.journal.corrupt("replies", key, str(error)) from None

    def answered(self, call: Call) -> bool:
        """Settle a call with the reply that is kept under its key; False if there is none."""
        try:
            value = self.kept_reply(call.key)
        except StorageError as error:  # whether it has been done is not known: it is not done again
            call.scheduler.settle(call, None, error)
            return True
        if value is NO_REPLY:
            return False
        call.scheduler.settle(call, value)
        return True

    # ---- called by the records

    def wait(self, then: Callable[[BaseException | None], object]) -> None:
        """Call ``then`` once this turn's changes are safe, or with the error if they are not."""
        self._now().waiting.append(then)

    def touch(self, record: Record) -> None:
        """Write at the end of the turn what has become of an agent."""
        record.pending = True
        self._now().records.append(record)

    def _now(self) -> _Turn:
        turn = self._turn
        if turn is None:
            turn = self._turn = _Turn()
            asyncio.get_running_loop().call_soon(self.flush)
        return turn

    # ---- the end of the turn

    def flush(self) -> None:
        """Write what has changed, and tell those who wait. Never raises."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        failure: StorageError | None = None
        try:
            self._write(turn)
        except StorageError as error:
            failure = error
        except Exception as error:
            log.exception("the journal could not be written")
            failure = StorageError(f"the journal {self.journal.path} could not be written: {error!r}")
        for record in turn.records:
            record.settle(safe=failure is None)
        if failure is not None:
            log.warning("%s", failure)
            for record, hosted, _ in turn.made:
                hosted.agent.__dict__.pop("_kept", None)
                record.gone = True
            self._left_over = Batch(forgotten=turn.batch.forgotten, configs=turn.batch.configs)
        for then in turn.waiting:
            try:
                then(None if failure is None else type(failure)(str(failure)))
            except Exception:
                log.exception("a call whose agent is kept could not be ended")

    def close(self, *, remove: bool) -> None:
        """Write what is left and close the journal; delete it where its agents end too. Twice is fine."""
        self.flush()
        if remove:
            self.journal.remove()
        else:
            self.journal.close()

    def _write(self, turn: _Turn) -> None:
        journal, batch, made = self.journal, turn.batch, {record for record, _, _ in turn.made}
        batch.forgotten = self._left_over.forgotten + batch.forgotten
        batch.configs = self._left_over.configs + batch.configs
        for record, hosted, settings in turn.made:
            if not record.gone:
                about = (
                    record.n,
                    hosted.agent_id,
                    hosted.workspace,
                    hosted.name,
                    hosted.defined,
                    hosted.color,
                )
                batch.agents.append((*about, settings, record.state, journal.next_place))
        fresh: dict[int, tuple[Msg, int]] = {}
        places: dict[Record, list[int]] = {}
        last, number = None, 0
        for record in turn.records:
            if record.gone:
                continue
            if record.state is not record.kept_state and record not in made:
                batch.states.append((record.state, record.n))
            if record.anew or record.slid:
                batch.begins.append((record.begins(journal.next_place), record.n))
            written = places[record] = []
            for message in record.unwritten():
                if message is not last:  # one message to a thousand agents is looked up once
                    last, number = message, self._number(message, fresh, batch, record)
                written.append(journal.new_place() if number else 0)
                if number:
                    batch.memories.append((written[-1], record.n, number))
        expired = self._expired(batch)
        if batch:
            journal.write(batch)
            self.commits += 1
        self._left_over = Batch()
        self._written_replies(batch, expired)
        journal.live += len(batch.memories)
        for record, written in places.items():
            self._buried(record.written(written))
        for message, number in fresh.values():
            self._rows[message] = (number, message._edit)
        self._tidy()

    def _number(self, message: Msg, fresh: dict[int, tuple[Msg, int]], batch: Batch, record: Record) -> int:
        known = self._rows.get(message)
        if known is not None and known[1] == message._edit:
            return known[0]
        new = fresh.get(id(message))
        if new is not None:
            return new[1]
        try:
            body = to_json(message)
        except NbAgentsError as unfit:
            log.warning("a message that %s remembers is not kept: %s", record.agent._name, unfit)
            return 0
        number = self.journal.new_message()
        batch.messages.append((number, body))
        fresh[id(message)] = (message, number)
        return number

    def _buried(self, places: int) -> None:
        self.journal.dead += places
        self.journal.live -= places

    def _expired(self, batch: Batch) -> list[str]:
        now, more = time.monotonic(), len(self._replies) + len(batch.replies) - self.max_replies
        if not batch.replies:
            return []
        expired: list[str] = []
        for key, since in self._replies.items():
            if len(expired) >= more and now - since <= self.max_age:
                break
            expired.append(key)
        batch.expired = [(key,) for key in expired]
        return expired

    def _written_replies(self, batch: Batch, expired: list[str]) -> None:
        now = time.monotonic()
        for key in expired:
            self._replies.pop(key, None)
        for key, _ in batch.replies:
            self._replies[key] = now
            self._replies.move_to_end(key)

    def _written(self, settings: dict[str, Any]) -> str:
        """Return how an agent is made, without keys; many agents share one."""
        if self._settings[0] is not settings:
            self._settings = (settings, to_json(without_keys(settings)))
        return self._settings[1]

    def _tidy(self) -> None:
        try:
            if self.journal.tidy():  # numbers of messages that nobody remembers are gone
                self._rows = WeakKeyDictionary()
        except StorageError as error:
            log.warning("the journal could not be tidied up: %s", error)
