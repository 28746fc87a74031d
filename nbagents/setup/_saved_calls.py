"""`SavedCalls`: each request to a model in a JSON file of its own, keys masked."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..config import redact
from ..models import Invocation, invocations

__all__ = ["SavedCalls"]


class SavedCalls:
    """Writes ``model_LABEL_TIME_NUMBER.json`` into a folder for each request of this process, from now on.

    Each holds ``model``, ``timestamp``, ``seconds``, ``arguments``, ``response`` and ``error``.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder, self._numbers = folder, itertools.count(1)
        self._writer = ThreadPoolExecutor(1, "nbagents-calls")  # the loop waits for no disk
        self._end = invocations.subscribe(self._hear)

    def close(self) -> None:
        """Write what has ended by now, and no more. Twice is fine."""
        self._end()
        self._writer.shutdown()

    def _hear(self, call: Invocation) -> None:
        self._writer.submit(self._write, call, next(self._numbers), time.localtime())

    def _write(self, call: Invocation, number: int, when: time.struct_time) -> None:
        about = {
            "model": call.model,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", when),
            "seconds": round(call.seconds, 3),
            "arguments": call.arguments,
            "response": call.response,
            "error": call.error,
        }
        label = re.sub(r"[^\w.-]+", "_", call.model)[:60]
        name = f"model_{label}_{time.strftime('%Y%m%d-%H%M%S', when)}_{number}.json"
        text = json.dumps(about, indent=2, ensure_ascii=False, default=str)
        with open(self._folder / name, "w", encoding="utf-8", errors="replace", opener=_for_me) as file:
            file.write(redact(text))


def _for_me(path: str, flags: int) -> int:
    """Open a file that nobody else may read: a conversation is its user's own."""
    return os.open(path, flags, 0o600)
