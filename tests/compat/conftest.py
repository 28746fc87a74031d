"""Makes what stands beside the tests importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

# Programs as their users would have them; test_programs.py runs them under our names.
collect_ignore = ["programs"]
