"""`load_model`: make a model. What that takes is imported when the first one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._base import ModelWrapperBase

__all__ = ["load_embedding_model", "load_model", "load_model_by_config_name"]


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


def load_embedding_model(config: str | Mapping[str, Any] | ModelWrapperBase) -> ModelWrapperBase:
    """Make a model that makes embeddings. Asks nobody anything before its first call.

    ``config`` is as `load_model` takes it; a name that is no loaded configuration's (``demo``,
    ``ollama/NAME``, ``PROVIDER/NAME``, one of OpenAI's) is that of an embedding model there.

    Raises:
        ModelChoiceError: there is none of that name.
        UsageError: it is a model that makes something else.
    """
    if isinstance(config, ModelWrapperBase):
        return config
    from . import _kinds

    config = _kinds.embedding_config_of(config)
    return _kinds.made(config)


load_model_by_config_name = load_model
