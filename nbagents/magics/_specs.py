"""What a cell asks for, as plain values: the outcome of parsing, the input of running.

Nothing here acts, and no name in it has been looked up: whether an agent of that name exists is
the runner's business (`check_names`). Bodies and turns are as typed: what stands in ``{braces}``
is filled in when the text is sent, not before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ._nodes import Node

__all__ = [
    "AgentSpec",
    "AgentsSpec",
    "CommonOptions",
    "HubSpec",
    "LineSpec",
    "PipelineSpec",
    "Spec",
    "Turn",
]

_PASSES = 10


@dataclass(frozen=True, slots=True)
class CommonOptions:
    """What can be asked of every run. ``timeout`` is in seconds; ``output`` a variable's name."""

    output: str | None = None
    background: bool = False
    quiet: bool = False
    view: str = "chat"
    timeout: float | None = None
    default: str | None = None
    raw: bool = False
    dry_run: bool = False
    json: bool = False
    schema: str | None = None
    budget: float | None = None
    max_calls: int | None = None
    approve: str | None = None
    record: str | None = None
    overwrite: bool = False
    replay: str | None = None


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """``%%agent``: one agent to define. An empty ``body`` asks to show the one there is.

    ``kind`` is ``chat``, ``react``, ``user``, or the name of a class as written; ``tools`` are names.
    """

    name: str
    body: str = ""
    model: str | None = None
    kind: str = "chat"
    temperature: float | None = None
    seed: int | None = None
    tools: tuple[str, ...] = ()
    approve: str | None = None
    fresh: bool = False
    quiet: bool = False
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a script: who is told what. ``line`` counts in the cell, the magic's line being 1."""

    names: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class AgentsSpec:
    """``%%agents``: either ``names`` who are all told ``body``, or a script of ``turns``.

    ``("all",)`` stands for every agent. With ``hub`` they hear each other and speak in turn,
    ``rounds`` times.
    """

    names: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    body: str = ""
    hub: bool = False
    rounds: int = 1
    options: CommonOptions = field(default_factory=CommonOptions)

    @property
    def everyone(self) -> tuple[str, ...]:
        """Each name once, in the order of first mention."""
        mentioned = [*self.names, *(name for turn in self.turns for name in turn.names)]
        return tuple(dict.fromkeys(mentioned))


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """``%%pipeline``: agents in the order of ``expr``, told ``body`` first.

    ``until`` is the condition's source text, never evaluated here: the rewritten cell hands the
    condition itself to the runner, compiled by IPython like any other code of the cell.
    """

    expr: Node
    body: str = ""
    loop: int | None = None
    until: str | None = None
    options: CommonOptions = field(default_factory=CommonOptions)

    @property
    def passes(self) -> int:
        """How often to go through it at most: ``--loop``, or 10 where only a condition ends it."""
        return self.loop or (_PASSES if self.until else 1)


@dataclass(frozen=True, slots=True)
class HubSpec:
    """``%%msghub``: agents that hear each other while ``body``, Python code, runs.

    Where the body is blank they speak in turn, ``rounds`` times (None: not at all).
    """

    names: tuple[str, ...]
    body: str = ""
    announce: str | None = None
    rounds: int | None = None
    options: CommonOptions = field(default_factory=CommonOptions)


@dataclass(frozen=True, slots=True)
class LineSpec:
    """``%agents``: one command. ``targets`` are agents, or runs by number; ``action`` is the server's.

    ``everyone`` is ``--all``; ``text`` what is asked, or the server or folder meant.
    """

    verb: str
    targets: tuple[str, ...] = ()
    text: str = ""
    action: str = ""
    everyone: bool = False
    model: str | None = None
    options: CommonOptions = field(default_factory=CommonOptions)


Spec = AgentSpec | AgentsSpec | PipelineSpec | HubSpec | LineSpec
