"""Model configurations of this process: loaded, and brought to the servers that run already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..config import model_configs
from ..rpc import configure_servers

__all__ = ["load_configs", "loaded_configs"]


def load_configs(
    given: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str],
) -> list[str]:
    """Load configurations here, and into every running server of this process; return their names.

    Raises:
        UsageError: there is no such file, what it holds is no configuration, or one cannot travel.
    """
    names = model_configs.load(given)
    configure_servers([model_configs.get(name) for name in names])
    return names


def loaded_configs() -> list[dict[str, Any]]:
    """Return those that are loaded."""
    return [model_configs.get(name) for name in model_configs.names()]
