"""One index in a file, used by several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nbagents.tools import KnowledgeIndex

READER = """
import sys
from nbagents.tools import KnowledgeIndex
index, seen = KnowledgeIndex(sys.argv[1], lambda texts: [[len(t), 1.0] for t in texts]), 0
print("ready", flush=True)
while seen < 40:
    now = len(index.search("umbrella", top_k=100))
    assert now >= seen, (now, seen)
    seen = now
print("all", flush=True)
"""


def test_other_processes_search_while_one_writes(tmp_path: Path) -> None:
    def lengths(texts: list[str]) -> list[list[float]]:
        return [[len(text), 1.0] for text in texts]

    lengths.__qualname__ = "<lambda>"
    path = tmp_path / "index"
    with KnowledgeIndex(path, lengths) as index:
        readers = [
            subprocess.Popen([sys.executable, "-c", READER, str(path)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for number in range(40):
            index.add({f"{number}": f"umbrella {number}"})
        for reader in readers:
            out, _ = reader.communicate(timeout=40)
            assert (out, reader.returncode) == ("all\n", 0)
