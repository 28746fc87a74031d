"""How fast the wire is, against a bare grpc.aio server in the same run: ``python benchmarks/wire.py``.

Prints ratios with their goals. On a busy machine only the ratios mean anything, and those of a single
run not much: raise ``--rounds``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
RAW_SERVER = [sys.executable, str(HERE / "echo_agent.py")]

COLD_RAW = """
import asyncio, subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
import grpc
async def main():
    async with grpc.aio.insecure_channel("127.0.0.1:" + server.stdout.readline().decode().strip()) as channel:
        await channel.unary_unary("/raw.Echo/echo")(b"x" * 200)
asyncio.run(main())
print("done", flush=True)
server.stdin.close()
server.wait()
"""
COLD_OURS = """
import sys
sys.path.append(sys.argv[1])
from nbagents.message import Msg
from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher
from echo_agent import Echo
with RpcAgentServerLauncher(custom_agent_classes=[Echo]) as launcher:
    client = RpcAgentClient(launcher.address, token=launcher.token)
    client.create_agent({"class_name": "Echo", "args": ["echo"]}, "echo")
    RpcAgent("echo", "echo", connect=lambda: client.attachment)(Msg("user", "x" * 200)).content
    print("done", flush=True)
"""


def show(what: str, ours: float, raw: float, unit: str, goal: str, scale: float = 1e6) -> None:
    print(
        f"{what:46}{ours * scale:9.1f} {unit:4}{raw * scale:9.1f} {unit:4}{ours / raw:7.2f}   {goal}",
        flush=True,
    )


def wall(code: str, *args: str) -> float:
    """Return the seconds until a program has said its first line, or has ended."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code, *args], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        taken = time.perf_counter() - begin
    return taken


