"""Takes keys out of what is written down, and puts them back when somebody brings them again."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import models
from ..config import Secret, redact, wrap_secrets
from ..exceptions import NbAgentsError

if TYPE_CHECKING:
    from ._hosted import Hosted

__all__ = ["TAKEN", "give_keys", "has_gaps", "with_keys", "without_keys"]

log = logging.getLogger(__name__)

TAKEN = {"__key__": "taken out"}
"""Stands where a key was."""
_NAMES_A_KEY = re.compile(r"(?i)(key|token|secret|password|passwd|auth|credentials?)$")


def without_keys(value: Any) -> Any:
    """Return a copy in which a mark stands for whatever may be a key: fields by their name, all headers.

    In a model's configuration also whatever is named like a key, and every text that looks like one or is
    an address with a query.

    >>> without_keys({"config_name": "mine", "api_key": "sk-0123456789ab", "stream": True})
    {'config_name': 'mine', 'api_key': {'__key__': 'taken out'}, 'stream': True}
    """
    return _marked(wrap_secrets(value), inside=False)


def _marked(value: Any, *, inside: bool) -> Any:
    if isinstance(value, Secret):
        return dict(TAKEN) if value else ""
    if isinstance(value, Mapping):
        inside = inside or "config_name" in value
        return {
            key: dict(TAKEN)
            if inside and item and not isinstance(item, bool) and _names_a_key(str(key))
            else _marked(item, inside=inside)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_marked(item, inside=inside) for item in value]
    return dict(TAKEN) if inside and isinstance(value, str) and _may_tell_a_key(value) else value


def _names_a_key(name: str) -> bool:
    return name != "messages_key" and bool(_NAMES_A_KEY.search(name))  # that one is a place in a request


def _may_tell_a_key(text: str) -> bool:
    return redact(text) != text or ("://" in text and "?" in text)


def has_gaps(value: Any) -> bool:
    """Was a key taken out of it?"""
    if isinstance(value, Mapping):
        return value == TAKEN or any(map(has_gaps, value.values()))
    return isinstance(value, list) and any(map(has_gaps, value))


def with_keys(kept: Any, given: Any) -> Any:
    """Return what was kept, with the keys of ``given`` in their places; None if these do not belong there.

    They belong to the same address only: a key must not be led to another one.

    >>> kept = without_keys({"config_name": "mine", "base_url": "http://a/v1", "api_key": "sk-0123456789ab"})
    >>> with_keys(kept, {"config_name": "mine", "base_url": "http://b/v1", "api_key": "sk-0123456789ab"})
    """
    try:
        return _filled(kept, given)
    except LookupError:
        return None


def _filled(kept: Any, given: Any) -> Any:
    if kept == TAKEN:
        if given is None or given == TAKEN:
            raise LookupError
        return given
    if isinstance(kept, Mapping):
        for name in ("base_url", "api_url"):
            if not isinstance(given, Mapping) or kept.get(name) not in (TAKEN, given.get(name)):
                raise LookupError  # an address that was taken out comes from whoever brings the key
        return {key: _filled(item, given.get(key)) if has_gaps(item) else item for key, item in kept.items()}
    if isinstance(kept, list):
        if not isinstance(given, list) or len(kept) != len(given):
            raise LookupError
        return [_filled(*pair) if has_gaps(pair[0]) else pair[0] for pair in zip(kept, given, strict=True)]
    return kept


def give_keys(hosted: Hosted, given: Any) -> bool:
    """Give an agent the keys of the model configurations in ``given`` that it lacks; did it get one?

    Only where the rest of a configuration is the one that is kept. The agent keeps what it remembers.
    """
    if not hosted.without_key:
        return False
    configs = {config["config_name"]: config for config in _configs_in(given)}
    left = []
    for model in hosted.without_key:
        config = _complete(model.kept, configs.get(model.config_name))
        try:
            model.real = None if config is None else models.load_model(config)
        except NbAgentsError as error:
            log.warning("the model %s of %s cannot be made again: %s", model.label, hosted.name, error)
        if model.real is None:
            left.append(model)
            continue
        hosted.settings = _replaced(hosted.settings, model.kept, config)
        hosted.agent._init_settings = hosted.settings
        if hosted.agent.__dict__.get("model") is model:
            hosted.agent.model = model.real
    found, hosted.without_key = len(left) < len(hosted.without_key), left
    return found


def _complete(kept: Mapping[str, Any], given: Any) -> Any:
    if given is None or set(kept) == {"config_name"}:  # it was only named
        return given
    return with_keys(kept, given)


def _configs_in(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("config_name"), str):
            yield value
        else:
            for item in value.values():
                yield from _configs_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _configs_in(item)


def _replaced(value: Any, kept: Mapping[str, Any], config: Any) -> Any:
    if isinstance(value, dict):
        return (
            config if value == kept else {key: _replaced(item, kept, config) for key, item in value.items()}
        )
    return [_replaced(item, kept, config) for item in value] if isinstance(value, list) else value
