"""`load_model`: make a model. What that takes is imported when the first one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._base import ModelWrapperBase

__all__ = ["load_model"]


def load_model(config: str | Mapping[str, Any] | ModelWrapperBase) -> ModelWrapperBase:
    """Make a model. Asks nobody anything before its first call.

    ``config`` is a configuration, the name of a loaded one, ``demo`` or ``ollama/NAME``, a model
    (returned as it is), or an empty text: then it is chosen as `choose_model` says.

    Raises:
        ModelChoiceError: no configuration of that name is loaded, or it lacks a key.
        UsageError: its ``model_type`` is unknown, or it has fields that the type does not know.
    """
    if isinstance(config, ModelWrapperBase):
        return config
    from . import _kinds  # here, since agents without a model need none of it

    config = _kinds.config_of(config)  # the raw key stays in no variable: a traceback may show them all
    return _kinds.made(config)
