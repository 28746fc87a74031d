"""Read a docstring in Google's style: what a function does, and what its arguments mean. Pure."""

from __future__ import annotations

import inspect
import re

__all__ = ["read_docstring"]

_SECTION = re.compile(
    r"(args|arguments|parameters|params|returns?|yields?|raises|examples?|notes?|attributes|warnings?"
    r"|references|see also|todo):\s*\Z",
    re.IGNORECASE,
)
_ARGUMENTS = frozenset({"args", "arguments", "parameters", "params"})
_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*(?:\([^)]*\)[^)]*)*\))?\s*:\s*(.*)\Z", re.DOTALL)


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """Return the description, and that of each argument by its name.

    >>> read_docstring('''Add two numbers.
    ...
    ...     Args:
    ...         a (int): The first one,
    ...             which may be negative.
    ...         b: The second.
    ...
    ...     Returns:
    ...         Their sum.
    ... ''')
    ('Add two numbers.', {'a': 'The first one, which may be negative.', 'b': 'The second.'})
    """
    described: list[str] = []
    entries: list[list[str]] = []
    section, indent = "", -1
    for line in inspect.cleandoc(text or "").splitlines():
        bare = line.strip()
        found = _SECTION.match(bare) if not line[:1].isspace() else None
        if found:
            section, indent = found[1].lower(), -1
        elif section and bare and not line[:1].isspace():
            section = ""  # text that goes on after a section
            described.append(line)
        elif not section:
            described.append(line)
        elif section in _ARGUMENTS and bare:
            depth = len(line) - len(line.lstrip())
            indent = depth if indent < 0 else indent
            if depth <= indent:
                entries.append([bare])
            elif entries:
                entries[-1].append(bare)
    arguments = {}
    for entry in entries:
        match = _ARGUMENT.match(" ".join(entry))
        if match:
            arguments[match[1]] = match[2].strip()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(described)).strip(), arguments
