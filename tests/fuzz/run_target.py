"""``python run_target.py TARGET SECONDS CORPUS``: let Atheris try inputs that reach new code."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    import atheris  # here, so that this file can be read without it

    name, seconds, corpus = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent))
    with atheris.instrument_imports(include=["nbagents"]):
        import targets
    limits = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", *limits, corpus], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
