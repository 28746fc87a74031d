"""A bare grpc.aio server with one unary method, measured for `peers.py`."""

import asyncio
import json
import statistics
import subprocess
import sys
import time

import grpc

DATA = b"x" * 200


async def serve() -> None:
    """Return the bytes; those that begin with "s" after half a second."""

    async def echo(data: bytes, context: object) -> bytes:
        if data[:1] == b"s":
            await asyncio.sleep(0.5)
        return data

    server = grpc.aio.server()
    handlers = {"echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("raw.Echo", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def measure(port: int) -> dict[str, float]:
    """Return what `peers.py` compares."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        echo, times = channel.unary_unary("/raw.Echo/echo"), []
        for _ in range(1500):
            begin = time.perf_counter()
            await echo(DATA)
            times.append(time.perf_counter() - begin)
        left = iter(range(6000))

        async def worker() -> None:
            for _ in left:
                await echo(DATA)

        begin = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(64)))
        each = (time.perf_counter() - begin) / 6000
        begin = time.perf_counter()
        await asyncio.gather(*(echo(b"s") for _ in range(100)))
        fan_out = time.perf_counter() - begin
    return {"sequential": statistics.median(times[200:]), "in_flight": each, "fan_out": fan_out}


if sys.argv[1:] == ["serve"]:
    asyncio.run(serve())
else:
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        print(json.dumps(asyncio.run(measure(int(child.stdout.readline())))), flush=True)
        child.stdin.close()
