"""`ModelConfigs`: model configurations by name. They are dictionaries here; nothing is made of them."""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..exceptions import ModelChoiceError, UsageError
from ._secret import wrap_secrets

__all__ = ["ModelConfigs", "model_configs", "read_json"]


class ModelConfigs:
    """Model configurations by their ``config_name``. Safe from any thread.

    >>> known = ModelConfigs()
    >>> known.load({"config_name": "mine", "model_type": "openai_chat", "api_key": "sk-0123456789ab"})
    ['mine']
    >>> known.get("mine")["api_key"]
    Secret('***')
    """

    def __init__(self) -> None:
        self._configs: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def load(
        self,
        configs: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str],
        *,
        clear_existing: bool = False,
    ) -> list[str]:
        """Take in one configuration, several, or a JSON file of either; return their names.

        Each needs a ``config_name``; one without ``model_type`` is taken for ``post_api``, with a
        warning. A name that is known already is replaced, with a warning if anything changed, so
        that a cell which was edited and run again means what it says. All are taken or none.

        Raises:
            UsageError: no such file, not JSON, not a configuration, or without a name.
        """
        found = read_json(configs) if isinstance(configs, str | os.PathLike) else configs
        items = (
            [found] if isinstance(found, Mapping) else list(found) if isinstance(found, Iterable) else [found]
        )
        fresh: dict[str, dict[str, Any]] = {}
        for item in items:
            config = _checked(item)
            fresh[config["config_name"]] = config
        with self._lock:
            if clear_existing:
                self._configs = {}
            changed = [name for name, config in fresh.items() if self._configs.get(name, config) != config]
            self._configs = self._configs | fresh
        for name in changed:
            warnings.warn(
                f"the model configuration {name!r} is replaced; agents made before keep the old one",
                UserWarning,
                stacklevel=2,
            )
        return list(fresh)

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a copy of the configuration of that name, or None."""
        config = self._configs.get(name)
        return None if config is None else wrap_secrets(config)

    def get(self, name: str) -> dict[str, Any]:
        """Return a copy of the configuration of that name.

        Raises:
            ModelChoiceError: nothing is loaded, or nothing of that name.
        """
        if not self._configs:
            raise ModelChoiceError("No model configs loaded, please call `read_model_configs` first.")
        config = self.find(name)
        if config is None:
            import difflib

            close = difflib.get_close_matches(name, self._configs, 1)
            guess = f" Did you mean {close[0]!r}?" if close else ""
            raise ModelChoiceError(
                f"Cannot find [{name}] in loaded configurations.{guess} Loaded: {', '.join(self._configs)}"
            )
        return config

    def names(self) -> list[str]:
        """Return the known names, in the order they came."""
        return list(self._configs)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._configs = {}


model_configs = ModelConfigs()
"""The configurations of this process."""


def read_json(path: str | os.PathLike[str], what: str = "model configurations") -> Any:
    """Return what a JSON file holds; ``what`` names that in errors.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        return json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror or error}"
    except json.JSONDecodeError as error:
        problem = f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        problem = f"{path} is not UTF-8 text"
    raise UsageError(f"{what}: {problem}")  # not in the clause: a JSON error keeps the text


def _checked(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise UsageError(f"a model configuration is a dictionary, not {type(item).__name__}")
    config: dict[str, Any] = wrap_secrets(item)
    name = config.get("config_name")
    if not isinstance(name, str) or not name:
        raise UsageError("The `config_name` field is required for Cfg, and must be a text")
    if config.get("model_type") is None:
        warnings.warn(
            f"the model configuration {name!r} names no model_type; taken for 'post_api'",
            UserWarning,
            stacklevel=4,
        )
        config["model_type"] = "post_api"
    return config
