"""The one table of options: what each is called, takes, means, and which magics have it.

Reading, help and completion all follow this table; none of them knows an option by name twice.
What a later version brings stands here too, so that it is refused by name instead of guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LINE", "MAGICS", "OPTIONS", "Kind", "Option", "find_option", "options_of"]

LINE = "%agents"
MAGICS = ("%%agent", "%%agents", "%%pipeline", "%%msghub", LINE)

Kind = Literal[
    "flag", "text", "variable", "name", "count", "integer", "number", "dollars", "seconds", "choice", "class",
    "condition", "names",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``choices`` are what it takes, if that is one of a few words."""

    name: str
    kind: Kind
    magics: tuple[str, ...]
    help: str
    short: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    available: bool = True

    @property
    def key(self) -> str:
        """Its name as an attribute: ``dry_run`` for ``--dry-run``."""
        return self.name[2:].replace("-", "_")

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        return self.kind != "flag"

    @property
    def value(self) -> str:
        """What stands for its value in help: ``VAR``, ``chat|none``, nothing for a flag."""
        return self.metavar or "|".join(self.choices)


_AGENT = ("%%agent",)
_AGENTS = ("%%agents",)
_PIPELINE = ("%%pipeline",)
_HUB = ("%%msghub",)
_RUNS = (*_AGENTS, *_PIPELINE, *_HUB)
_TALKS = (*_RUNS, LINE)

OPTIONS = (
    Option("--model", "text", (*_AGENT, LINE), "the model, else the one in the banner; index: for embeddings",
           "-m", "MODEL"),
    Option("--kind", "class", _AGENT, "a model behind a prompt, one with tools, or a person",
           metavar="chat|react|user", choices=("chat", "react", "user")),
    Option("--temperature", "number", _AGENT, "how freely the model chooses its words", metavar="T"),
    Option("--seed", "integer", _AGENT, "ask the model for repeatable answers", metavar="S"),
    Option("--keep", "count", _AGENT, "send the model the last N messages only", metavar="N",
           available=False),
    Option("--server", "text", _AGENT, "the agent server to live in", metavar="S", available=False),
    Option("--fresh", "flag", _AGENT, "empty the memory"),
    Option("--tools", "names", _AGENT, "functions and toolkits that it may call: yours, nbagents.tools",
           metavar="f,g"),
    Option("--approve", "choice", _AGENT, "which of them may be called: ask you, all, or none",
           choices=("ask", "auto", "deny")),
    Option("--loop", "count", _PIPELINE, "go through it N times", "-n", "N"),
    Option("--until", "condition", _PIPELINE, "end once this is true; msg is the last message",
           metavar="PYEXPR"),
    Option("--announce", "text", _HUB, "what everyone hears first", metavar="TEXT"),
    Option("--hub", "flag", _AGENTS, "they hear each other and speak in turn"),
    Option("--rounds", "count", (*_AGENTS, *_HUB), "how often each speaks", metavar="N"),
    Option("--output", "variable", _TALKS, "keep the result in this variable", "-o", "VAR"),
    Option("--background", "flag", (*_AGENTS, *_PIPELINE), "do not wait; the results are placeholders", "-b"),
    Option("--quiet", "flag", (*_AGENT, *_TALKS), "show nothing but errors", "-q"),
    Option("--view", "choice", _RUNS, "how the run is shown",
           choices=("chat", "timeline", "graph", "none")),
    Option("--budget", "dollars", _TALKS, "pause at this cost, and ask", metavar="$"),
    Option("--max-calls", "count", _TALKS, "pause after so many calls of models, and ask", metavar="N"),
    Option("--approve", "choice", _TALKS, "which tools may be called: ask you, all, or none",
           choices=("ask", "auto", "deny")),
    Option("--timeout", "seconds", _TALKS, "give up after S seconds", metavar="S"),
    Option("--default", "text", _TALKS, "what a person who is not there is taken to answer", metavar="TEXT"),
    Option("--raw", "flag", (*_AGENT, *_TALKS), "leave every {name} as it is typed"),
    Option("--dry-run", "flag", _RUNS, "show what would be sent, and send nothing"),
    Option("--json", "flag", (*_AGENTS, *_PIPELINE), "ask for JSON"),
    Option("--json", "flag", (LINE,), "audit: as JSON"),
    Option("--schema", "name", (*_AGENTS, *_PIPELINE), "ask for JSON of this shape: a class or a JSON schema",
           metavar="M"),
    Option("--all", "flag", (LINE,), "stop everything here; server stop: other notebooks' too"),
    Option("--record", "text", _RUNS, "write what is answered to a file that is not there yet", "-r", "FILE"),
    Option("--overwrite", "flag", _RUNS, "with --record: in the place of an earlier recording"),
    Option("--replay", "text", _RUNS, "take all answers from a recorded file, and ask nobody",
           metavar="FILE"),
)  # fmt: skip


def options_of(magic: str) -> tuple[Option, ...]:
    """Return the options that ``magic`` has and this version brings."""
    return tuple(option for option in OPTIONS if magic in option.magics and option.available)


def find_option(magic: str, flag: str) -> Option | None:
    """Return the option of ``magic`` written ``flag``, brought by this version or not."""
    for option in OPTIONS:
        if magic in option.magics and flag and flag in (option.name, option.short):
            return option
    return None
