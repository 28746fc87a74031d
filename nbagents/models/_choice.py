"""Choose a model from what is said and what is there; the first hit counts and is always shown.

1. what is asked for (``-m``); 2. ``%agents config``, else ``nbagents.toml``; 3. ``NBAGENTS_MODEL``;
4. ``OPENAI_BASE_URL``; 5. ``OPENAI_API_KEY``; 6. an Ollama on this machine, which is offered and
never taken; 7. the offline demo model. A model that is asked for and cannot be had is an error: no
other takes its place. No network but the question whether an Ollama listens.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..config import ProjectConfig, model_configs
from ..exceptions import ModelChoiceError
from ._address import Environment, checked_url, is_loopback, setting
from ._endpoint import Endpoint, resolve
from ._names import AUTO_MODEL, DEFAULT_OPENAI_MODEL, DEMO_MODELS, OPENAI_TYPES
from ._ollama import ollama_models, ollama_origin
from ._providers import PROVIDERS

__all__ = ["ModelChoice", "Step", "choose_model", "is_well_known", "named_model"]

_ASK_KEY = 'import os, getpass; os.environ["OPENAI_API_KEY"] = getpass.getpass()'


class Step(NamedTuple):
    """One step of the choice: ``✓`` taken, ``–`` not first, ``·`` not there, ``✗`` there and wrong."""

    mark: str
    text: str
    line: str
    """What to type to make it the choice; empty where it is."""


@dataclass(frozen=True)
class ModelChoice:
    """The model that is used, and why."""

    config: dict[str, Any]
    """Its configuration, complete; the key in it is a `Secret`."""
    label: str
    """What people are shown."""
    source: str
    """What decided: ``-m``, the project file, ``NBAGENTS_MODEL``, ... or ``default``."""
    notes: list[str] = field(default_factory=list)
    """What else to say in the banner, a line each."""
    steps: list[Step] = field(default_factory=list)
    """All steps, for ``%agents doctor``."""


def choose_model(
    explicit: str | None = None,
    *,
    project: ProjectConfig | None = None,
    environ: Mapping[str, str] = os.environ,
    headless: bool = False,
    probe: bool = False,
) -> ModelChoice:
    """Choose a model.

    ``explicit`` is what stands after ``-m``: ``demo`` or one of its kin, ``ollama/NAME``, a model of
    another provider, as in ``dashscope/qwen-plus``, a loaded configuration's name, or a model of
    OPENAI_BASE_URL or OpenAI. ``headless`` takes the demo model's simulated typing away. An Ollama is
    looked for, at most 0.3 s, if nothing else was found, or if ``probe`` is true. Blocks only for that.

    Raises:
        ModelChoiceError: what is asked for cannot be had; the message names the step.
    """
    project, environ = project or ProjectConfig(), Environment(environ)
    asked = [
        ("-m", explicit, "-m NAME"),
        (project.origin, project.model, "%agents config model=NAME"),
        ("NBAGENTS_MODEL", setting(environ, "NBAGENTS_MODEL"), "export NBAGENTS_MODEL=NAME"),
    ]
    config: dict[str, Any] | None = None
    source, steps, notes = "default", [], _place_notes(environ)
    for name, value, line in asked:
        if not value:
            steps.append(Step("·", f"{name}: names no model", line))
        elif config is not None:
            steps.append(Step("–", f"{name}: {value}, but {source} comes first", line))
        else:
            config, source = _asked(name, value, environ, headless), name
            steps.append(Step("✓", f"{name}: {value}", ""))
    for name, found, line in (
        ("OPENAI_BASE_URL", _at_base_url, "export OPENAI_BASE_URL=http://localhost:8000/v1"),
        ("OPENAI_API_KEY", _at_openai, _ASK_KEY),
    ):
        try:
            there, text, said = found(environ)
        except ModelChoiceError as error:
            if config is None:
                raise
            steps.append(Step("✗", f"{name}: {error}", line))
            continue
        if there is None:
            steps.append(Step("·", f"{name}: {text}", line))
        elif config is not None:
            steps.append(Step("–", f"{name}: {text}, but {source} comes first", line))
        else:
            config, source = there, name
            steps.append(Step("✓", f"{name}: {text}", ""))
            notes += said
    ollama = _ollama(environ, probe=probe, look=config is None)
    steps.append(ollama)
    if config is None:
        config = named_model("demo", environ, headless=headless)
        steps.append(Step("✓", "demo: offline, scripted – not an AI", ""))
        key = "" if setting(environ, "OPENAI_API_KEY") else "no OPENAI_API_KEY, "
        notes.append(f"demo is offline and scripted – not an AI; {key}{ollama.text}")
        if ollama.mark == "–":
            notes.append(f"to use it: {ollama.line}")
    else:
        steps.append(Step("–", f"demo: offline, scripted – not an AI, but {source} comes first", "-m demo"))
    return ModelChoice(config, str(config.get("label") or config.get("model_name")), source, notes, steps)


def is_well_known(name: str) -> bool:
    """Does this name mean the same everywhere: the demo model or its kin, or one of Ollama's?"""
    return name in DEMO_MODELS or name.startswith("ollama/")


