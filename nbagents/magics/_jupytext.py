"""``%agents config jupytext``: let Jupytext keep our cells in notebooks that are kept as scripts.

In a notebook that is kept as Python, Jupytext comments a cell's magic out, but not what stands below it.
Told of our magics, it comments out all of the cell, so that the file stays Python. The body of
``%%msghub`` is Python, and stays code.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..exceptions import UsageError

__all__ = ["OURS", "tell_jupytext"]

OURS = "agent,agents,pipeline"
FILE = "jupytext.toml"
_SETTING = re.compile(
    r"^\s*custom_cell_magics\s*=\s*(?P<quote>[\"'])(?P<names>[^\"'\n]+)(?P=quote)\s*$", re.MULTILINE
)


def tell_jupytext(folder: str) -> str:
    """Name our magics in the folder's ``jupytext.toml``; say what was done.

    Raises:
        UsageError: the file cannot be read or written, or says something that we cannot add to.
    """
    path = Path(folder) / FILE
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        new = _with_ours(text)
        if new == text:
            return f"{FILE} names them already: custom_cell_magics covers {OURS}"
        path.write_text(new, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE} in {folder}: {getattr(error, 'strerror', None) or error}") from None
    return (
        f'{FILE}: custom_cell_magics = "{_names(new)}". For one notebook alone, put '
        f'"jupytext": {{"custom_cell_magics": "{OURS}"}} into its metadata instead'
    )


def _with_ours(text: str) -> str:
    found = _SETTING.search(text)
    if found is None:
        if "custom_cell_magics" in text:
            raise UsageError(f'{FILE} sets custom_cell_magics in a way of its own; add to it: "{OURS}"')
        # On top: further down it might belong to a table.
        return f'custom_cell_magics = "{OURS}"\n{text}'
    known = [name.strip() for name in found["names"].split(",") if name.strip()]
    names = ",".join(dict.fromkeys([*known, *OURS.split(",")]))
    if names.split(",") == known:
        return text
    return text[: found.start("names")] + names + text[found.end("names") :]


def _names(text: str) -> str:
    found = _SETTING.search(text)
    return found["names"] if found is not None else OURS
