"""`VectorIndex`: found again by direction, kept in a file, shared by processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nbagents.exceptions import StateCorruptError, StorageError, UsageError
from nbagents.vectors import VectorIndex

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from nbagents.vectors import VectorIndex
who, count = sys.argv[2], int(sys.argv[3])
with VectorIndex(sys.argv[1]) as index:
    print("open", flush=True)
    sys.stdin.readline()
    for n in range(count):
        index.add_many([(f"{who}.{n}.{part}", [n + 1, part, 1], {"who": who}) for part in range(3)])
        if n % 5 == 4:
            index.delete(f"{who}.{n}.0")
        if n % 7 == 0:
            index.search([1, 1, 1])
        print(n, flush=True)
"""


@pytest.fixture(params=["numpy", "without numpy"])
def _maths(request, monkeypatch):
    if request.param == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setitem(sys.modules, "numpy", None)


def names(index: VectorIndex, vector, top_k: int = 5) -> list[str]:
    return [hit.name for hit in index.search(vector, top_k)]


@pytest.mark.usefixtures("_maths")
def test_what_points_the_same_way_is_found():
    with VectorIndex() as index:
        assert index.search([1, 2]) == []
        for name, vector in {"x": [2, 0, 0], "y": [0, 0.5, 0], "xy": [3, 3, 0], "zero": [0, 0, 0]}.items():
            index.add(name, vector, {"said": name})
        assert names(index, [1, 0.1, 0]) == ["x", "xy", "y", "zero"]
        hit = index.search([5, 0, 0], top_k=1)[0]
        assert (hit.name, hit.score, hit.data) == ("x", 1.0, {"said": "x"})
        assert index.search([0, 0, 1], top_k=0) == []
        index.add("x", [0, 0, 1], {"said": "moved"})
        assert len(index) == 4
        assert index.search([0, 0, 1], top_k=1)[0].data == {"said": "moved"}


@pytest.mark.usefixtures("_maths")
def test_it_agrees_with_the_plain_definition_whatever_is_done_to_it():
    source = random.Random(7)
    known: dict[str, list[float]] = {}
    with VectorIndex() as index:
        for _ in range(300):
            name = f"n{source.randrange(60)}"
            if source.random() < 0.3:
                assert index.delete(name) == (known.pop(name, None) is not None)
            else:
                known[name] = [source.uniform(-1, 1) for _ in range(6)]
                index.add(name, known[name])
            if source.random() < 0.1:
                asked = [source.uniform(-1, 1) for _ in range(6)]

                def cosine(name: str, asked=asked) -> float:
                    one = known[name]
                    dot = sum(a * b for a, b in zip(one, asked, strict=True))
                    return dot / (sum(a * a for a in one) * sum(b * b for b in asked)) ** 0.5

                assert names(index, asked) == sorted(known, key=cosine, reverse=True)[:5]
        assert len(index) == len(known)


def test_it_is_kept_in_a_file_for_its_user_alone(tmp_path):
    path = tmp_path / "vectors.db"
    with VectorIndex(path) as index:
        index.add("a", [1, 0], {"text": "rain"})
    index.close()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    with VectorIndex(path) as index:
        assert index.search([1, 0])[0].data == {"text": "rain"}
        index.clear()
        index.add("b", [1, 2, 3])
        assert names(index, [1, 2, 3]) == ["b"]
    assert [each.name for each in tmp_path.iterdir()] == ["vectors.db"]


def test_wrong_vectors_change_nothing():
    with VectorIndex() as index:
        index.add("a", [1, 0])
        for wrong in ([], ["x"], [float("inf"), 0], None, 5):
            with pytest.raises(UsageError, match="no list of finite numbers"):
                index.add("b", wrong)
        with pytest.raises(UsageError, match="have 2 dimensions, and 'c' has 3"):
            index.add_many([("b", [1, 1], None), ("c", [1, 1, 1], None)])
        with pytest.raises(UsageError, match="looked for has 3 dimensions"):
            index.search([1, 1, 1])
        with pytest.raises(UsageError, match="nothing that JSON can hold"):
            index.add("b", [1, 1], {"x": object()})
        assert len(index) == 1


def test_what_is_no_such_file_is_left_alone(tmp_path):
    damaged, other = tmp_path / "damaged.db", tmp_path / "other.db"
    damaged.write_bytes(b"not a database at all, but long enough to be taken for one" * 40)
    damaged.chmod(0o600)
    with pytest.raises(StateCorruptError, match=r"damaged\.db are damaged"):
        VectorIndex(damaged)
    import sqlite3

    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    other.chmod(0o600)
    with pytest.raises(StateCorruptError, match="is not a file of vectors"):
        VectorIndex(other)
    with pytest.raises(StorageError, match="cannot be read or written"):
        VectorIndex(tmp_path / "missing" / "x.db")


@pytest.mark.posix
def test_a_file_that_others_can_write_is_refused(tmp_path):
    path = tmp_path / "vectors.db"
    VectorIndex(path).close()
    path.chmod(0o644)  # as in a shared project
    VectorIndex(path).close()
    path.chmod(0o666)
    with pytest.raises(StorageError, match="only you can write"):
        VectorIndex(path)
    path.chmod(0o600)
    (tmp_path / "link.db").symlink_to(path)
    with pytest.raises(StorageError, match="only you can write"):
        VectorIndex(tmp_path / "link.db")


def test_threads_share_one():
    with VectorIndex() as index:
        threads = [
            threading.Thread(
                target=lambda who=who: [
                    index.add(f"{who}.{n}", [n, who]) or index.search([1, 1]) for n in range(30)
                ]
            )
            for who in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(index) == 120


@pytest.mark.long
def test_processes_share_a_file_and_one_that_is_killed_breaks_nothing(tmp_path):
    path = tmp_path / "vectors.db"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), who, count],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for who, count in (("a", "80"), ("b", "80"), ("killed", "100000"))
    ]
    for process in started:
        assert process.stdout.readline() == "open\n"
    with VectorIndex(path) as index:
        for process in started:
            process.stdin.write("go\n")
            process.stdin.flush()
        *_, victim = started
        for _ in range(10):
            victim.stdout.readline()
        victim.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        for process in started:
            process.communicate(timeout=50)
        found = [hit.name for hit in index.search([1, 1, 1], top_k=10_000)]
        kept = sum(name.startswith("killed.") for name in found)
        assert len(found) - kept == 2 * (80 * 3 - 16)
        assert kept >= 28
        assert len(index) == len(found) == len(set(found))
    with VectorIndex(path) as again:
        assert sorted(hit.name for hit in again.search([1, 1, 1], top_k=10_000)) == sorted(found)
