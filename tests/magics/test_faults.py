"""Every complaint about a cell, as it is read."""

from __future__ import annotations

import pytest

from nbagents.exceptions import UsageError
from nbagents.magics._grammar import (
    parse_agent_cell,
    parse_agents_cell,
    parse_agents_line,
    parse_hub_cell,
    parse_pipeline_cell,
)
from nbagents.magics._options import OPTIONS

READERS = {
    "%%agent": parse_agent_cell,
    "%%agents": parse_agents_cell,
    "%%pipeline": parse_pipeline_cell,
    "%%msghub": parse_hub_cell,
    "%agents": lambda line, _: parse_agents_line(line),
}
UNTIL = "--until \"'APPROVED' in msg.content\""

LATER = [(option, magic) for option in OPTIONS if not option.available for magic in option.magics]


@pytest.mark.parametrize(("option", "magic"), LATER, ids=lambda each: getattr(each, "name", each))
def test_what_a_later_version_brings_is_refused_by_name(option, magic):
    for flag in filter(None, (option.name, option.short)):
        with pytest.raises(UsageError) as caught:
            READERS[magic](f"a {flag} 1", "alice()")
        assert str(caught.value) == f"{magic}: {option.name} is not available in this version"


ERRORS = [
    ("%%agent", "", "", "%%agent: what is it called? %%agent poet"),
    (
        "%%agent",
        "poet critic",
        "x",
        "%%agent defines one agent; you named two (poet critic). To talk to both: %%agents poet critic",
    ),
    (
        "%%agent",
        "a, b, c",
        "x",
        "%%agent defines one agent; you named three (a b c). To talk to all: %%agents a b c",
    ),
    (
        "%%agent",
        "poet --mode x",
        "",
        "%%agent: no option --mode. Did you mean --model?   All of them: %%agent?",
    ),
    ("%%agents", "poet --fo", "", "%%agents: no option --fo.   All of them: %%agents?"),
    ("%%agent", "poet -x", "", "%%agent: no option -x.   All of them: %%agent?"),
    ("%%agent", "poet -m", "", "%%agent: --model needs a value: --model MODEL"),
    ("%%agent", "poet -m --fresh", "", "%%agent: --model needs a value: --model MODEL"),
    ("%%agent", "poet -m a --model b", "", "%%agent: --model is given twice"),
    ("%%agent", "poet --fresh=yes", "", "%%agent: --fresh takes no value"),
    ("%%pipeline", "poet --loop 0", "", "%%pipeline: --loop needs a whole number, at least 1, not '0'"),
    ("%%agent", "poet --seed x", "", "%%agent: --seed needs a whole number, not 'x'"),
    ("%%agent", "poet --temperature nan", "", "%%agent: --temperature needs a number, at least 0, not 'nan'"),
    (
        "%%agent",
        "poet --kind chta",
        "",
        "%%agent: --kind takes chat|react|user, not 'chta'. Did you mean chat?",
    ),
    ("%%agent", "poet -m 'x", "", "%%agent: “poet -m 'x” — this ' is never closed\n" + " " * 30 + "^"),
    ("%%agents", "", "hi", "%%agents: whom to? %%agents poet critic, or lines that begin with @poet"),
    ("%%agents", "a b", " ", "%%agents: nothing to say to a, b: write it below the first line"),
    (
        "%%agents",
        "a -> b",
        "hi",
        "%%agents talks to all at the same time. One after the other: %%pipeline a -> b",
    ),
    ("%%agents", "a b!", "hi", "%%agents: 'b!' is no agent's name. What to say goes below the first line"),
    ("%%agents", "a --rounds 2", "hi", "%%agents: --rounds needs --hub, so that they hear each other"),
    (
        "%%agents",
        "--hub",
        "@a hi",
        "%%agents: --hub needs the names on the first line: %%agents poet critic --hub",
    ),
    (
        "%%agents",
        "",
        "\nHello,\n@a hi",
        "%%agents: line 3 (“Hello,”) comes before the first @name. Begin it with whom it is for, "
        "or name them on the first line: %%agents poet critic",
    ),
    ("%%agents", "a --view tree", "x", "%%agents: --view takes chat|timeline|graph|none, not 'tree'."),
    ("%%agents", "a --schema 3x", "x", "%%agents: --schema needs the name of a variable, not '3x'"),
    (
        "%%agents",
        "a --hub --schema M",
        "x",
        "%%agents: --schema is for answers to you; with --hub they answer each other",
    ),
    ("%%agents", "a --timeout 0", "x", "%%agents: --timeout needs a number of seconds above 0, not '0'"),
    ("%%agents", "a --timeout inf", "x", "%%agents: --timeout needs a number of seconds above 0, not 'inf'"),
    ("%%agents", "a -o 2x", "x", "%%agents: --output needs the name of a variable, not '2x'"),
    ("%%agents", "a -o class", "x", "%%agents: --output needs the name of a variable, not 'class'"),
    ("%%pipeline", "", "x", "%%pipeline: which agents? %%pipeline poet -> critic"),
    (
        "%%pipeline",
        "if x a else b",
        "",
        "%%pipeline: what is it to look at? Write the first message below the first line",
    ),
    (
        "%%pipeline",
        "loop a b",
        "x",
        "%%pipeline: loop needs an end: loop a b -n 3, or --until \"'APPROVED' in msg.content\"",
    ),
    (
        "%%pipeline",
        "a --until",
        "x",
        "%%pipeline: --until needs a condition: --until \"'APPROVED' in msg.content\"",
    ),
    (
        "%%pipeline",
        "  a --loop 2 -> b",
        "x",
        "%%pipeline: “a --loop 2 -> b” — options go before or after all of it\n" + " " * 36 + "^",
    ),
    ("%%pipeline", "a -> 'b'", "x", "%%pipeline: “a -> 'b'” — names need no quotes\n" + " " * 30 + "^"),
    ("%%msghub", "", "x", "%%msghub: who is in it? %%msghub alice bob"),
    (
        "%%msghub",
        "a b",
        "# nothing",
        "%%msghub: nothing to do: write Python below the first line, or %%msghub a b --rounds 2",
    ),
    (
        "%%msghub",
        "a b --rounds 2",
        "a()",
        "%%msghub: --rounds is for an empty cell; here the Python below says who speaks",
    ),
    (
        "%agents",
        "shwo",
        "",
        "%agents: no command 'shwo'. Did you mean show?   All of them: "
        "status, list, show, chat, ask, stop, runs, wait, timeline, cost, audit, export, graph, fork, "
        "rewind, clear, index, use, topics, server, doctor, code, why, config",
    ),
    ("%agents", "fork poet", "", "%agents: it goes like this: %agents fork poet[@5] as poet_2"),
    ("%agents", "show", "", "%agents: it goes like this: %agents show poet | show 12"),
    ("%agents", "wait poet", "", "%agents: wait takes a run's number, not 'poet'"),
    ("%agents", "export 12", "", "%agents: it goes like this: %agents export 12 run.md"),
    ("%agents", "export a b.md", "", "%agents: export takes a run's number, not 'a'"),
    ("%agents", "use poet", "", "%agents: it goes like this: %agents use other.ipynb/poet [as NAME]"),
    ("%agents", "use a/poet as", "", "%agents: it goes like this: %agents use other.ipynb/poet [as NAME]"),
    ("%agents", "chat", "", "%agents: it goes like this: %agents chat poet [critic]"),
    ("%agents", "doctor now", "", "%agents: it goes like this: %agents doctor"),
    ("%agents", "code poet", "", "%agents: code takes a run's number, not 'poet'"),
    ("%agents", "stop a-b", "", "%agents: stop takes an agent's name or a run's number, not 'a-b'"),
    ("%agents", "stop poet --all", "", "%agents: stop takes poet or --all, not both"),
    ("%agents", "show poet --timeout 3", "", "%agents: show has no option --timeout"),
    ("%agents", "server attach x", "", "%agents: server attach is not available in this version"),
    ("%agents", "server stpo", "", "%agents: server takes ls|start|stop, not 'stpo'. Did you mean stop?"),
    ("%agents", "server start x", "", "%agents: server takes ls|start|stop, not 'start x'."),
    ("%agents", "ask", "", '%agents: ask whom? %agents ask poet "hi"'),
    ("%agents", "ask poet", "", '%agents: ask poet what? %agents ask poet "hi"'),
    (
        "%agents",
        "ask all hi",
        "",
        "%agents: ask takes the name of one agent, not 'all': %agents ask poet \"hi\"",
    ),
]


@pytest.mark.parametrize(("magic", "line", "body", "expected"), ERRORS, ids=lambda each: each[:30])
def test_every_error_says_what_to_type(magic, line, body, expected):
    with pytest.raises(UsageError) as caught:
        READERS[magic](line, body)
    assert str(caught.value) == expected
