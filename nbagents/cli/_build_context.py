"""`BuildContext`: which files of a folder an image is built of, and which hold what it must not have.

Reads a ``.dockerignore`` as Docker does: the last pattern that fits counts, ``!`` lets in again, ``**`` is
any number of folders, and what fits a folder fits all that is in it.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..config import redact
from ..exceptions import UsageError

__all__ = ["BuildContext"]

MOST_FILES, MOST_BYTES = 5000, 2**20
"""Files that are read, and how much of each."""
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|^Authorization: ", re.MULTILINE)


class BuildContext:
    """A folder, without what its ``.dockerignore`` keeps out.

    Raises:
        UsageError: a line of it is no pattern, to Docker neither.
    """

    def __init__(self, folder: Path, ignore: str) -> None:
        self._folder = folder
        self._patterns = [_pattern(line) for line in _lines(ignore)]

    def has(self, path: str) -> bool:
        """Does a file go into an image? ``path`` is relative, with slashes."""
        parts = path.split("/")
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        kept = True
        for lets_in, pattern in self._patterns:
            if any(pattern.fullmatch(name) for name in above):
                kept = lets_in
        return kept

    def files(self) -> Iterator[str]:
        """Return what goes in, relative to the folder. Follows no link to a folder."""
        only_out = not any(lets_in for lets_in, _ in self._patterns)
        for root, folders, names in os.walk(self._folder):
            where = Path(root).relative_to(self._folder)
            if only_out:  # else something in it may be let in again
                folders[:] = [name for name in folders if self.has((where / name).as_posix())]
            folders.sort()
            yield from (path for name in sorted(names) if self.has(path := (where / name).as_posix()))

    def with_secrets(self) -> list[str]:
        """Return which of them look as if they held a key or a token. Looks at 5,000 files, a MiB of each."""
        found = []
        for _, path in zip(range(MOST_FILES), self.files(), strict=False):
            if not (self._folder / path).is_file():  # a pipe, say, which nobody may ever write to
                continue
            try:
                with (self._folder / path).open("rb") as file:
                    text = file.read(MOST_BYTES).decode("utf-8")
            except (OSError, UnicodeDecodeError):
                continue  # nothing that can be read, or no text
            if _PRIVATE.search(text) or redact(text) != text:
                found.append(path)
        return found


def _lines(text: str) -> Sequence[str]:
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    return [line for line in lines if line and line != "!"]


def _pattern(line: str) -> tuple[bool, re.Pattern[str]]:
    lets_in = line.startswith("!")
    cleaned = posixpath.normpath(line.removeprefix("!").strip()).lstrip("/")
    text = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\\.|.", cleaned):
        known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        if part in known:
            text += known[part]
        elif part.startswith("[") and len(part) > 1:
            text += part
        else:
            text += re.escape(part[-1])
    try:
        return lets_in, re.compile(text, re.DOTALL)
    except re.error as error:
        raise UsageError(
            f".dockerignore has the line {line!r}, which is no pattern: {error.msg}",
            hint="mend or delete that line: Docker cannot read it either",
        ) from None