def interleaved(rounds: int, **work: Callable[[], float]) -> dict[str, float]:
    """Do each in turn, several times; return the median of what each returned."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, measure in work.items():
            found[name].append(measure())
    return {name: statistics.median(times) for name, times in found.items()}


def measure_imports(rounds: int) -> None:
    """Compare imports; the first of each round fills the cache of compiled files."""
    modules = ("grpc", "nbagents", "nbagents.rpc")
    for module in modules:
        wall(f"import {module}")
    taken = interleaved(rounds, **{module: (lambda m=module: wall(f"import {m}")) for module in modules})
    for module, goal in (("nbagents", "at most 0.8"), ("nbagents.rpc", "at most 1.3")):
        show(f"import {module}", taken[module], taken["grpc"], "ms", goal, 1e3)


def measure_cold_start(rounds: int) -> None:
    """Compare a client process, from its start to its first reply."""
    taken = interleaved(
        rounds, raw=lambda: wall(COLD_RAW, *RAW_SERVER), ours=lambda: wall(COLD_OURS, str(HERE))
    )
    show("client process start to first reply", taken["ours"], taken["raw"], "ms", "at most 1.6", 1e3)


@contextmanager
def raw_server() -> Iterator[str]:
    """Run the rival; yield its address."""
    with subprocess.Popen(RAW_SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        yield "127.0.0.1:" + child.stdout.readline().decode().strip()
        child.stdin.close()


async def one_by_one(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the median seconds of a call that nothing else disturbs."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        await call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


async def in_flight(calls: Sequence[Callable[[], Awaitable[object]]], count: int) -> float:
    """Return the seconds for each call, with one of each of ``calls`` in flight at any moment."""
    left = iter(range(count))

    async def worker(call: Callable[[], Awaitable[object]]) -> None:
        for _ in left:
            await call()

    begin = time.perf_counter()
    await asyncio.gather(*map(worker, calls))
    return (time.perf_counter() - begin) / count


def measure_calls(rounds: int, count: int) -> None:
    """Compare calls, creations and observations."""
    import grpc
    from echo_agent import Echo, Keeper, Sleeper

    from nbagents import _loop
    from nbagents.agents import scheduler
    from nbagents.message import Msg
    from nbagents.rpc import RpcAgent, RpcAgentClient, RpcAgentServerLauncher

    loop = _loop.background()
    message = Msg("user", "x" * 40)  # with its fields some 200 bytes
    kinds = [Echo, Keeper, Sleeper]
    with (
        raw_server() as address,
        RpcAgentServerLauncher(custom_agent_classes=kinds) as launcher,
        RpcAgentServerLauncher(custom_agent_classes=kinds, durable=False) as forgetful,
    ):
        client = RpcAgentClient(launcher.address, token=launcher.token)
        other = RpcAgentClient(forgetful.address, token=forgetful.token)
        base = client.get_server_info()["mem"]

        def proxy(agent_id: str) -> RpcAgent:
            return RpcAgent(agent_id, agent_id, connect=lambda: client.attachment)

        def create(kind: str, ids: list[str]) -> None:
            for start in range(0, len(ids), 1000):
                client.create_agents({"class_name": kind, "args": ["a"]}, ids[start : start + 1000])

        async def channel() -> grpc.aio.Channel:
            return grpc.aio.insecure_channel(address)

        wire = loop.run(channel())
        echo = wire.unary_unary("/raw.Echo/echo")
        names = [f"echo{number}" for number in range(64)]
        create("Echo", names)
        agents = [proxy(name) for name in names]
        agent = agents[0]
        other.create_agents({"class_name": "Echo", "args": ["a"]}, names)
        unkept = [RpcAgent(name, name, connect=lambda: other.attachment) for name in names]
        keepers = [f"keeper{number}" for number in range(64)]
        create("Keeper", keepers)
        remembering = [proxy(name) for name in keepers]

        async def raw() -> object:
            return await echo(b"x" * 200)

        async def ours() -> object:
            return await agent(message)

        def blocking() -> float:
            times = []
            for _ in range(count):
                begin = time.perf_counter()
                assert agent(message).content
                times.append(time.perf_counter() - begin)
            return statistics.median(times)

        def facade() -> float:
            begin = time.perf_counter()
            for _ in range(count // 64):
                for reply in [each(message) for each in agents]:
                    assert reply.content
            return (time.perf_counter() - begin) / (count // 64 * 64)

        loop.run(one_by_one(raw, 200))
        loop.run(one_by_one(ours, 200))
        seen = interleaved(
            rounds,
            raw=lambda: loop.run(one_by_one(raw, count)),
            ours=lambda: loop.run(one_by_one(ours, count)),
            blocking=blocking,
            raw64=lambda: loop.run(in_flight([raw] * 64, 4 * count)),
            unkept64=lambda: loop.run(in_flight([partial(each, message) for each in unkept], 4 * count)),
            ours64=lambda: loop.run(in_flight([partial(each, message) for each in agents], 4 * count)),
            kept64=lambda: loop.run(in_flight([partial(each, message) for each in remembering], 4 * count)),
            facade64=facade,
        )
        show("sequential round trip p50, awaited", seen["ours"], seen["raw"], "us", "at most 0.75")
        show("sequential round trip p50, blocking", seen["blocking"], seen["raw"], "us", "at most 1.5")
        show("64 in flight, each, without a journal", seen["unkept64"], seen["raw64"], "us", "at most 0.2")
        show("64 in flight, each, nothing to keep", seen["ours64"], seen["raw64"], "us", "")
        show("64 in flight, each, memory and journal", seen["kept64"], seen["raw64"], "us", "at most 0.5")
        show("64 in flight, read by a blocking caller", seen["facade64"], seen["raw64"], "us", "")

        many = [uuid.uuid4().hex for _ in range(10_000)]
        before = client.get_server_info()["mem"]
        begin = time.perf_counter()
        create("Echo", many)
        each = (time.perf_counter() - begin) / len(many)
        show(f"create {len(many)} agents, each", each, seen["raw"], "us", "at most 0.1")
        grown = (client.get_server_info()["mem"] - before) * 1024 / len(many)
        print(f"{'memory of an idle agent':46}{grown:9.2f} KiB{'':28}at most 2 KiB")
        kept = f"at most 60 MiB; {before:.0f} with the last replies kept"
        print(f"{'memory of a server as it starts':46}{base:9.0f} MiB{'':28}{kept}")

        audience = [proxy(agent_id) for agent_id in many[:1000]]

        async def observed() -> float:
            begin = time.perf_counter()
            await scheduler().broadcast(message, audience)
            return time.perf_counter() - begin

        taken = statistics.median(loop.run(observed()) for _ in range(max(3, rounds)))
        show("one message observed by 1,000 agents", taken, seen["raw"], "us", "at most 12")

        sleepers = [uuid.uuid4().hex for _ in range(100)]
        create("Sleeper", sleepers)
        begin = time.perf_counter()
        for reply in [proxy(agent_id)(message) for agent_id in sleepers]:
            assert reply.content
        print(f"{'100 agents that take 0.5 s':46}{time.perf_counter() - begin:9.2f} s{'':30}at most 0.55 s")
        loop.run(wire.close())
        begin = time.perf_counter()
        launcher.shutdown()
        print(f"{'shutdown':46}{time.perf_counter() - begin:9.3f} s{'':30}at most 0.3 s")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--only", choices=["imports", "cold", "calls"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        for name in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
            os.environ[name] = folder
        os.environ["GRPC_VERBOSITY"] = "ERROR"
        os.environ["PYTHONPATH"] = str(HERE.parent)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"{'':46}{'ours':>9}     {'raw grpc':>9}     {'ratio':>7}   goal")
        if given.only in (None, "imports"):
            measure_imports(3 * given.rounds)
        if given.only in (None, "cold"):
            measure_cold_start(given.rounds)
        if given.only in (None, "calls"):
            measure_calls(given.rounds, given.count)


if __name__ == "__main__":
    main()
