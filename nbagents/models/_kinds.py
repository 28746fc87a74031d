"""The types of models that a configuration can name, in one fixed table; nothing outside is imported."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Any

from ..config import model_configs, wrap_secrets
from ..exceptions import ModelChoiceError, UsageError
from ._base import ModelWrapperBase
from ._choice import choose_model, is_well_known, named_model
from ._embedding import OpenAIEmbeddingWrapper
from ._images import OpenAIDALLEWrapper
from ._names import CHAT_TYPES, EMBEDDING_TYPES, IMAGE_TYPES
from ._openai import OpenAIChatWrapper
from ._post import PostAPIModelWrapperBase
from ._post_kinds import PostAPIChatWrapper, PostAPIDALLEWrapper, PostAPIEmbeddingWrapper
from ._providers import provider_of
from ._service import OpenAIWrapperBase

__all__ = ["KINDS", "config_of", "embedding_config_of", "made"]

KINDS: dict[str, type[OpenAIWrapperBase | PostAPIModelWrapperBase]] = {
    **dict.fromkeys(CHAT_TYPES, OpenAIChatWrapper),
    **dict.fromkeys(EMBEDDING_TYPES, OpenAIEmbeddingWrapper),
    **dict.fromkeys(IMAGE_TYPES, OpenAIDALLEWrapper),
    **dict.fromkeys(("post_api", "PostAPIModelWrapperBase"), PostAPIModelWrapperBase),
    **dict.fromkeys(("post_api_chat", "PostAPIChatWrapper"), PostAPIChatWrapper),
    **dict.fromkeys(("post_api_dall_e", "post_api_dalle", "PostAPIDALLEWrapper"), PostAPIDALLEWrapper),
    **dict.fromkeys(("post_api_embedding", "PostAPIEmbeddingWrapper"), PostAPIEmbeddingWrapper),
}


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


def embedding_config_of(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a model that makes embeddings; what is only named is asked for these.

    Raises:
        ModelChoiceError: there is none of that name.
        UsageError: it is one of a model that makes something else.
    """
    found = model_configs.find(given) if isinstance(given, str) else None
    # A server was told of the chat model "demo", which says nothing of the embeddings of that name.
    chats = found is not None and is_well_known(str(given)) and found.get("model_type") in CHAT_TYPES
    if isinstance(given, str) and (found is None or chats):
        if not given:
            raise ModelChoiceError("an embedding model has no default: name one", hint='"demo", for one')
        return {**named_model(given, os.environ), "model_type": "openai_embedding"}
    config = config_of(given)
    kind = str(config.get("model_type"))
    if kind in CHAT_TYPES | IMAGE_TYPES:
        raise UsageError(
            f"the model configuration {config.get('config_name')!r} has the model_type {kind!r}, which"
            " makes no embeddings",
            hint='"model_type": "openai_embedding"',
        )
    return config


def made(config: Mapping[str, Any]) -> ModelWrapperBase:
    """Make the model of a configuration.

    Raises:
        UsageError: its ``model_type`` is unknown, or it has fields that the type does not know.
    """
    given = dict(config)
    name = given.get("config_name")
    if not isinstance(name, str) or not name:
        raise UsageError("The `config_name` field is required for Cfg, and must be a text")
    kind = str(given.pop("model_type", None))
    wrapper = KINDS.get(kind)
    if wrapper is None:
        close = difflib.get_close_matches(kind, KINDS, 1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        known = ", ".join(sorted(name for name in KINDS if name.islower()))
        raise UsageError(
            f"the model configuration {name!r} has the model_type {kind!r}.{guess} Known: {known}"
        )
    if "model" in given:
        given.setdefault("model_name", given.pop("model"))
    if issubclass(wrapper, OpenAIWrapperBase) and "provider" not in given:
        provider = provider_of({"model_type": kind}).name
        given |= {"provider": provider} if provider != "openai" else {}
    fields = set(wrapper.__init__.__annotations__) - {"return"}
    if odd := ", ".join(sorted(given.keys() - fields)):
        raise UsageError(
            f"the model configuration {name!r} has unknown fields: {odd}. Known: {', '.join(sorted(fields))}"
        )
    return wrapper(**given)