def named_model(name: str, environ: Mapping[str, str], *, headless: bool = False) -> dict[str, Any]:
    """Return the complete configuration of the model of that name.

    Raises:
        ModelChoiceError: it cannot be had; the message says what to type.
    """
    if name in DEMO_MODELS:
        served = "demo-fast" if headless and name == "demo" else name
        return {
            "config_name": name,
            "model_type": "openai_chat",
            "model_name": served,
            "endpoint": "demo",
            "label": name,
        }
    loaded = model_configs.find(name)
    if loaded is not None:
        return resolve(loaded, environ) if loaded.get("model_type") in OPENAI_TYPES else loaded
    if name.startswith("ollama/") and len(name) > len("ollama/"):
        address = ollama_origin(environ)
        return _chat(name, name.removeprefix("ollama/"), environ, base_url=f"{address}/v1")
    provider, _, model = name.partition("/")
    if model and provider in PROVIDERS and provider != "openai" and not setting(environ, "OPENAI_BASE_URL"):
        return _chat(name, model, environ, provider=provider)
    if name.startswith(("demo-", "ollama/")) or "://" in name:
        raise ModelChoiceError(
            f"there is no model {name!r}; offline: {', '.join(DEMO_MODELS)}; local: ollama/NAME",
            hint="-m demo",
        )
    if setting(environ, "OPENAI_BASE_URL") or setting(environ, "OPENAI_API_KEY"):
        return _chat(name, name, environ)
    close = difflib.get_close_matches(name, [*model_configs.names(), *DEMO_MODELS], 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise ModelChoiceError(
        f"{name!r} is no loaded configuration, and neither OPENAI_API_KEY nor OPENAI_BASE_URL says where to"
        f" find a model of that name.{guess}",
        hint=f"{_ASK_KEY}   or: -m demo",
    )


def _asked(step: str, name: str, environ: Mapping[str, str], headless: bool) -> dict[str, Any]:
    try:
        return named_model(name, environ, headless=headless)
    except ModelChoiceError as error:
        raise ModelChoiceError(f"{step}: {error}", hint=error.hint) from None


def _chat(label: str, model: str, environ: Mapping[str, str], **more: str) -> dict[str, Any]:
    config = {"config_name": label, "model_type": "openai_chat", "model_name": model, "label": label}
    return resolve(config | more, environ)


Found = tuple[dict[str, Any] | None, str, list[str]]
"""What a step found: a configuration or None, what to say of the step, and notes if it is taken."""


def _at_base_url(environ: Mapping[str, str]) -> Found:
    url = setting(environ, "OPENAI_BASE_URL")
    if url is None:
        return None, "not set", []
    endpoint = Endpoint(checked_url(url, "OPENAI_BASE_URL"))
    model = setting(environ, "OPENAI_MODEL") or (DEFAULT_OPENAI_MODEL if endpoint.is_openai else None)
    config, notes = _chat(model or endpoint.host, model or AUTO_MODEL, environ), []
    if "api_key" in config and endpoint.is_openai:
        notes.append(f"{model} costs money: each call is paid from your OPENAI_API_KEY")
    elif "api_key" in config and url.startswith("http://") and not is_loopback(url):
        notes.append(f"the key goes to {endpoint.host} unencrypted; use https")
    return config, f"{model or 'its first model'} at {endpoint.host}", notes


def _at_openai(environ: Mapping[str, str]) -> Found:
    if not setting(environ, "OPENAI_API_KEY"):
        return None, "not set", []
    model = setting(environ, "OPENAI_MODEL") or DEFAULT_OPENAI_MODEL
    config = _chat(model, model, environ)
    said = f"{model} costs money: each call is paid from your OPENAI_API_KEY"
    return config, f"{model} at {Endpoint(config['base_url']).host}", [said]


def _ollama(environ: Mapping[str, str], *, probe: bool, look: bool) -> Step:
    try:
        address = ollama_origin(environ)
    except ModelChoiceError as error:
        return Step("✗", str(error), "export OLLAMA_HOST=127.0.0.1:11434")
    host = Endpoint(address).host
    short = host.removeprefix("127.0.0.1")
    if not (probe or (look and is_loopback(address))):
        return Step("·", f"Ollama on {short}: not looked for", "-m ollama/NAME")
    models = ollama_models(address)
    if models is None:
        return Step("·", f"no Ollama on {short}", "ollama serve")
    if not models:
        return Step("–", f"Ollama on {short} has no model yet", "ollama pull llama3.2")
    listed = ", ".join(models[:5]) + (", …" if len(models) > 5 else "")
    return Step("–", f"Ollama on {short} has {listed}", f"-m ollama/{models[0]}")


def _place_notes(environ: Mapping[str, str]) -> list[str]:
    if environ.get("BINDER_SERVICE_HOST") or environ.get("BINDER_LAUNCH_HOST"):
        return ["this is Binder, a shared and public machine: do not paste a key here"]
    return []
