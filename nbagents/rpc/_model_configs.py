"""Model configurations that a client sends, or that a server knows from its start."""

from __future__ import annotations

import warnings

from ..config import model_configs, redact
from ..exceptions import ProtocolError
from ._json import read_json

__all__ = ["take_model_configs"]


def take_model_configs(text: str) -> str:
    """Load a JSON object or list of them and warm up what they need; return why not, "" if they are."""
    try:
        given = read_json(text, "value")
        if not isinstance(given, dict | list):  # a text would be the path of a file
            raise ValueError("model configurations are a JSON object or a list of them")
        with warnings.catch_warnings(action="ignore"):  # a client may send the same ones again
            model_configs.load(given)
    except (ValueError, ProtocolError) as error:
        return redact(str(error)) or "they cannot be read"
    from ..models import prewarm, prewarm_demo

    prewarm()
    if any(one.get("endpoint") == "demo" for one in (given if isinstance(given, list) else [given])):
        prewarm_demo()
    return ""
