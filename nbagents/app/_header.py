"""`HeaderFile`: the token in a file of its user's alone, as curl reads it, so that no command shows it."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir, secure_write

__all__ = ["HeaderFile"]


class HeaderFile:
    """A file with the header that clients send, 0600; it goes when the app ends."""

    def __init__(self, port: int, token: str) -> None:
        folder = Path(jupyter_runtime_dir()) / "nbagents"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"app-{port}.header"
        with secure_write(str(self.path)) as file:
            file.write(f"Authorization: Bearer {token}\n")

    def option(self) -> str:
        """Return the option of curl that reads it."""
        return f"-H @{shlex.quote(str(self.path))}"

    def remove(self) -> None:
        """Take it away."""
        with contextlib.suppress(OSError):
            self.path.unlink()
