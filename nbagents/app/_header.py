"""`HeaderFile`: the token in a file of its user's alone, as curl reads it, so that no command shows it."""

from __future__ import annotations

import atexit
import contextlib
import shlex
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir, secure_write

__all__ = ["HeaderFile"]


class HeaderFile:
    """A file with the header that clients send, 0600; it goes when the app ends, or this process does."""

    def __init__(self, port: int, token: str) -> None:
        folder = Path(jupyter_runtime_dir()) / "nbagents"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"app-{port}.header"
        self._text = f"Authorization: Bearer {token}\n"
        with secure_write(str(self.path)) as file:
            file.write(self._text)
        atexit.register(self.remove)

    def option(self) -> str:
        """Return the option of curl that reads it."""
        return f"-H @{shlex.quote(str(self.path))}"

    def remove(self) -> None:
        """Take it away, unless it is another app's by now."""
        atexit.unregister(self.remove)
        with contextlib.suppress(OSError):
            if self.path.read_text(encoding="utf-8") == self._text:
                self.path.unlink()
