"""The one table of what ``%agents`` can be told to do, and the reading of such a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..exceptions import UsageError
from ._faults import closest, unavailable
from ._names import EVERYONE, check_name, is_name, normal
from ._options import LINE, find_option
from ._settings import Fill, common, read_settings
from ._specs import LineSpec
from ._words import Reader, Word, split

__all__ = ["SERVER_ACTIONS", "VERBS", "Verb", "parse_agents_line", "verbs"]


@dataclass(frozen=True, slots=True)
class Verb:
    """One command; ``targets`` says what may follow it, ``most`` how many of them.

    ``options`` are the options it has.
    """

    name: str
    usage: str
    help: str
    targets: str = ""
    most: int | None = 0
    least: int = 0
    options: tuple[str, ...] = ()


_ASK = ("--timeout", "--default", "--quiet", "--raw", "--budget", "--max-calls", "--approve")

VERBS = (
    Verb("status", "status", "agents and apps, what they do and where they are; also without any word"),
    Verb("list", "list", "the agents of every notebook"),
    Verb("show", "show poet | show 12", "what an agent remembers; a run", "agent or run", most=None, least=1),
    Verb("chat", "chat poet [critic]", "talk with an agent or several, in a box below the cell", "agent",
         most=None, least=1),
    Verb("ask", 'ask poet "hi"', "one question; x = %agents ask … keeps the answer", options=_ASK),
    Verb("stop", "stop [12|poet|--all]", "end a run, an agent's call, or all of them", "agent or run",
         most=None, options=("--all",)),
    Verb("runs", "runs", "the runs of this notebook, those of an earlier kernel too"),
    Verb("wait", "wait [12]", "wait for a run; x = %agents wait 12 keeps it", "run", most=1,
         options=("--timeout",)),
    Verb("timeline", "timeline [12]", "who was busy when in a run", "run", most=1),
    Verb("cost", "cost [12]", "what each agent has used in a run", "run", most=1),
    Verb("audit", "audit [12] [--json]", "the calls of tools, and who allowed them", "run",
         most=1, options=("--json",)),
    Verb("export", "export 12 run.md", "write a run to .md, .html, .json or .ipynb", "run", most=2, least=1),
    Verb("graph", "graph [12]", "who spoke to whom in a run", "run", most=1),
    Verb("fork", "fork poet[@5] as poet_2", "an agent like poet, with its memory up to message 5",
         most=3, least=3),
    Verb("rewind", "rewind poet@5", "have poet forget what came after message 5", most=1, least=1),
    Verb("clear", "clear poet", "empty an agent's memory", "agent", most=None, least=1),
    Verb("index", "index notes -o docs", "read the files of a folder, for agents that look things up",
         most=1, least=1, options=("--model", "--output")),
    Verb("use", "use other.ipynb/poet [as NAME]", "call another notebook's agent from here", most=3, least=1),
    Verb("topics", "topics [HOST:PORT]", "who hears which topics, and how many messages have passed", most=1),
    Verb("server", "server [ls|start|stop]", "the agent servers", options=("--all",)),
    Verb("doctor", "doctor", "check what is needed, step by step, with the line to type"),
    Verb("code", "code [12]", "a run's Python equivalent", "run", most=1),
    Verb("why", "why [12]", "the whole traceback of the last failure, or of a run's", "run", most=1),
    Verb("config", "config [model=… budget=… max_calls=… approve=… | jupytext]",
         "what counts where a cell says nothing; let Jupytext know these cells", most=None),
)  # fmt: skip

ALIASES = {"ls": "list"}
SERVER_ACTIONS = ("ls", "start", "stop")
_LATER_ACTIONS = ("attach", "use")


def verbs() -> tuple[Verb, ...]:
    """Return the commands that this version brings."""
    return VERBS


def parse_agents_line(line: str, *, fill: Fill | None = None) -> LineSpec:
    """Return what ``line``, the words after ``%agents``, asks for.

    >>> parse_agents_line("ask poet what is rain?").text
    'what is rain?'

    Raises:
        UsageError: The command or one of its options is unknown or of a later version, or
            what it needs is missing.
    """
    reader = Reader(line, LINE)
    first = reader.next()
    if first is None:
        return LineSpec("status")
    verb = _verb(first)
    if verb.name == "ask":
        return _ask(verb, line, reader, fill)
    settings = read_settings(LINE, line, words=split(line, LINE)[1:], fill=fill)
    _check_options(verb, settings.values)
    words = [settings.text(word) for word in settings.words]
    everyone = bool(settings.values.get("all"))
    if verb.name == "server":
        return _server(words, everyone)
    if verb.name == "config":
        return LineSpec("config", text=" ".join(words))
    if verb.name == "index":
        return _index(verb, words, settings.values)
    if verb.name == "export":
        return _export(verb, words)
    if verb.name == "topics":
        return _topics(verb, words)
    if verb.name == "use":
        return _use(verb, words)
    if verb.name in ("fork", "rewind"):
        return _branch(verb, words)
    if everyone and words:
        raise UsageError(f"{LINE}: {verb.name} takes {' '.join(words)} or --all, not both")
    if len(words) < verb.least or (verb.most is not None and len(words) > verb.most):
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    targets = tuple(_target(verb, word) for word in words)
    return LineSpec(verb.name, targets, everyone=everyone, options=common(settings.values))


def _verb(word: Word) -> Verb:
    known = {verb.name: verb for verb in VERBS}
    verb = known.get(ALIASES.get(word.text, word.text))
    if verb is None:
        guess = closest(word.text, [each.name for each in verbs()])
        meant = f" Did you mean {guess}?" if guess else ""
        names = ", ".join(each.name for each in verbs())
        raise UsageError(f"{LINE}: no command {word.text!r}.{meant}   All of them: {names}")
    return verb


def _check_options(verb: Verb, values: dict[str, object]) -> None:
    for key in values:
        flag = "--" + key.replace("_", "-")
        if flag not in verb.options:
            raise UsageError(f"{LINE}: {verb.name} has no option {flag}")


def _target(verb: Verb, text: str) -> str:
    name = text.removeprefix("@")
    if "run" in verb.targets and name.isascii() and name.isdigit():
        return name
    if "agent" in verb.targets and is_name(name):
        return normal(name)
    takes = {"agent": "an agent's name", "run": "a run's number"}.get(
        verb.targets, "an agent's name or a run's number"
    )
    raise UsageError(f"{LINE}: {verb.name} takes {takes}, not {text!r}")


def _export(verb: Verb, words: Sequence[str]) -> LineSpec:
    *numbers, path = words or [""]
    is_number = path.isascii() and path.isdigit()
    if not path or is_number or len(numbers) > 1:
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    return LineSpec(verb.name, tuple(_target(verb, number) for number in numbers), path)


def _index(verb: Verb, words: Sequence[str], values: dict[str, object]) -> LineSpec:
    model = str(values["model"]) if "model" in values else None
    if len(words) != 1:
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    return LineSpec(verb.name, text=words[0], model=model, options=common(values))


def _topics(verb: Verb, words: Sequence[str]) -> LineSpec:
    address = "".join(words[:1])
    fits = address.startswith("unix:/") or (":" in address and address.rpartition(":")[2].isdecimal())
    if len(words) > 1 or (words and not fits):
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    return LineSpec(verb.name, text=address)


def _use(verb: Verb, words: Sequence[str]) -> LineSpec:
    path, *renamed = words or [""]
    notebook, _, name = path.rpartition("/")
    known_as = renamed[1] if len(renamed) == 2 and renamed[0] == "as" else name
    if not notebook or not is_name(name) or len(renamed) not in (0, 2) or (renamed and renamed[0] != "as"):
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    return LineSpec(verb.name, (normal(name), check_name(known_as, magic=LINE)), notebook)


def _branch(verb: Verb, words: Sequence[str]) -> LineSpec:
    """Read ``poet@5``, and for a fork ``as poet_2``."""
    which, *renamed = words or [""]
    name, at, number = which.removeprefix("@").partition("@")
    counts = number.isascii() and number.isdigit() and len(number) < 10
    fork = verb.name == "fork"
    fits = len(renamed) == 2 and renamed[0] == "as" if fork else not renamed
    if not is_name(name) or not fits or (not counts if at else not fork):
        raise UsageError(f"{LINE}: it goes like this: {LINE} {verb.usage}")
    names = (normal(name), check_name(renamed[1], magic=LINE)) if fork else (normal(name),)
    return LineSpec(verb.name, names, number)


def _server(words: Sequence[str], everyone: bool) -> LineSpec:
    action, *rest = words or ["ls"]
    if action in _LATER_ACTIONS:
        raise unavailable(LINE, f"server {action}")
    if action not in SERVER_ACTIONS or len(rest) > (action == "stop"):
        guess = closest(action, SERVER_ACTIONS) if action not in SERVER_ACTIONS else ""
        meant = f" Did you mean {guess}?" if guess else ""
        raise UsageError(
            f"{LINE}: server takes {'|'.join(SERVER_ACTIONS)}, not {' '.join([action, *rest])!r}.{meant}"
        )
    if everyone and action != "stop":
        raise UsageError(f"{LINE}: server {action} has no option --all")
    return LineSpec("server", action=action, text="".join(rest), everyone=everyone)


def _ask(verb: Verb, line: str, reader: Reader, fill: Fill | None) -> LineSpec:
    """Read ``ask NAME TEXT``: the text needs no quotes, so that an apostrophe is one."""
    options: list[Word] = []
    name: Word | None = None
    while name is None or _begins_option(reader.rest, verb):
        word = reader.next()
        if word is None:
            raise UsageError(f"{LINE}: ask whom? {LINE} {verb.usage}")
        if word.is_option:
            options += [word, *_value_of(word, reader)]
        else:
            name = word
    text, after = _question(reader.rest.strip())
    settings = read_settings(LINE, line, words=options, fill=fill)
    if after:
        settings.values.update(read_settings(LINE, after, fill=fill).values)
    _check_options(verb, settings.values)
    target = settings.text(name).removeprefix("@")
    if not is_name(target) or target == EVERYONE:
        raise UsageError(f"{LINE}: ask takes the name of one agent, not {target!r}: {LINE} {verb.usage}")
    if not text:
        raise UsageError(f'{LINE}: ask {target} what? {LINE} ask {target} "hi"')
    return LineSpec("ask", (normal(target),), text, options=common(settings.values))


def _begins_option(rest: str, verb: Verb) -> bool:
    """Whether an option stands next; a text may begin with a dash, too."""
    flag = (rest.split() or [""])[0].partition("=")[0]
    option = find_option(LINE, flag)
    return option is not None and option.name in verb.options


def _value_of(word: Word, reader: Reader) -> list[Word]:
    option = find_option(LINE, word.text)
    value = reader.next() if option is not None and option.takes_value else None
    return [value] if value is not None else []


def _question(rest: str) -> tuple[str, str]:
    """Return the text that ``rest`` asks, and what follows it where that is options only."""
    if rest[:1] in ("'", '"'):
        try:
            words = split(rest, LINE)
        except UsageError:
            return rest, ""
        if words[0].whole and (len(words) == 1 or words[1].is_option):
            return words[0].text, rest[words[0].end :]
    return rest, ""
