"""How long a newcomer waits: from nothing to the first word, and four agents at once.

    python benchmarks/conversation.py

Starts a real agent server process and the offline model, in a home of its own. Prints seconds, and
ratios to what the model itself takes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

FIRST_WORD = """
import time
began = time.monotonic()
from nbagents import events
from nbagents.setup import open_session
here = open_session("bench", headless=True, owner="process")
here.start(here.choose("demo"))
first = []
events.subscribe(lambda event: event.kind == "delta" and not first and first.append(time.monotonic()))
poet = here.define("poet", "You are a poet.", model="demo").agent
poet("Write about rain.").result(30)
print(first[0] - began)
"""


def first_word() -> float:
    """Return the seconds from the import to the first piece of a reply, in a fresh process."""
    done = subprocess.run([sys.executable, "-c", FIRST_WORD], capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def four_at_once() -> tuple[float, float]:
    """Return the seconds that one agent and that four agents take to answer, warm, each with a 1 s model."""
    from nbagents import context
    from nbagents.setup import close_session, open_session

    here = open_session("bench", headless=True, owner="process")
    context.card.set(True)
    agents = [here.define(f"a{i}", "You are an editor.", model="demo-slow").agent for i in range(4)]
    agents[0]("Who are you?").result(30)
    one, four = [], []
    for _ in range(3):
        began = time.monotonic()
        agents[0]("Who are you?").result(30)
        one.append(time.monotonic() - began)
        began = time.monotonic()
        for reply in [agent("Who are you?") for agent in agents]:
            reply.result(30)
        four.append(time.monotonic() - began)
    close_session()
    return statistics.median(one), statistics.median(four)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="nb-") as home:
        os.environ |= {"JUPYTER_RUNTIME_DIR": home, "XDG_RUNTIME_DIR": home}
        words = [first_word() for _ in range(3)]
        print(f"first word of the offline model, from nothing: {statistics.median(words):.2f} s (goal 3 s)")
        one, four = four_at_once()
        print(f"one agent with a 1 s model, warm: {one:.2f} s")
        print(f"four agents at once, warm: {four:.2f} s, {four / one:.2f} times one (goal 1.6 s)")


if __name__ == "__main__":
    main()
