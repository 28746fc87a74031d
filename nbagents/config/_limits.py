"""How long things may take where nobody says otherwise."""

from __future__ import annotations

__all__ = [
    "HEADLESS_TIMEOUT",
    "MODEL_CONNECT_TIMEOUT",
    "MODEL_RETRIES",
    "MODEL_TIMEOUT",
    "OLLAMA_PROBE_TIMEOUT",
]

MODEL_TIMEOUT = 60.0
"""Seconds that a model's endpoint may stay silent before a request is given up."""
MODEL_CONNECT_TIMEOUT = 5.0
"""Seconds to reach a model's endpoint at all."""
MODEL_RETRIES = 2
"""How often a refused or failed request is sent again before it fails."""
OLLAMA_PROBE_TIMEOUT = 0.3
"""Seconds spent on looking for an Ollama on this machine."""
HEADLESS_TIMEOUT = 120.0
"""Seconds that a run may take where nobody watches."""
