"""`agent` and `init`: what a notebook or a script starts with, in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..agents import AgentBase
from ..config import model_configs as known_configs
from ._session import session

__all__ = ["agent", "init"]


def agent(
    name: str,
    sys_prompt: str | None = None,
    *,
    model: str | None = None,
    kind: str = "chat",
    temperature: float | None = None,
    seed: int | None = None,
    fresh: bool = False,
) -> AgentBase:
    """Return the agent of that name in this workspace; with a system prompt, make it or bring it up to date.

    ``kind`` is "chat", or "user" for a person, who needs no prompt. ``temperature`` and ``seed`` go to
    the model. Blocking, about half a second if the server must start first.

    Raises:
        AgentNotFoundError: no ``sys_prompt`` was given and there is no such agent.
        AgentServerError, ModelChoiceError: the server or the model cannot be had.
    """
    here = session()
    if sys_prompt is None and kind == "chat":
        return here.find(name)
    given = {"temperature": temperature, "seed": seed}
    generate_args = {key: value for key, value in given.items() if value is not None} or None
    made = here.define(
        name, sys_prompt or "", model=model, kind=kind, fresh=fresh, generate_args=generate_args
    )
    return made.agent


def init(
    model_configs: Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str] | None = None,
) -> None:
    """Load model configurations: a dictionary, a list of them, or the path of a JSON file.

    Agents name them as ``model_config_name``.

    Raises:
        UsageError: there is no such file, or what it holds is no configuration.
    """
    if model_configs is not None:
        known_configs.load(model_configs)
