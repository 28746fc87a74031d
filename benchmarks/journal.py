"""What it costs that a server keeps what its agents become: ``python benchmarks/journal.py``.

Each figure is measured with and without a journal in the same run, in this process and without a wire. On
a busy machine only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nbagents._loop import background
from nbagents.agents import AgentBase, Call, mark_open, scheduler, spread
from nbagents.message import Msg
from nbagents.rpc._agents import Hosted
from nbagents.rpc._keeper import Keeper
from nbagents.store import Journal


class Remembers(AgentBase):
    what = "remembers"

    async def reply(self, x: Any = None) -> Msg:
        self.memory.add(x)
        said = Msg(self.name, "heard")
        self.memory.add(said)
        return said


class Still(AgentBase):
    what = "changes nothing"

    async def reply(self, x: Any = None) -> Msg:
        return x


@contextmanager
def agents_of(cls: type[AgentBase], count: int, folder: str | None) -> Iterator[list[AgentBase]]:
    """Make agents, kept in a journal where there is a folder for it."""
    agents = [cls(f"a{number}") for number in range(count)]
    if folder is None:
        yield agents
        return
    keeper = Keeper(Journal(Path(folder) / "bench.journal"))

    async def keep() -> None:
        settings = {"class_name": cls.__name__, "args": [], "kwargs": {}}
        for number, agent in enumerate(agents):
            keeper.kept(Hosted(agent, f"a{number}", settings))
        await keeper.saved()

    async def close() -> None:
        keeper.close(remove=True)

    background().run(keep())
    try:
        yield agents
    finally:
        background().run(close())


async def call_all(agents: list[AgentBase], calls: int) -> float:
    """Return the seconds for one call, with one in flight for each agent."""
    message = Msg("user", "x" * 200)
    begin = time.perf_counter()
    for _ in range(calls // len(agents)):
        for placeholder in [agent(message) for agent in agents]:
            await placeholder
    return (time.perf_counter() - begin) / calls


async def tell_all(agents: list[AgentBase]) -> float:
    """Return the seconds until all have observed one message."""
    message = Msg("host", "x" * 200)
    whole = Call(
        scheduler(), None, None, (message,), {}, kind="observe", parent=None, path=(1,), client="bench"
    )
    begin = time.perf_counter()
    for agent in agents:
        mark_open(agent, whole.id)
    spread(scheduler(), whole, agents)
    await scheduler().signal(whole.on_done)
    return time.perf_counter() - begin


def show(what: str, kept: float, bare: float, unit: str, scale: float) -> None:
    more = (kept - bare) * scale
    print(
        f"{what:52}{kept * scale:9.2f} {unit}{bare * scale:9.2f} {unit}{kept / bare:7.2f}{more:9.2f} {unit}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'':52}{'journal':>12}{'without':>12}{'ratio':>7}{'more':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for cls, flight in ((Remembers, 1), (Remembers, 64), (Still, 1), (Still, 64)):
            found: dict[str | None, list[float]] = {folder: [], None: []}
            for _ in range(rounds):
                for where, times in found.items():
                    with agents_of(cls, flight, where) as agents:
                        times.append(background().run(call_all(agents, 1280)))
            what = f"a call of an agent that {cls.what}, {flight} at once"
            show(what, statistics.median(found[folder]), statistics.median(found[None]), "us", 1e6)
        found = {folder: [], None: []}
        for where, times in found.items():
            with agents_of(Still, 1000, where) as agents:
                times += [background().run(tell_all(agents)) for _ in range(3 * rounds)]
        show("one message to 1,000 agents", *map(statistics.median, found.values()), "ms", 1e3)


if __name__ == "__main__":
    main()
