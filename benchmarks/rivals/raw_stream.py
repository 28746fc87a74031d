"""A bare bidirectional stream in which frames that are ready share a message, measured for `peers.py`.

What a protocol over gRPC can reach when it does nothing else: a frame is eight bytes of number and the data.
"""

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time

import grpc

DATA = b"x" * 200
SIZE = 8 + len(DATA)


class Writer:
    """Writes a lone frame at once; with more under way, what one turn of the loop makes ready."""

    def __init__(self, write) -> None:
        self.write, self.frames, self.task = write, [], None

    def put(self, frame: bytes, alone: bool) -> None:
        """Queue a frame."""
        self.frames.append(frame)
        if self.task is None:
            self.task = asyncio.ensure_future(self.run(alone))

    async def run(self, alone: bool) -> None:
        """Write until nothing is left."""
        if not alone:
            await asyncio.sleep(0)
        while self.frames:
            frames, self.frames = self.frames, []
            await self.write(b"".join(frames))
        self.task = None


def split(data: bytes):
    """Return the frames that came together."""
    return (data[start : start + SIZE] for start in range(0, len(data), SIZE))


async def serve(address: str) -> None:
    """Return the frames as they come."""

    async def stream(_, context) -> None:
        writer, busy = Writer(context.write), set()

        async def reply(frame: bytes) -> None:
            writer.put(frame, len(busy) == 1)

        while (data := await context.read()) is not grpc.aio.EOF:
            for frame in split(data):
                task = asyncio.ensure_future(reply(frame))
                busy.add(task)
                task.add_done_callback(busy.discard)

    server = grpc.aio.server()
    handlers = {"stream": grpc.stream_stream_rpc_method_handler(stream)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("raw.Echo", handlers),))
    server.add_insecure_port(address)
    await server.start()
    print("up", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def measure(address: str) -> dict[str, float]:
    """Return what `peers.py` compares."""
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream("/raw.Echo/stream")()
        writer, waiting, numbers = Writer(call.write), {}, itertools.count()

        async def read() -> None:
            while (data := await call.read()) is not grpc.aio.EOF:
                for frame in split(data):
                    waiting.pop(frame[:8]).set_result(frame[8:])

        async def echo() -> None:
            key = next(numbers).to_bytes(8)
            waiting[key] = future = asyncio.get_running_loop().create_future()
            writer.put(key + DATA, len(waiting) == 1)
            await future

        reading, times = asyncio.ensure_future(read()), []
        for _ in range(1500):
            begin = time.perf_counter()
            await echo()
            times.append(time.perf_counter() - begin)
        left = iter(range(30_000))

        async def worker() -> None:
            for _ in left:
                await echo()

        begin = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(64)))
        each = (time.perf_counter() - begin) / 30_000
        reading.cancel()
        call.cancel()
    return {"sequential": statistics.median(times[200:]), "in_flight": each}


if sys.argv[1:2] == ["serve"]:
    asyncio.run(serve(sys.argv[2]))
else:
    with tempfile.TemporaryDirectory() as folder:
        where = f"unix:{folder}/s"
        command = [sys.executable, __file__, "serve", where]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            print(json.dumps(asyncio.run(measure(where))), flush=True)
            child.stdin.close()
