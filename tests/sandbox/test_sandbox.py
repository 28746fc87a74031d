"""Programs in a sandbox, at each level: what they may take, how they are ended, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nbagents._loop import background
from nbagents.exceptions import SandboxError, UsageError
from nbagents.sandbox import Finished, Level, Limits, Sandbox

Gone = Callable[[str], list[str]]
SECONDS = 2.0
IGNORES = """
import signal, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
time.sleep(300)
"""
HIDES = """
import os, time
for _ in range(3):
    if os.fork():
        os._exit(0)
    os.setsid()
time.sleep(300)
"""
FORKS = """
import os, time
made = 0
while made < 200:
    if not os.fork():
        time.sleep(300)
    made += 1
time.sleep(300)
"""
TOGETHER = """
import os, time
for _ in range(3):
    if not os.fork():
        held = bytearray(b"x") * (60 << 20)
        time.sleep(300)
time.sleep(300)
"""


def _box(folder: Path, level: Level, **limits: float) -> Sandbox:
    return Sandbox(folder, level=level, least=level, limits=Limits(**{"seconds": 20, **limits}))  # type: ignore[arg-type]


async def _until(there: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not there():
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)


def _python(code: str, *more: str) -> list[str]:
    return [sys.executable, "-c", code, *more]


def test_each_hostile_program_is_stopped_and_nothing_is_left(level: Level, tmp_path: Path, gone: Gone):
    mark = f"nb{secrets.token_hex(6)}"
    cases: dict[str, tuple[list[str], dict[str, float], str]] = {
        "hangs": (_python("import time; time.sleep(300)", mark), {"seconds": SECONDS}, "timeout"),
        "ignores signals": (_python(IGNORES, mark), {"seconds": SECONDS}, "timeout"),
        "hides": (["/bin/sh", "-c", f"{sys.executable} -c '{HIDES}' {mark}; echo gone"], {}, "done"),
        "leaves children": (
            ["/bin/sh", "-c", f"(setsid sh -c 'sleep 300; : {mark}' &); echo gone"],
            {},
            "done",
        ),
        "forks": (_python(FORKS, mark), {}, "processes"),
        "takes memory": (_python("bytearray(8 << 30)", mark), {}, "done"),
        "takes memory together": (_python(TOGETHER, mark), {"memory": 130_000_000}, "memory"),
        "writes without end": (["yes", mark], {"output": 1000}, "output"),
        "writes a large file": (_python("open('large', 'w').truncate(10**11)", mark), {}, "done"),
        "crashes": (_python("import os; os.abort()", mark), {}, "done"),
    }
    if level >= Level.NAMESPACES:  # and only where its number says that it is among few
        cases["kills everybody"] = (["/bin/sh", "-c", f"[ $$ -lt 50 ] && kill -9 -1; : {mark}"], {}, "done")
        fill = "head -c 99m /dev/zero >/dev/shm/a; head -c 99m /dev/zero >/dev/shm/b"
        cases["fills shared memory"] = (["/bin/sh", "-c", f"{fill}; : {mark}"], {}, "done")

    async def all_at_once() -> dict[str, tuple[Finished, float]]:
        slots, found = asyncio.Semaphore(4), {}

        async def one(name: str, argv: list[str], limits: dict[str, float]) -> None:
            folder = tmp_path / name
            folder.mkdir()
            async with slots:
                began = time.monotonic()
                finished = await _box(folder, level, **limits).run(argv)
                found[name] = finished, time.monotonic() - began

        await asyncio.gather(*(one(name, argv, limits) for name, (argv, limits, _) in cases.items()))
        return found

    found = asyncio.run(all_at_once())
    assert {name: finished.ended for name, (finished, _) in found.items()} == {
        name: ended for name, (_, _, ended) in cases.items()
    }, found
    assert gone(mark) == []
    late = {name: took for name, (finished, took) in found.items() if finished.ended == "timeout"}
    assert max(late.values()) < SECONDS + 1 + 2, late  # a second, and two for a busy machine
    endless = found["writes without end"][0]
    assert len(endless.stdout) == 1000
    assert endless.left_out > 1000
    assert b"MemoryError" in found["takes memory"][0].stderr
    assert b"File too large" in found["writes a large file"][0].stderr
    assert found["crashes"][0].returncode == -signal.SIGABRT
    if level >= Level.NAMESPACES:
        assert b"No space left" in found["fills shared memory"][0].stderr


def test_a_program_works_in_its_folder(level: Level, tmp_path: Path):
    code = "import sys; print(sys.stdin.read().upper()); open('made', 'w').write('1'); sys.exit(3)"
    finished = asyncio.run(_box(tmp_path, level).run(_python(code), stdin=b"hello"))
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, b"HELLO\n", b"")
    assert finished.ended == "done"
    assert finished.level is level
    assert (tmp_path / "made").read_text() == "1"


def test_python_finds_its_packages_and_its_temporary_folder(level: Level, tmp_path: Path):
    code = """
