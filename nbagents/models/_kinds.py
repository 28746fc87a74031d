"""The types of models that a configuration can name, in one fixed table; nothing outside is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..config import model_configs, wrap_secrets
from ..exceptions import UsageError
from ._base import ModelWrapperBase
from ._choice import choose_model, is_well_known, named_model
from ._names import CHAT_TYPES
from ._openai import OpenAIChatWrapper

__all__ = ["KINDS", "config_of", "made"]

KINDS: dict[str, type[OpenAIChatWrapper]] = dict.fromkeys(CHAT_TYPES, OpenAIChatWrapper)


def config_of(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of that name, of no name the one that is chosen; its keys are `Secret`.

    Raises:
        ModelChoiceError: there is none.
    """
    if not isinstance(given, str):
        config: dict[str, Any] = wrap_secrets(given)
        return config
    if not given:
        return choose_model().config
    found = model_configs.find(given)
    if found is None and is_well_known(given):
        found = named_model(given, os.environ)
    return model_configs.get(given) if found is None else found


def made(config: Mapping[str, Any]) -> ModelWrapperBase:
    """Make the model of a configuration.

    Raises:
        UsageError: its ``model_type`` is unknown, or it has fields that the type does not know.
    """
    given = dict(config)
    name = given.get("config_name")
    if not isinstance(name, str) or not name:
        raise UsageError("The `config_name` field is required for Cfg, and must be a text")
    kind = given.pop("model_type", None)
    wrapper = KINDS.get(str(kind))
    if wrapper is None:
        known = ", ".join(sorted(KINDS))
        raise UsageError(f"the model configuration {name!r} has the model_type {kind!r}; known: {known}")
    if "model" in given:
        given.setdefault("model_name", given.pop("model"))
    fields = set(wrapper.__init__.__annotations__) - {"return"}
    if odd := ", ".join(sorted(given.keys() - fields)):
        raise UsageError(
            f"the model configuration {name!r} has unknown fields: {odd}. Known: {', '.join(sorted(fields))}"
        )
    return wrapper(**given)
