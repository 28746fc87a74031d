"""`Chat`: a person talks with one or several agents, turn by turn; each turn is a run.

Knows no front-end: what is said comes as text, and what is shown goes as a `RunView`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..agents import AgentBase, revise
from ..budget import Limits
from ..exceptions import NbAgentsError, UsageError
from ..hub import msghub
from ..message import Msg
from ..models import DEMO_MODELS
from ..render import RowView, RunView, SectionView, attached, content_text
from ._run import Run

__all__ = ["Chat"]

_ADDRESSED = re.compile(r"\s*@(\w+)[,:]?")
_HISTORY = 100


@dataclass(slots=True)
class _Turn:
    message: Msg
    to: tuple[str, ...]
    run: Run


class Chat:
    """A conversation of a person with agents, which hear each other and everything that is said.

    ``@name`` at the beginning addresses one agent or several; without it all answer, at the same time.
    What the agents remember already is the beginning of the conversation. Methods return at once and
    are safe from any thread; ``watch`` tells of changes, see `Run.watch`; ``limits`` says what a turn may
    ask of models.

    >>> class Echo(AgentBase):
    ...     async def reply(self, x=None):
    ...         return Msg(self.name, f"{x.content}!")
    >>> chat = Chat([Echo("echo")])
    >>> chat.say("hello").result(5).content
    'hello!'
    """

    def __init__(
        self,
        agents: Mapping[str, AgentBase] | Iterable[AgentBase],
        *,
        color_of: Callable[[str], int | None] | None = None,
        limits: Callable[[], Limits | None] | None = None,
    ) -> None:
        named = agents if isinstance(agents, Mapping) else {agent.name: agent for agent in agents}
        if not named:
            raise UsageError("a chat needs an agent")
        self.agents = dict(named)
        self._color_of = color_of or self._place_of
        self._limits = limits or (lambda: None)
        self._lock = threading.RLock()
        self._turns: list[_Turn] = []
        self._watchers: tuple[Callable[[], object], ...] = ()
        self.trouble = ""
        """What went wrong besides the answers, if anything did."""
        self._past = self._remembered()

    # ---- talking

    def say(self, text: str) -> Any:
        """Say something; return the reply, or a list of them, as placeholders.

        Raises:
            UsageError: nothing is said, or somebody is addressed who is not here.
        """
        names, words = self._addressed(text)
        message = Msg("user", words, "user")
        run = Run(f"chat with {', '.join(names)}", prompt=words, color_of=self._color_of)
        run.limits = self._limits()
        run.watch(self._changed)
        with self._lock:
            self._turns.append(_Turn(message, names, run))
            replies = self._ask(run, message, names)
        self._changed()
        return replies[0] if len(replies) == 1 else replies

    def _ask(self, run: Run, message: Msg, names: tuple[str, ...]) -> list[Any]:
        others = [agent for name, agent in self.agents.items() if name not in names]
        with run:
            for agent in others:
                agent.observe(message)
            if len(self.agents) == 1:
                return [self.agents[name](message) for name in names]
            with msghub(list(self.agents.values())):
                return [self.agents[name](message) for name in names]

    def _addressed(self, text: str) -> tuple[tuple[str, ...], str]:
        names: list[str] = []
        rest = text
        while (found := _ADDRESSED.match(rest)) is not None:
            name = found[1]
            if name not in self.agents:
                here = ", ".join(self.agents)
                raise UsageError(f"nobody called {name[:60]!r} is in this chat; here are: {here}")
            names.append(name)
            rest = rest[found.end() :]
        words = rest.strip()
        if not words:
            raise UsageError("say something to them" if names else "an empty message says nothing")
        return tuple(dict.fromkeys(names)) or tuple(self.agents), words

    def stop(self) -> int:
        """Stop whoever is answering; what has been said so far is kept. Return how many calls ended."""
        with self._lock:
            runs = [turn.run for turn in self._turns if not turn.run.over]
        return sum(run.stop() for run in runs)

    def resend(self, message_id: str, text: str) -> Any:
        """Say something else instead: the agents forget that message and all that came after it.

        Raises:
            UsageError: no such message was said in this chat; or as `say`.
        """
        self._addressed(text)
        with self._lock:
            place = next((n for n, turn in enumerate(self._turns) if turn.message.id == message_id), None)
            if place is None:
                raise UsageError("that message was said before this chat began, and cannot be said anew")
            gone, self._turns = self._turns[place:], self._turns[:place]
            for turn in gone:
                turn.run.stop("withdrawn by you")
            for agent in self.agents.values():
                self._forget(agent, message_id)
            return self.say(text)

    def _forget(self, agent: AgentBase, message_id: str) -> None:
        promise: Any = revise(agent, {"op": "rewind", "id": message_id, "before": True})._promise
        promise.read = True

        def over() -> None:
            error = promise.error
            if error is not None and not isinstance(error, UsageError):  # that one never heard it
                self.trouble = f"{agent._name} may still remember what you withdrew: {error}"
                self._changed()

        promise.add_done_callback(over)

    # ---- showing

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call ``watcher`` whenever something changes, on whichever thread that happens; it must be quick."""
        self._watchers = (*self._watchers, watcher)

    @property
    def busy(self) -> bool:
        """Is somebody answering?"""
        with self._lock:
            return any(not turn.run.over for turn in self._turns)

    @property
    def said_here(self) -> list[str]:
        """The ids of what the person has said in this chat, which can be said anew."""
        with self._lock:
            return [turn.message.id for turn in self._turns]

    def view(self, live: bool = False) -> RunView:
        """Return the whole conversation as it is now; see `Run.view`."""
        with self._lock:
            turns = list(self._turns)
        rows: list[RowView | SectionView] = list(self._past)
        if rows:
            rows.append(SectionView("remembered until here", "past"))
        lanes, tokens = turns[-1].run.timeline if turns else (), 0
        for turn in turns:
            rows += self._rows(turn, live)
            tokens += turn.run.tokens or 0
        state = "running" if any(not turn.run.over for turn in turns) else "done"
        elapsed = turns[-1].run.elapsed if turns else None
        return RunView(
            f"chat with {', '.join(self.agents)}",
            state,  # type: ignore[arg-type]
            elapsed,
            tuple(rows),
            lanes=lanes,
            tokens=tokens or None,
            began=turns[-1].run.began if state == "running" else None,
        )

    def _rows(self, turn: _Turn, live: bool) -> list[RowView | SectionView]:
        message, shown = turn.message, turn.run.view(live)
        to = "" if len(turn.to) == len(self.agents) else ", ".join(turn.to)
        asked = RowView(f"you → {to}" if to else "you", content_text(message.content), key=message.id)
        rows: list[RowView | SectionView] = [asked]
        rows += [
            row if row.key else replace(row, key=f"{message.id}.{n}") for n, row in enumerate(shown.rows)
        ]
        if shown.error is not None:
            error = RowView("nbagents", state="failed", error=shown.error, key=f"{message.id}.error")
            rows.append(error)
        return rows

    def to_markdown(self) -> str:
        """Return the conversation as Markdown."""
        parts = [f"## chat with {', '.join(self.agents)}"]
        for row in self.view().rows:
            if isinstance(row, SectionView):
                parts.append(f"*{row.label}*")
                continue
            facts: list[str] = [] if row.state == "done" else [row.state]
            facts += ["demo · not an AI"] if row.is_demo else [row.model] if row.model else []
            parts += [" · ".join([f"**{row.agent}**", *facts]), row.text]
            parts += [f"{row.error.title}: {row.error.message}"] if row.error else []
        return "\n\n".join(filter(None, parts)) + "\n"

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()

    def _place_of(self, name: str) -> int | None:
        return list(self.agents).index(name) if name in self.agents else None

    def _remembered(self) -> list[RowView]:
        """Return what the agents remember as rows: each message once, in the order of its time."""
        known: dict[str, tuple[str, RowView]] = {}
        for agent in self.agents.values():
            try:
                entries = revise(agent).content["entries"]
            except NbAgentsError:
                continue  # an agent without a memory of ours begins anew
            for entry in entries:
                known.setdefault(entry["id"], (str(entry["timestamp"]), self._row(entry)))
        rows = [row for _, row in sorted(known.values(), key=lambda each: each[0])]
        return rows[-_HISTORY:]

    def _row(self, entry: Mapping[str, Any]) -> RowView:
        name, model = str(entry["name"]), entry.get("model")
        return RowView(
            "you" if entry["role"] == "user" and name == "user" else name,
            content_text(entry["content"]),
            self._color_of(name),
            model=model,
            is_demo=model in DEMO_MODELS,
            key=str(entry["id"]),
            attached=attached(entry.get("url"), entry["content"]),
        )