import os, pathlib, tempfile, pytest, subprocess
with tempfile.NamedTemporaryFile("w") as file:
    file.write("1")
(pathlib.Path.home() / ".rc").write_text("1")
assert sorted(os.environ.keys() - {"PWD"}) == ["HOME", "LANG", "PATH", "TMPDIR"], os.environ
print(subprocess.run(["sh", "-c", "echo $((2 + 3))"], capture_output=True, text=True, check=True).stdout)
"""
    finished = asyncio.run(_box(tmp_path, level).run(_python(code)))
    assert finished.returncode == 0, finished.stderr.decode()
    assert finished.stdout.split() == [b"5"]
    assert list(tmp_path.iterdir()) == []


def test_a_program_cannot_look_into_what_watches_it(level: Level, tmp_path: Path):
    code = """
import os
for name in ("mem", "environ", "fd/0", "root/etc"):
    try:
        os.open(f"/proc/{os.getppid()}/{name}", os.O_RDONLY)
        print(name)
    except OSError:
        pass
"""
    finished = asyncio.run(_box(tmp_path, level).run(_python(code)))
    assert finished.returncode == 0
    if level >= Level.LANDLOCK:
        assert finished.stdout == b""


def test_what_is_readable_is_read_and_not_written(level: Level, tmp_path: Path):
    data, work = tmp_path / "data", tmp_path / "work"
    data.mkdir()
    work.mkdir()
    (data / "table").write_text("rows")
    box = Sandbox(work, level=level, least=level, readable=[data])
    finished = asyncio.run(box.run(["/bin/sh", "-c", f"cat {data}/table; echo more >> {data}/table"]))
    assert finished.stdout == b"rows"
    assert (data / "table").read_text() == ("rows" if level else "rowsmore\n")


def test_a_program_that_is_not_there_is_told(level: Level, tmp_path: Path):
    finished = asyncio.run(_box(tmp_path, level).run(["no-such-program"]))
    assert finished.returncode == 127
    assert b"no-such-program" in finished.stderr


def test_cancelling_ends_the_program_first(level: Level, tmp_path: Path, gone: Gone):
    mark = f"nb{secrets.token_hex(6)}"

    async def cancelled() -> float:
        work = asyncio.ensure_future(_box(tmp_path, level).run(_python(f"open('on', 'w'){IGNORES}", mark)))
        await _until((tmp_path / "on").exists)
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        return time.monotonic() - began

    assert asyncio.run(cancelled()) < 5
    assert gone(mark) == []


def test_a_long_program_is_interrupted_and_killed(level: Level, tmp_path: Path, gone: Gone):
    mark = f"nb{secrets.token_hex(6)}"
    code = """
import socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("s")
server.listen()
while True:
    try:
        print("waits", flush=True)
        client, _ = server.accept()
        client.sendall(b"hello")
        time.sleep(300)
    except KeyboardInterrupt:
        client.sendall(b"interrupted")
