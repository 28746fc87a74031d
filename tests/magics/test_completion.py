from __future__ import annotations

import pytest

from nbagents.magics._completion import candidates
from nbagents.magics._options import options_of
from nbagents.magics._verbs import verbs

NAMES = ["poet", "critic", "carol"]
OPTIONS = {magic: [option.name for option in options_of(magic)] for magic in ("%%agents", "%%pipeline")}


def test_the_case_of_the_specification():
    assert candidates("%%pipeline poet -> c", ["poet", "critic"]) == ("c", ["critic"])


@pytest.mark.parametrize(
    ("text", "fragment", "expected"),
    [
        ("%%agents ", "", [*NAMES, "all"]),
        ("%%agents p", "p", ["poet"]),
        ("%%agents @p", "p", ["poet"]),
        ("%%agents poet ", "", ["critic", "carol"]),
        ("%%agents poet --timeout 3 c", "c", ["critic", "carol"]),
        ("%%agents zz", "zz", []),
        ("%%agents --", "--", OPTIONS["%%agents"]),
        ("%%agents poet -", "-", OPTIONS["%%agents"]),
        ("%%agents poet --ti", "--ti", ["--timeout"]),
        ("%%agents poet --timeout 3 --ti", "--ti", []),
        ("%%agents poet -q --q", "--q", []),
        ("%%agents poet --view ", "", ["chat", "timeline", "graph", "none"]),
        ("%%agents poet --view n", "n", ["none"]),
        ("%%pipeline ", "", [*NAMES, "sequential", "parallel", "loop", "if", "switch"]),
        ("%%pipeline i", "i", ["if"]),
        ("%%pipeline poet -> (s", "s", ["switch"]),
        ("%%pipeline if \"'a b' in msg.content\" c", "c", ["critic", "carol"]),
        ("%%pipeline if len(msg.content) > 3 c", "c", ["critic", "carol"]),
        ("%%pipeline if x poet e", "e", ["else", "elif"]),
        ("%%pipeline if x poet else c", "c", ["critic", "carol"]),
        ("%%pipeline switch 'x' case k p", "p", ["poet"]),
        ("%%pipeline switch 'x' case k poet ca", "ca", ["carol", "case"]),
        ("%%pipeline p", "p", ["poet", "parallel"]),
        ("%%pipeline poet ->c", "c", ["critic", "carol"]),
        ("%%pipeline poet -> (critic,c", "c", ["critic", "carol"]),
        ("%%pipeline (p", "p", ["poet"]),
        ("%%pipeline parallel poet c", "c", ["critic", "carol"]),
        ("%%pipeline poet -> critic --", "--", OPTIONS["%%pipeline"]),
        ('%%pipeline poet --until "x y" --loop 3 -> c', "c", ["critic", "carol"]),
        ("%%msghub poet c", "c", ["critic", "carol"]),
        ("%%msghub poet --a", "--a", ["--announce", "--approve"]),
        ("%%agent p", "p", ["poet"]),
        ("%%agent poet --kind ", "", ["chat", "react", "user"]),
        ("\n# mine\n%%agents c", "c", ["critic", "carol"]),
        ("%%agents\n@c", "c", ["critic", "carol"]),
        ("%%agents\n@poet hello\n@poet @a", "a", ["all"]),
        ("%agents ", "", [verb.name for verb in verbs()]),
        ("%agents s", "s", ["status", "show", "stop", "server"]),
        ("x = %agents ask c", "c", ["critic", "carol"]),
        ("%agents show poet c", "c", ["critic", "carol"]),
        ("%agents stop --", "--", ["--all"]),
        ("%agents chat poet c", "c", ["critic", "carol"]),
        ("%agents clear p", "p", ["poet"]),
        ("%agents wait --", "--", ["--timeout"]),
        ("%agents config model=demo b", "b", ["budget="]),
        (
            "%agents ask --",
            "--",
            ["--quiet", "--budget", "--max-calls", "--approve", "--timeout", "--default", "--raw"],
        ),
        ("%agents server st", "st", ["start", "stop"]),
        ("import os\n%agents doc", "doc", ["doctor"]),
        ("%%msghub poet\n%agents sh", "sh", ["show"]),
    ],
)
def test_what_could_come_next(text, fragment, expected):
    assert candidates(text, NAMES) == (fragment, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%%ag",
        "%%agents",
        "%%agentsx ",
        "%agents",
        "po",
        "%%agents poet\nhello c",
        "%%agents\nhello @c",
        "%%agent poet\n%agents s",
        "%%pipeline poet\n@c",
        "%%msghub poet\npo",
        "%%pipeline poet --until ",
        "%%pipeline if ",
        "%%pipeline if msg.c",
        "%%pipeline poet -> (if len(msg.c",
        "%%pipeline poet -> if \"'a' in m",
        "%%pipeline switch ms",
        "%%pipeline poet --until msg.c",
        "%%pipeline poet -o ",
        "%%agent poet -m d",
        '%%msghub poet --announce "hello c',
        "%agents ask poet c",
        "%agents export 12 c",
        "%agents config model=d",
        "%agents nonsense c",
        "print('%agents ')",
    ],
)
def test_where_we_have_no_say(text):
    assert candidates(text, NAMES) is None
