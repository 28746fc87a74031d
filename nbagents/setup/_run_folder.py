"""`RunFolder`: where a program's log, its messages and its code are kept, if it asks for that."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from .. import events
from .._ids import new_id
from .._ports import watch_cells
from ..config import redact
from ..exceptions import UsageError
from ._saved_calls import SavedCalls

__all__ = ["RunFolder"]

_LOGGER = logging.getLogger("nbagents")
_MOST_CODE = 200
"""Files of code that are copied."""


class RunFolder:
    """A folder ``save_dir/run_id`` with ``.config``, ``logging.log``, ``logging.chat``, ``code``, ``invoke``.

    ``code`` has the Python files of the working folder, and in a notebook the cells that have run so far, in
    ``notebook.py`` (Jupytext's percent format). ``invoke`` has what models were sent and have answered.
    ``logging.chat`` gets a line of JSON for each message that an agent shows; ``logging.log`` what nbagents
    logs from ``level`` on. The logging of everybody else stays as it is: what nbagents logs still reaches
    the root logger's handlers, from the root logger's level on, as before.

    Raises:
        UsageError: the folder cannot be made.
    """

    def __init__(
        self,
        save_dir: str | os.PathLike[str],
        *,
        project: str,
        name: str,
        run_id: str | None = None,
        level: str = "INFO",
        save_log: bool = True,
        save_code: bool = True,
        save_calls: bool = False,
    ) -> None:
        self.project, self.name = project, name
        self.run_id = run_id or f"run_{time.strftime('%Y%m%d-%H%M%S')}_{_plain(name)}"
        if _plain(self.run_id) != self.run_id:
            raise UsageError(
                f"runtime_id is the name of a folder: letters, digits, . _ -, not {self.run_id!r}"
            )
        number = logging.getLevelNamesMapping().get(str(level).upper())
        if number is None:
            raise UsageError(f"logger_level is one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not {level!r}")
        self.path = Path(save_dir).expanduser().absolute() / self.run_id
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write_about()
            if save_code:
                _copy_code(Path.cwd(), self.path / "code")
            self._chat = (self.path / "logging.chat").open("a", encoding="utf-8")
            self._calls = SavedCalls(self.path / "invoke") if save_calls else None
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"the run's folder {self.path} cannot be made: {why}") from None
        self._lock = threading.Lock()
        self._end = events.subscribe(self._hear)
        self._forget_cells = watch_cells(self._keep_cells) if save_code else lambda: None
        self._log = _FileLog(self.path / "logging.log", number) if save_log else None

    def close(self) -> None:
        """Write no more. Twice is fine."""
        self._end()
        self._forget_cells()
        if self._calls is not None:
            self._calls.close()
        with self._lock:
            self._chat.close()
        if self._log is not None:
            self._log.end()

    def _write_about(self) -> None:
        about = {
            "project": self.project,
            "name": self.name,
            "run_id": self.run_id,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
            "pid": os.getpid(),
        }
        (self.path / ".config").write_text(json.dumps(about, indent=2, ensure_ascii=False), "utf-8")

    def _keep_cells(self, cells: Sequence[str]) -> None:
        text = "\n\n".join(f"# %%\n{cell.rstrip()}" for cell in cells)
        try:
            (self.path / "code").mkdir(exist_ok=True)
            (self.path / "code" / "notebook.py").write_text(redact(text) + "\n", "utf-8", "replace")
        except OSError as error:  # a full disk must not fail the cell
            _LOGGER.warning("the cells cannot be kept in %s: %s", self.path, error.strerror or error)

    def _hear(self, event: events.Event) -> None:
        if event.kind != "spoke":
            return
        line = json.dumps(event.data["message"].to_dict(), ensure_ascii=False, default=str)
        with self._lock:
            if not self._chat.closed:
                self._chat.write(redact(line) + "\n")
                self._chat.flush()


class _FileLog(logging.FileHandler):
    """Takes all that nbagents logs, and hands upwards only what would have come there without it."""

    def __init__(self, path: Path, level: int) -> None:
        super().__init__(path, encoding="utf-8", delay=True)
        self.setLevel(level)
        self.setFormatter(logging.Formatter("%(asctime)s | %(levelname)s | %(name)s - %(message)s"))
        self._before = (_LOGGER.level, _LOGGER.propagate)
        self._upward = _Upward(self._before[0])
        _LOGGER.setLevel(min(level, _LOGGER.getEffectiveLevel()))
        _LOGGER.propagate = False
        _LOGGER.addHandler(self)
        _LOGGER.addHandler(self._upward)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def end(self) -> None:
        """Put everything back as it was."""
        if self in _LOGGER.handlers:
            _LOGGER.removeHandler(self)
            _LOGGER.removeHandler(self._upward)
            _LOGGER.setLevel(self._before[0])
            _LOGGER.propagate = self._before[1]
        self.close()


class _Upward(logging.Handler):
    """Passes on to the root logger what the level that counted before lets through."""

    def __init__(self, level_before: int) -> None:
        super().__init__()
        self._level_before = level_before

    def emit(self, record: logging.LogRecord) -> None:
        root = logging.getLogger()
        if record.levelno >= (self._level_before or root.level):
            root.callHandlers(record)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or new_id()[:8]


def _copy_code(source: Path, target: Path) -> None:
    files = sorted(path for path in source.glob("*.py") if path.is_file())[:_MOST_CODE]
    if files:
        target.mkdir(exist_ok=True)
    for path in files:
        shutil.copyfile(path, target / path.name)
