"""The doctor: looks at what can be wrong and says what to type."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._version import __version__
from ..exceptions import NbAgentsError
from ..sandbox import best_level, least_level, reasons

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ``mark`` is "✓", "✗" or "·", ``line`` what to type, if anything."""

    mark: str
    text: str
    line: str = ""


def examine(session: Session) -> list[Finding]:
    """Look at the installation, the server and the model. Takes up to a second."""
    return [*_installation(), *_server(session), *_models(session), _sandbox()]


def _installation() -> list[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    found = [Finding("✓", f"nbagents {__version__} on Python {python}")]
    try:
        stranger = importlib.metadata.version("nbagents")
    except importlib.metadata.PackageNotFoundError:
        return found
    text = (
        f"the distribution nbagents {stranger} is installed too: it is somebody else's, and may hide this one"
    )
    return [*found, Finding("✗", text, "pip uninstall nbagents")]


def _server(session: Session) -> list[Finding]:
    try:
        info = session.server.client().get_server_info()
    except (NbAgentsError, TimeoutError) as error:
        return [Finding("✗", f"agent server: {error}", "%agents server start")]
    agents = "1 agent" if info["size"] == 1 else f"{info['size']} agents"
    return [Finding("✓", f"agent server {info['id']} answers · {agents} · {info['mem']} MiB")]


def _sandbox() -> Finding:
    try:
        level, least = best_level(), least_level()
    except NbAgentsError as error:
        return Finding("✗", f"sandbox: {error}", error.hint or "")
    text = f"sandbox of the level {level.name.lower()} for code of models"
    why = "; ".join(f"{higher.name.lower()}: {reason}" for higher, reason in sorted(reasons().items()))
    line = "apt-get install bubblewrap" if why else ""
    if level < least:
        return Finding("✗", f"{text}, which is below {least.name.lower()}: code is refused ({why})", line)
    return Finding("✓", f"{text} ({why})" if why else text)


def _models(session: Session) -> list[Finding]:
    try:
        choice = session.choose(probe=True)
    except NbAgentsError as error:
        return [Finding("✗", f"model: {error}", error.hint or "")]
    steps = [Finding(step.mark, step.text, step.line) for step in choice.steps]
    return [*steps, Finding("✓", f"model in use: {choice.label} (by {choice.source})")]
