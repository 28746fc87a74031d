"""Write the help of a magic from the tables of options and commands, for ``%%agents?``."""

from __future__ import annotations

from ..exceptions import UsageError
from ._faults import closest
from ._options import LINE, MAGICS, Option, options_of
from ._verbs import verbs

__all__ = ["help_text"]

_WHAT = {
    "%%agent": "Define one agent. The body is its system prompt; an empty body shows it.",
    "%%agents": "Talk to agents, all at the same time. The body is what they are told, or, with no\n"
    "name on the first line, a script: lines that begin with @name are turns.",
    "%%pipeline": "Run agents in the order of an expression. The body is the first message.\n"
    "  a -> b -> c       one after the other\n"
    "  (a, b) -> judge   at the same time, gathered into a list\n"
    "  a*3               again and again\n"
    "  if COND a else b  one or the other; COND is Python about msg, the message that comes in\n"
    "  switch VALUE case x a case y b else c\n"
    "Also: sequential a b c, parallel a b c, loop a b -n 3.",
    "%%msghub": "Let agents hear each other. The body is Python, run while they do; with an empty body\n"
    "and --rounds they speak in turn.",
    LINE: "Look after the agents of this notebook.",
}
_ARGUMENTS = {
    "%%agent": "NAME",
    "%%agents": "[NAME … | all]",
    "%%pipeline": "EXPR",
    "%%msghub": "NAME …",
    LINE: "[COMMAND …]",
}
_EXAMPLES = {
    "%%agent": (
        "%%agent poet\nYou write four short lines about what you are asked.",
        "%%agent clerk --tools add,read_text_file --approve ask\nYou calculate. Use your tools.",
    ),
    "%%agents": (
        "%%agents poet critic\nIn one sentence: what makes a good poem?",
        "%%agents\n@alice Propose a name for the project.\n@bob @carol Vote for or against: {alice}",
    ),
    "%%pipeline": (
        "%%pipeline poet -> critic --loop 3 --until \"'APPROVED' in msg.content\" -o draft\n"
        "Write about {topic}.",
        "%%pipeline critic -> if \"'APPROVED' in msg.content\" printer else poet\nGrey beads on the glass",
    ),
    "%%msghub": (
        '%%msghub alice bob --announce "Plan a picnic."\nalice(); bob()\nalice("Summarise.")',
        "%%msghub alice bob carol --announce {plan} --rounds 2",
    ),
    LINE: ("%agents show poet", 'x = %agents ask poet "one more line"'),
}
_NOTE = "{name}, {name.attr}, {d['k']}, {x:.2f} are filled in; {{name}} stays {name}."
_LIMITS = (
    "A limit is one for the whole run, wherever its agents live. At most the calls of models that\n"
    "are under way when a budget is used up go beyond it."
)
_COLUMN = 26


def help_text(magic: str) -> str:
    """Return what ``magic`` is for, how it is written, its options and two examples.

    Raises:
        UsageError: There is no magic of that name.
    """
    if magic not in MAGICS:
        guess = closest(magic, MAGICS) or MAGICS[0]
        raise UsageError(f"no magic {magic!r}. Did you mean {guess!r}?   All of them: {', '.join(MAGICS)}")
    options = options_of(magic)
    usage = f"Usage: {magic} {_ARGUMENTS[magic]}{'' if magic == LINE else ' [options]'}"
    parts = [_WHAT[magic], usage]
    if magic == LINE:
        parts.append(_block("Commands", [(verb.usage, verb.help) for verb in verbs()]))
    parts.append(_block("Options", [(_flags(option), option.help) for option in options]))
    if any(option.name == "--budget" for option in options):
        parts.append(_LIMITS)
    parts.append(_NOTE)
    parts += ["Examples:", *(_indented(example) for example in _EXAMPLES[magic])]
    return "\n\n".join(parts) + "\n"


def _flags(option: Option) -> str:
    return f"{f'{option.short}, ' if option.short else ''}{option.name} {option.value}".rstrip()


def _block(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([f"{title}:", *(_row(left, right) for left, right in rows)])


def _row(left: str, right: str) -> str:
    return f"  {left:<{_COLUMN}}{right}" if len(left) < _COLUMN else f"  {left}\n{'':<{_COLUMN + 2}}{right}"


def _indented(example: str) -> str:
    return "\n".join(f"  {line}" for line in example.split("\n"))
