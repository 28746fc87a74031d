"""What can be shown, as plain frozen data. Whoever has agents, runs or servers fills these in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = [
    "AgentCardView",
    "EntryView",
    "ErrorView",
    "FoldView",
    "LaneView",
    "MemoryView",
    "MessageLike",
    "RowView",
    "RunView",
    "SectionView",
    "ServingView",
    "Span",
    "State",
    "TableView",
]

State = Literal["waiting", "running", "done", "stopped", "failed", "human"]
"""``human`` waits for a person."""

Span = tuple[float, float, str]
"""From and to, in seconds since the run began, and what.

Kinds are ``queued``, ``model``, ``tool``, ``human``, ``waiting`` and ``stopped``; queueing and waiting are no
work.
"""


class MessageLike(Protocol):
    """As much of a message as is shown."""

    @property
    def name(self) -> str: ...
    @property
    def content(self) -> Any: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ErrorView:
    """What went wrong: who and what, why, what to type next, and the traceback."""

    title: str
    message: str = ""
    hint: str = ""
    details: str = ""


_ALLOWED = {
    "approved": "approved by you",
    "edited": "changed and approved by you",
    "granted": "approved for this run",
    "replayed": "replayed, not run again",
    "replayed approved": "replayed, not run again; approved by you then",
    "replayed edited": "replayed, not run again; changed and approved by you then",
    "replayed granted": "replayed, not run again; approved for that run",
}


@dataclass(frozen=True, slots=True)
class FoldView:
    """Something in a message that is not said: ``kind`` is "thinking", "tool" (a call) or "result".

    ``title`` is the tool's name, ``text`` what was thought, given or returned. A "call" is a tool's call with
    its result: ``text`` is what was given, in one line; ``given`` the same at length, ``answer`` what was
    returned; ``state`` is "running", "done", "error", "stopped" or "denied"; ``elapsed`` is in seconds;
    ``approval`` is "asked", "approved", "edited", "granted" or "denied", or "" where nobody was asked;
    "replayed", alone or before one of these, where the answer comes from a recording.
    """

    kind: str
    title: str = ""
    text: str = ""
    given: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    elapsed: float | None = field(default=None, repr=False)
    approval: str = field(default="", repr=False)

    @property
    def allowed(self) -> str:
        """Who has allowed a call, or that it is replayed, in words; "" where there is nothing to say."""
        return _ALLOWED.get(self.approval, "")

    @classmethod
    def of_call(
        cls,
        name: str,
        arguments: Mapping[str, Any],
        answer: str,
        state: str,
        elapsed: float | None,
        approval: str = "",
    ) -> FoldView:
        """Return the view of a tool's call."""
        shown = {key: json.dumps(value, ensure_ascii=False, default=str) for key, value in arguments.items()}
        line = ", ".join(f"{key}={value}" if key else value for key, value in shown.items())
        at_length = "\n".join(
            f"{key}: {value}" if key and not isinstance(arguments[key], str) else f"{key}: {arguments[key]}"
            for key, value in shown.items()
        )
        return cls("call", name, line, at_length, answer, state, elapsed, approval)


@dataclass(frozen=True, slots=True)
class RowView:
    """One message of a run, there or on its way.

    ``color`` is the agent's number, counted from 0 in order of creation, or None for a person.
    ``text`` is Markdown, unless ``live``: then it still grows and is shown as it is. ``elapsed`` is
    in seconds. ``printed`` is what the agent's code printed, ``note`` a remark in our own words.
    ``key`` tells it from the other rows of its run for as long as that lasts: the id of its call.
    ``folds`` are shown folded, before the text; what is ``attached`` (pictures as ``data:`` addresses,
    other addresses) stands below it. Where ``elapsed`` still grows, ``began`` is since when, in seconds
    of `time.monotonic`: with it a page counts on by itself. ``asked`` is what it answers, in one line,
    where no other row says that.
    """

    agent: str
    text: str = ""
    color: int | None = None
    state: State = "done"
    elapsed: float | None = None
    tokens: int | None = None
    model: str | None = None
    is_demo: bool = False
    error: ErrorView | None = None
    printed: str = ""
    note: str = ""
    live: bool = False
    key: str = ""
    folds: tuple[FoldView, ...] = ()
    attached: tuple[str, ...] = ()
    began: float | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class SectionView:
    """A line between rows, such as "pass 2 of 3"."""

    label: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class LaneView:
    """When one agent was busy, and with what."""

    agent: str
    color: int | None = None
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: what was asked, who said what, and when.

    In ``prompt`` a ``{name}`` of which ``chips`` holds the value is shown as a chip; the other
    chips follow the prompt. ``wall`` and ``work`` are seconds, reckoned from ``lanes`` where left
    out. ``cost`` is in dollars, or words such as "price unknown". ``outcome`` is how it ended
    ("stopped by --until after pass 2"), ``saved`` where the whole run is kept, ``announcement``
    what a screen reader is told, by default that the last finished row has finished. ``began`` is as
    that of a row.
    """

    title: str
    state: State = "done"
    elapsed: float | None = None
    rows: tuple[RowView | SectionView, ...] = ()
    prompt: str = ""
    chips: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    lanes: tuple[LaneView, ...] = ()
    wall: float | None = None
    work: float | None = None
    saved: str | None = None
    tokens: int | None = None
    cost: float | str | None = None
    outcome: str = ""
    error: ErrorView | None = None
    announcement: str = ""
    began: float | None = None


@dataclass(frozen=True, slots=True)
class ServingView:
    """An app that serves: where, how it fares, and its last requests, the oldest first.

    ``facts`` are names and words of ours, in which backticks mark code. ``line`` is what to type in a
    terminal to try it, ``hidden`` how many requests are not among ``rows``, ``outcome`` how it ended or what
    this is, ``announcement`` what a screen reader is told. ``elapsed`` and ``began`` are as those of a row.
    """

    name: str
    state: State = "running"
    facts: tuple[tuple[str, str], ...] = ()
    line: str = ""
    rows: tuple[RowView, ...] = ()
    hidden: int = 0
    notes: tuple[str, ...] = ()
    outcome: str = ""
    announcement: str = ""
    is_ending: bool = False
    elapsed: float | None = None
    began: float | None = None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One message that an agent remembers; its model is not sent one that is ``muted``."""

    name: str
    content: Any
    role: str = "user"
    muted: bool = False


@dataclass(frozen=True, slots=True)
class MemoryView:
    """What an agent will be sent, oldest first. ``colors`` are the numbers of those it has heard.

    ``note`` is a remark in our own words; ``agent`` is "" where nobody knows whose memory it is.
    """

    agent: str
    color: int | None = None
    model: str | None = None
    entries: tuple[MessageLike, ...] = ()
    is_demo: bool = False
    colors: Mapping[str, int | None] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class AgentCardView:
    """One line about an agent: "ready · model demo · memory 0"."""

    name: str
    color: int | None = None
    line: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class TableView:
    """A small table of texts. ``colors`` holds the number of the agent that each row names first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    caption: str = ""
    colors: tuple[int | None, ...] = ()
