"""``%agents index``: one's own files, made ready for agents that look things up in them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..agents import STOPPED
from ..exceptions import NbAgentsError, StorageError, UsageError
from ..render import banner_html, banner_text
from ..tools import IndexReport, KnowledgeIndex
from ..widgets import Surface
from ._conduct import shortened
from ._desk import Desk
from ._interrupt import interrupted
from ._specs import LineSpec

__all__ = ["index_files"]

MAGIC = "%agents"
FILE = ".nbagents-index"
"""The index of a folder, in that folder."""
PACE = 0.25
"""Seconds between two looks of the line that tells how far it is."""
REASONS = 8


def index_files(desk: Desk, spec: LineSpec) -> None:
    """Bring the index of a folder up to date, showing how far it is, and bind it to a variable.

    Raises:
        UsageError: there is no such folder, or no such embedding model.
    """
    folder = Path(os.path.expanduser(spec.text))
    if not folder.is_dir():
        raise UsageError(f"{MAGIC}: index takes a folder, and {spec.text} is none")
    name = spec.options.output
    line = _Line(desk.surface(), folder.name or spec.text, live=desk.mode != "headless")
    index = _opened(folder, spec)
    report = IndexReport()

    def progress(now: IndexReport) -> None:
        nonlocal report
        report = now
        line.tell(now)

    try:
        report = index.update(folder, progress=progress)
    except BaseException as error:
        line.end(report, error)
        index.close()
        if isinstance(error, KeyboardInterrupt):
            raise interrupted(f"the index of {spec.text} was {STOPPED}; what was read is kept") from None
        if isinstance(error, NbAgentsError) and not isinstance(error, UsageError):
            raise shortened(error) from None
        raise
    line.end(report, how=repr(index).rpartition(", by ")[2].rstrip(">"), name=name)
    if name is None:
        index.close()
    else:
        desk.bind(name, index)


def _opened(folder: Path, spec: LineSpec) -> KnowledgeIndex:
    try:
        return KnowledgeIndex(folder / FILE, spec.model, name=spec.options.output or "")
    except StorageError as error:
        raise UsageError(
            f"{MAGIC}: the index of {spec.text} cannot be used: {error}",
            hint=f"nbagents.tools.KnowledgeIndex(PATH).update({spec.text!r}) keeps it elsewhere",
        ) from None


class _Line:
    """The line that shows how far it is, and in the end what came of it."""

    def __init__(self, surface: Surface, title: str, *, live: bool) -> None:
        self._surface, self._title, self._live = surface, title, live
        self._began = time.monotonic()
        self._shown = 0.0

    def tell(self, report: IndexReport) -> None:
        """Show how far it is, where somebody looks, and not too often."""
        now = time.monotonic()
        if not self._live or self._surface.mode == "terminal" or now - self._shown < PACE:
            return
        self._shown = now
        if report.to_embed:
            part = f"embedding {report.embedded:,} of {report.to_embed:,} passages"
        else:
            part = f"{report.done:,} of {report.files:,} files"
        self._show([f"indexing {self._title}", part, report.current], [], ready=False)

    def end(
        self,
        report: IndexReport,
        error: BaseException | None = None,
        *,
        how: str = "",
        name: str | None = None,
    ) -> None:
        """Show what came of it."""
        seconds = f"{time.monotonic() - self._began:.1f} s"
        if error is not None:
            why = "stopped by you" if isinstance(error, KeyboardInterrupt) else "it failed"
            far = f"{report.done:,} of {report.files:,} files; what was read is kept"
            self._show([f"index of {self._title}", why, far, seconds], [], ready=False)
            return
        notes = report.reasons
        notes = [*notes[:REASONS], *([f"… {len(notes) - REASONS} more"] if len(notes) > REASONS else [])]
        use = f'`{name}` is the index: `{name}.search("…")`, `toolkit.register_tool_function({name})`'
        notes.append(use if name else "`-o docs` makes it a variable, to search in and to give to agents")
        parts = [f"index of {self._title}", str(report), *([f"by {how}"] if how else []), seconds]
        self._show(parts, notes, ready=True)

    def _show(self, parts: list[str], notes: list[str], *, ready: bool) -> None:
        parts = [part for part in parts if part]
        self._surface.show(banner_html(parts, notes, ready=ready), banner_text(parts, notes, ready=ready))
