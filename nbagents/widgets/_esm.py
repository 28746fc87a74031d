"""The module text and the style sheet of a widget, put together from the files in ``static``.

A widget's module cannot import its neighbours, so what they share stands in front of its own text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..render import style_rules

__all__ = ["css", "esm"]

_STATIC = Path(__file__).parent / "static"


@cache
def esm(*names: str) -> str:
    """Return ``base.js`` and the named files, in this order, as the text of one ES module.

    The last one has the ``export default``; no two may declare the same name.
    """
    return "\n".join((_STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("base", *names))


@cache
def css(*names: str) -> str:
    """Return the rules of the fragments and those of the named files."""
    own = [(_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("base", *names)]
    return "\n".join([style_rules(), *own])
