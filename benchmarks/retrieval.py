"""What a search in one's own files costs: ``python benchmarks/retrieval.py``.

20,000 passages in one file, searched by words, by meaning and by both; the embeddings are random numbers,
so that the figures are those of the index alone. Needs numpy, from the extra ``vectors``, for its figures.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nbagents.tools import KnowledgeIndex

WORDS, DIMENSIONS = 30_000, 384


def vectors(texts: list[str]) -> list[list[float]]:
    """Return a vector for each text, the same for the same text."""
    made = []
    for text in texts:
        source = random.Random(text)
        made.append([source.uniform(-1, 1) for _ in range(DIMENSIONS)])
    return made


def vocabulary(source: random.Random) -> list[str]:
    """Return made-up words."""
    letters = "abcdefghijklmnoprstuvw"
    return ["".join(source.choices(letters, k=source.randint(3, 10))) for _ in range(WORDS)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=20_000, help="passages")
    count = options.parse_args().count
    source = random.Random(1)
    words = vocabulary(source)
    # As in a language: the n-th word an n-th as often as the first.
    weights = [1 / (place + 2) for place in range(WORDS)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "texts"
        folder.mkdir()
        for number in range(count // 20):  # files of twenty passages
            parts = (" ".join(source.choices(words, weights, k=120)) for _ in range(20))
            text = "\n\n".join(f"# {words[source.randrange(WORDS)]}\n{part}" for part in parts)
            (folder / f"{number}.md").write_text(text)
        path = Path(place) / "index"
        with KnowledgeIndex(path) as index:
            start = time.perf_counter()
            report = index.update(folder)
            took = time.perf_counter() - start
            print(f"{report.passages:,} passages of {report.files:,} files read in {took:.1f} s, words only")
            start = time.perf_counter()
            index.update(folder)
            print(f"and looked at again, nothing changed, in {time.perf_counter() - start:.2f} s")
        with KnowledgeIndex(path, vectors) as index:
            start = time.perf_counter()
            index.update(folder)
            print(f"their vectors, {DIMENSIONS} numbers each, made in {time.perf_counter() - start:.1f} s")
        with KnowledgeIndex(path, vectors) as index:
            start = time.perf_counter()
            index.search("first")
            print(f"the first search of a process: {time.perf_counter() - start:.2f} s")
            for mode in ("words", "meaning", "hybrid"):
                times, busy = [], time.process_time()
                for _ in range(50):
                    query = " ".join(source.choices(words, weights, k=6))
                    start = time.perf_counter()
                    index.search(query, mode=mode)
                    times.append(1000 * (time.perf_counter() - start))
                busy = 1000 * (time.process_time() - busy) / len(times)
                times.sort()
                print(
                    f"  by {mode:8} {statistics.median(times):5.1f} ms, 9 of 10 within {times[44]:5.1f} ms,"
                    f" {busy:.1f} ms of the processor"
                )


if __name__ == "__main__":
    main()
