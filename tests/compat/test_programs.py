"""Programs in the style of AgentScope 0.x run here after one search and replace, each by itself."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pending
import pytest

from nbagents._loop import background
from nbagents.models import demo_endpoint

PROGRAMS = Path(__file__).parent / "programs"
CONFIG = {"config_name": "chat", "model_type": "openai", "model_name": "demo-fast", "endpoint": "demo"}
TYPED = "What is 6 * 7?\nexit\n"
SAID = {
    "conversation": [r"Assistant: 6 \* 7 = 42", "they exchanged 3 messages"],
    "group_chat": [
        r"Alice knows \['Host', 'Alice', 'Bob', 'Carol', 'Host', 'Dave'\]",
        r"Bob knows \['Host', 'Alice', 'Bob'\]",
        r"Carol knows \['Host', 'Alice', 'Bob', 'Carol', 'Host', 'Dave'\]",
        r"Dave knows \['Carol', 'Host', 'Dave'\]",
    ],
    "five_pipelines": [
        *("16 16", "15 15", "25 25", "11 11", "11 11", "5 5", "nested 26"),
        r"No operators provided\.",
    ],
    "own_agent": ["Secretary: 11", "3 entries, 5 messages", r"6 \* 7 = 42", r"\(True, '.*'\)"],
    "distributed_dialogue": ["lives elsewhere", r"Assistant: 6 \* 7 = 42"],
    "distributed_debate": [
        "Pro: Yes, still: .*",
        "Con: No, still: .*",
        "verdict by Judge of several words",
        "Con has heard 8 messages",
    ],
    "parallel_search": [
        "not waiting",
        "; ".join(f"Poetry stands on the {shelf} shelf" for shelf in ("upper", "middle", "lower")),
        "together",
    ],
    "post_api": [r"12 \* 12 = 144"],
    "dict_agent": ["content is a str", "finished is a bool", "remembers what it said aloud: True"],
    "services": [
        r"shelf_of \['title'\]",
        r".*\[STATUS\]: SUCCESS",
        r".*\[RESULT\]: Poetry: shelf 6, floor 2",
    ],
}
"""Lines that each program prints, in this order."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """All programs, started together."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "model_configs.json").write_text(json.dumps(CONFIG))
    url, key = background().run(demo_endpoint())
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = str(door.getsockname()[1])
    programs = {}
    for name in SAID.keys() - pending.PROGRAMS.keys():
        text = (PROGRAMS / f"{name}.py").read_text()
        (folder / f"{name}.py").write_text(text.replace("agentscope", "nbagents.compat.agentscope"))
        programs[name] = subprocess.Popen(
            [sys.executable, "-W", "error", f"{name}.py", port],
            cwd=folder,
            env={**os.environ, "DEMO_URL": url, "DEMO_KEY": key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    yield programs
    for process in programs.values():
        process.kill()
        process.communicate()


def test_every_program_is_known() -> None:
    assert {path.stem for path in PROGRAMS.glob("*.py")} == SAID.keys() >= pending.PROGRAMS.keys()


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [name for name in SAID if name not in pending.PROGRAMS])
def test_a_program_says_what_it_should(running: dict[str, subprocess.Popen[str]], name: str) -> None:
    out, err = running[name].communicate(TYPED, timeout=150)
    assert running[name].returncode == 0, out + err
    assert err == ""
    said = iter(out.splitlines())
    for line in SAID[name]:
        assert any(re.search(f"(?:^|: ){line}$", heard) for heard in said), f"{line!r} in:\n{out}"