"""

    async def live() -> tuple[bytes, Finished]:
        running = await _box(tmp_path, level, seconds=0.1).start(_python(code, mark))
        await _until(lambda: running.output[0] == b"waits\n")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        said = await reader.readexactly(5)
        running.interrupt()
        said += await reader.readexactly(11)
        writer.close()
        assert not running.done()
        await running.kill()
        assert running.done()
        return said, await running.wait()

    said, finished = asyncio.run(live())
    assert said == b"hellointerrupted"
    assert finished.ended == "killed"
    assert finished.returncode == -signal.SIGKILL
    assert gone(mark) == []


@pytest.mark.posix
def test_nothing_outlives_the_process_that_started_it(tmp_path: Path, gone: Gone):
    mark = f"nb{secrets.token_hex(6)}"
    code = f"""
import asyncio, sys
from nbagents.sandbox import Level, Sandbox, best_level
async def main():
    for level in Level:
        if level <= best_level():
            box = Sandbox({str(tmp_path)!r}, level=level, least=level)
            await box.start(["/bin/sh", "-c", "setsid sh -c 'sleep 300; : {mark}' & sleep 300"])
    print("started", flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"""
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"started\n"
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert gone(mark) == []


@pytest.mark.posix
def test_it_works_on_the_background_loop_and_on_threads(tmp_path: Path):
    box = Sandbox(tmp_path, least=Level.LIMITS)
    assert background().run(box.run(["echo", "1"])).stdout == b"1\n"

    async def many() -> list[Finished]:
        return await asyncio.gather(
            *(asyncio.to_thread(asyncio.run, box.run(["echo", "2"])) for _ in range(3))
        )

    assert [finished.stdout for finished in asyncio.run(many())] == [b"2\n"] * 3


@pytest.mark.posix
def test_folders_that_no_program_may_write_in_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "home/work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("/", sys.prefix, "/usr/lib", tmp_path, tmp_path / "home"):
        with pytest.raises(UsageError, match="cannot be"):
            Sandbox(folder)
    with pytest.raises(UsageError, match="exists"):
        Sandbox(tmp_path / "missing")
    with pytest.raises(UsageError, match="not there"):
        Sandbox(tmp_path / "home/work", readable=[tmp_path / "missing"])


def test_limits_are_above_zero():
    for name in ("seconds", "memory", "processes", "file", "output", "files"):
        with pytest.raises(UsageError, match=name):
            Limits(**{name: 0})


@pytest.mark.posix
def test_a_level_below_the_least_is_refused(tmp_path: Path):
    with pytest.raises(SandboxError, match="the least"):
        asyncio.run(Sandbox(tmp_path, level=Level.LIMITS).run(["echo"]))
    assert os.listdir(tmp_path) == []


IN_PROJECT = """
import asyncio, sys
from nbagents.exceptions import UsageError
from nbagents.sandbox import Level, Sandbox
level = Level(int(sys.argv[2]))
box = Sandbox(sys.argv[1], level=level, least=level)
try:
    print(asyncio.run(box.run(["/bin/sh", "-c", sys.argv[3]])).stdout.decode())
except UsageError as error:
    print(error, error.hint)
"""
CHANGES = """
echo made > made; cat notes
echo evil > .venv/bin/python && echo changed
echo evil > .venv/new && echo changed
mv .venv old && echo changed
rm -rf .venv; ln -s /tmp .venv/there && echo changed
.venv/bin/python -c 'print("runs")'
"""


def test_a_project_with_its_python_in_it_may_be_the_folder_and_the_python_stays(level: Level, tmp_path: Path):
    project = tmp_path / "project"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(project / ".venv")], check=True)
    (project / "notes").write_text("notes\n")
    before = sorted((path, path.lstat().st_mtime_ns) for path in (project / ".venv").rglob("*"))
    run = subprocess.run(
        [str(project / ".venv" / "bin" / "python"), "-c", IN_PROJECT, str(project), str(int(level)), CHANGES],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stderr == ""
    if level < Level.NAMESPACES:
        assert run.stdout.startswith(
            f"this Python is in {project}, and a program could change it at the level"
        )
        assert "readable=['data']" in run.stdout
    else:
        assert run.stdout.split() == ["notes", "runs"]
        assert (project / "made").exists()
    assert sorted((path, path.lstat().st_mtime_ns) for path in (project / ".venv").rglob("*")) == before
