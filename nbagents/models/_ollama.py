"""Find out whether an Ollama listens on this machine, in a third of a second, without a proxy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..config import OLLAMA_PROBE_TIMEOUT
from ..exceptions import ModelChoiceError
from ._address import origin, setting

__all__ = ["ollama_models", "ollama_origin"]

_MOST = 1 << 20  # bytes of an answer that are read


def ollama_origin(environ: Mapping[str, str]) -> str:
    """Return where Ollama answers: ``OLLAMA_HOST`` in any of its spellings, else port 11434 here.

    >>> ollama_origin({"OLLAMA_HOST": "0.0.0.0"}), ollama_origin({"OLLAMA_HOST": "https://box.example"})
    ('http://127.0.0.1:11434', 'https://box.example')
    """
    given = setting(environ, "OLLAMA_HOST") or "127.0.0.1"
    full = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        raise ModelChoiceError("OLLAMA_HOST is not an address, such as 127.0.0.1:11434") from None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # where it listens, not where it is called
    port = port or (None if "://" in given else 11434)
    shown = f"[{host}]" if ":" in host else host
    return origin(f"{parts.scheme}://{shown}" + (f":{port}" if port else ""))


def ollama_models(address: str, timeout: float = OLLAMA_PROBE_TIMEOUT) -> list[str] | None:
    """Return the names of the models that an Ollama at ``address`` has, or None if none answers.

    Blocks for at most about ``timeout`` seconds. Never goes through a proxy.
    """
    import http.client  # here, since it takes 10 ms and is seldom needed

    parts, limit = urlsplit(address), time.monotonic() + timeout
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    body = b""
    try:
        connection.request("GET", "/api/tags")
        response = connection.getresponse()
        while response.status == 200 and len(body) < _MOST and (piece := response.read1(65536)):
            body += piece
            if time.monotonic() > limit:
                return None
        found: Any = json.loads(body)
        return [str(model["name"]) for model in found["models"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()
