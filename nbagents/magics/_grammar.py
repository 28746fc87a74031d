"""Read a cell of ours: its first line and its body become a spec, or an error that says what to type.

Pure: nothing is looked up, run or evaluated, and no notebook is known. Each function takes the
words after the magic's name and the text below them. ``fill`` is what is done to the values of
options, one word at a time and after splitting, so that no value can turn into an option.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..exceptions import UsageError
from ._branches import has_forms
from ._expression import parse_expression, synonym_of
from ._faults import counted, misplaced
from ._names import EVERYONE, check_name, is_name, normal
from ._nodes import looks_first
from ._script import has_turns, parse_script, trimmed
from ._settings import Fill, Settings, common, read_settings
from ._specs import AgentSpec, AgentsSpec, HubSpec, PipelineSpec
from ._verbs import parse_agents_line
from ._words import Word

__all__ = [
    "is_blank_code",
    "parse_agent_cell",
    "parse_agents_cell",
    "parse_agents_line",
    "parse_hub_cell",
    "parse_pipeline_cell",
]


def parse_agent_cell(line: str, body: str = "", *, fill: Fill | None = None) -> AgentSpec:
    r"""Return the agent that a ``%%agent`` cell defines.

    >>> spec = parse_agent_cell("poet -m demo", "You write four lines.\n")
    >>> spec.name, spec.model, spec.body
    ('poet', 'demo', 'You write four lines.')

    Raises:
        UsageError: There is no name, more than one, one that cannot be, or an option is wrong.
    """
    settings = read_settings("%%agent", line, fill=fill)
    names = _listed(settings)
    if not names:
        raise UsageError("%%agent: what is it called? %%agent poet")
    if len(names) > 1:
        together = " ".join(names)
        raise UsageError(
            f"%%agent defines one agent; you named {counted(len(names))} ({together}). "
            f"To talk to {'both' if len(names) == 2 else 'all'}: %%agents {together}"
        )
    return AgentSpec(check_name(names[0]), trimmed(body), **settings.values)


def parse_agents_cell(line: str, body: str = "", *, fill: Fill | None = None) -> AgentsSpec:
    r"""Return whom a ``%%agents`` cell talks to, and what about.

    Named on the first line, all of them are told the body, at the same time. With nobody named
    there, lines of the body that begin with ``@name`` are turns.

    >>> parse_agents_cell("poet critic", "What makes a good poem?").names
    ('poet', 'critic')
    >>> [turn.names for turn in parse_agents_cell("", "@alice Hello.\n@bob @carol Well?").turns]
    [('alice',), ('bob', 'carol')]

    Raises:
        UsageError: Nobody is named, a name cannot be one, there is nothing to say, or an
            option is wrong.
    """
    magic = "%%agents"
    settings = read_settings(magic, line, fill=fill)
    values = settings.values
    if any(word.text in ("->", "→") for word in settings.words):
        written = " ".join(word.text for word in settings.words)
        raise UsageError(f"{magic} talks to all at the same time. One after the other: %%pipeline {written}")
    names = _agents(magic, settings)
    hub, rounds = bool(values.get("hub")), values.get("rounds")
    if rounds is not None and not hub:
        raise UsageError(f"{magic}: --rounds needs --hub, so that they hear each other")
    if hub and values.get("schema"):
        raise UsageError(f"{magic}: --schema is for answers to you; with --hub they answer each other")
    if names:
        if not body.strip():
            raise UsageError(f"{magic}: nothing to say to {', '.join(names)}: write it below the first line")
        return AgentsSpec(names, (), trimmed(body), hub, rounds or 1, common(values))
    if not has_turns(body):
        raise UsageError(f"{magic}: whom to? {magic} poet critic, or lines that begin with @poet")
    if hub:
        raise UsageError(f"{magic}: --hub needs the names on the first line: {magic} poet critic --hub")
    return AgentsSpec((), parse_script(body), "", options=common(values))


def parse_pipeline_cell(line: str, body: str = "", *, fill: Fill | None = None) -> PipelineSpec:
    r"""Return the pipeline that a ``%%pipeline`` cell runs.

    >>> spec = parse_pipeline_cell("poet -> critic --loop 3 --until \"'APPROVED' in msg.content\"", "Rain.")
    >>> str(spec.expr), spec.loop, spec.until
    ('poet -> critic', 3, "'APPROVED' in msg.content")

    Raises:
        UsageError: The expression is none (a caret shows where), or an option is wrong.
    """
    magic = "%%pipeline"
    settings = read_settings(magic, line, fill=fill)
    expression = _span(magic, line, settings.words)
    values = settings.values
    synonym = synonym_of(expression)
    expr = parse_expression(expression, magic=magic)
    loop, until = values.get("loop"), values.get("until")
    if synonym == "loop" and loop is None and until is None:
        raise UsageError(
            f"{magic}: loop needs an end: {expression} -n 3, or --until \"'APPROVED' in msg.content\""
        )
    if looks_first(expr) and not body.strip():
        raise UsageError(f"{magic}: what is it to look at? Write the first message below the first line")
    return PipelineSpec(expr, trimmed(body), loop, until, common(values))


def parse_hub_cell(line: str, body: str = "", *, fill: Fill | None = None) -> HubSpec:
    r"""Return the group that a ``%%msghub`` cell makes, its body as typed.

    >>> spec = parse_hub_cell('alice bob --announce "Plan a picnic."', "alice(); bob()\n")
    >>> spec.names, spec.announce, spec.rounds
    (('alice', 'bob'), 'Plan a picnic.', None)

    Raises:
        UsageError: Nobody is named, a name cannot be one, there is nothing to do, or an option
            is wrong.
    """
    magic = "%%msghub"
    settings = read_settings(magic, line, fill=fill)
    values = settings.values
    names = _agents(magic, settings)
    if not names:
        raise UsageError(f"{magic}: who is in it? {magic} alice bob")
    rounds, announce = values.get("rounds"), values.get("announce")
    if is_blank_code(body):
        if rounds is None and announce is None:
            raise UsageError(
                f"{magic}: nothing to do: write Python below the first line, or {magic} {' '.join(names)} "
                "--rounds 2"
            )
        body = ""
    elif rounds is not None:
        raise UsageError(f"{magic}: --rounds is for an empty cell; here the Python below says who speaks")
    return HubSpec(names, body, announce, rounds, common(values))


def is_blank_code(body: str) -> bool:
    """Whether ``body`` holds no Python but comments."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in body.split("\n"))


def _listed(settings: Settings) -> list[str]:
    """Return the names on a line; commas between them are as good as blanks."""
    texts = (settings.text(word) for word in settings.words)
    return [name for text in texts for name in text.split(",") if name]


def _agents(magic: str, settings: Settings) -> tuple[str, ...]:
    """Return the names on a line, each once, with or without the ``@`` of a script."""
    names = [name.removeprefix("@") for name in _listed(settings)]
    for name in names:
        if not is_name(name):
            raise UsageError(f"{magic}: {name!r} is no agent's name. What to say goes below the first line")
    if EVERYONE in names:
        return (EVERYONE,)
    return tuple(dict.fromkeys(normal(name) for name in names))


def _span(magic: str, line: str, words: Sequence[Word]) -> str:
    """Return the piece of ``line`` that ``words`` are, which must stand together."""
    if not words:
        return ""
    at = len(line) - len(line.lstrip())
    for word, following in pairwise(words):
        if line[word.end : following.start].strip():
            raise misplaced(magic, line.strip(), following.start - at, "options go before or after all of it")
    for word in () if has_forms(words) else words:
        if word.quoted:
            raise misplaced(magic, line.strip(), word.start - at, "names need no quotes")
    return line[words[0].start : words[-1].end]
