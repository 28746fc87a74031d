"""Tokens of servers: a new one for each start, or one that is kept in a file of the operator's."""

from __future__ import annotations

import os
import re
import secrets
import stat

from ..exceptions import UsageError

__all__ = ["new_token", "read_token"]

SHORTEST = 32
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+\Z")
_MOST = 4096


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def read_token(path: str, *, mounted: bool = False) -> str:
    """Return the token in a file that only its user can read. No error tells what is in it.

    With ``mounted``, others may read one that lies on a mount which nobody can write to, as containers get
    their secrets: who is there to read it was decided by whoever made the container.

    Raises:
        UsageError: the file cannot be read, others can read it, or what it holds is no good token.
    """
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(fd, "rb") as file:
            about = os.fstat(fd)
            if not stat.S_ISREG(about.st_mode):
                raise UsageError(f"the token file {path} is not a file")
            given = mounted and os.name == "posix" and bool(os.fstatvfs(fd).f_flag & os.ST_RDONLY)
            if os.name == "posix" and not given and about.st_uid not in (os.geteuid(), 0):
                raise UsageError(f"the token file {path} belongs to another user")
            if os.name == "posix" and not given and stat.S_IMODE(about.st_mode) & 0o077:
                raise UsageError(f"the token file {path} is open to others", hint=f"chmod 600 {path}")
            text = file.read(_MOST + 1).decode("ascii", "replace").strip()
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror or error}") from None
    if not SHORTEST <= len(text) <= _MOST or not _TOKEN.match(text):
        raise UsageError(
            f"the token in {path} must have {SHORTEST} or more letters, digits and . _ ~ + / = -",
            hint='python -c "import secrets; print(secrets.token_urlsafe(32))"',
        )
    return text
