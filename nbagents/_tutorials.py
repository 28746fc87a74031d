"""Where the tutorials lie, and what they are called. Reads no notebook format but a title."""

from __future__ import annotations

from pathlib import Path

from .exceptions import InternalError, UsageError

__all__ = ["FIRST", "title", "tutorial", "tutorials"]

FIRST = "01-first-conversation"


def tutorials() -> dict[str, Path]:
    """Return the tutorials by name, in the order in which they are meant to be read.

    They lie in the installed package, else in the checkout.

    Raises:
        InternalError: they are in neither.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "tutorials", package.parent / "notebooks"):
        if (folder / f"{FIRST}.md").is_file():
            return {path.stem: path for path in sorted(folder.glob("[0-9]*.md"))}
    raise InternalError("the tutorials were not installed with nbagents; install it again")


def tutorial(name: str = FIRST) -> Path:
    """Return where a tutorial lies.

    Raises:
        UsageError: there is none of that name.
        InternalError: there are none at all.
    """
    known = tutorials()
    if name not in known:
        raise UsageError(f"there is no tutorial called {name[:100]!r}", hint=f"there are: {', '.join(known)}")
    return known[name]


def title(path: Path) -> str:
    """Return a tutorial's first heading, else its name."""
    with path.open(encoding="utf-8") as lines:
        found = next((line[2:].strip() for line in lines if line.startswith("# ")), "")
    return found or path.stem
