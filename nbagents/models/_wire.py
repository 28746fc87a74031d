"""Write a model's configuration down for another process, and read it there.

Keys leave their `Secret`s by this place; the result belongs on a private socket, or into a request, only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ..config import Secret, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError
from ._address import Environment
from ._endpoint import resolve
from ._names import OPENAI_TYPES

__all__ = ["model_config_from_wire", "model_config_to_wire", "revealed"]


def model_config_to_wire(
    config: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Return the configuration as plain JSON data, with the key in it, for a private socket only.

    What this process's environment would add, it says itself: the other one has another.

    Raises:
        UsageError: it holds something that cannot travel, such as a client object.
    """
    config, environ = wrap_secrets(config), Environment(environ)
    plain = resolve(config, environ) if str(config.get("model_type")) in OPENAI_TYPES else config
    odd = [key for key, value in plain.items() if not _can_travel(value)]
    if odd:
        raise UsageError(
            f"the model configuration {config.get('config_name')!r} cannot go to a server:"
            f" {', '.join(odd)} cannot be written as JSON"
        )
    return {key: revealed(value) for key, value in plain.items()}


def model_config_from_wire(data: Mapping[str, Any]) -> dict[str, Any]:
    """Take back what `model_config_to_wire` gave; its keys are `Secret` again.

    Raises:
        ModelChoiceError: it is no configuration.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("config_name"), str):
        raise ModelChoiceError("a model configuration is a JSON object with a config_name")
    config: dict[str, Any] = wrap_secrets(data)
    return config


def revealed(value: Any) -> Any:
    """Return a copy with the texts of its `Secret`s; keep it in no variable that a traceback may show."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {str(key): revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list | tuple) else value


def _can_travel(value: Any) -> bool:
    try:
        json.dumps(value, default=_shown)
    except (TypeError, ValueError):
        return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, Secret):
        return "***"
    raise TypeError
