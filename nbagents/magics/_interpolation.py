"""Fill the ``{fields}`` of a prompt with the notebook's variables, like an f-string, but safe.

Only names that exist are filled, once: what a value contains is never looked at again. Nothing is
called and nothing private is read, whatever the prompt says. Knows neither agents nor messages;
``render`` is how a value becomes text.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..exceptions import NbAgentsError
from ._faults import closest
from ._fields import Escape, Field, scan

__all__ = ["LIMIT", "Interpolated", "interpolate"]

LIMIT = 20_000
"""The longest text that one field is filled with, in characters."""

_NEVER_TEXT = {
    types.ModuleType: "module",
    type: "class",
    types.FunctionType: "function",
    types.BuiltinFunctionType: "function",
    types.MethodType: "method",
    types.MethodWrapperType: "method",
}
_CALL = re.compile(r"\{([^\W\d]\w*)(?:\.\w+)*\([^{}\n]*\)\}")


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A filled text; ``chips``, what it was filled with; ``notes``, what was left and why."""

    text: str
    chips: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class _LeftError(Exception):
    """A field stays as typed; the text says why."""


def interpolate(
    text: str,
    namespace: Mapping[str, Any],
    *,
    render: Callable[[Any], str] = str,
    limit: int = LIMIT,
) -> Interpolated:
    """Fill ``text`` from ``namespace``.

    ``{name}``, ``{name.attr}``, ``{d["k"]}``, ``{rows[-1]}``, ``{x!r}`` and ``{x:.2f}`` are filled
    where a variable of that name exists; ``{{name}}`` becomes ``{name}``. All else stays as typed:
    JSON, code, LaTeX, ``${HOME}``, ``$5``. A misspelt ``{topik}`` stays and is noted, so is a
    field that cannot be read, that names something private, or a function. Text longer than
    ``limit`` characters is cut, with a note.

    ``render`` makes text of a value, unless ``!r``, ``!a`` or a format asks for its own.

    >>> interpolate("Write about {topic} in {n:02d} lines: {topik}.", {"topic": "rain", "n": 4})
    Interpolated(text='Write about rain in 04 lines: {topik}.', chips=(('topic', 'rain'), ('n:02d', '04')), \
notes=('`{topik}` left as is — no variable of that name; did you mean `{topic}`?',))

    Raises:
        NbAgentsError: Reading a message that has not arrived failed, as it would in any other cell.
    """
    pieces: list[str] = []
    chips: dict[str, str] = {}
    notes: list[str] = []
    at = 0
    for found in scan(text):
        pieces.append(text[at : found.start])
        at = found.end
        if isinstance(found, Escape):
            pieces.append(found.text)
            continue
        try:
            value = _fill(found, namespace, render)
        except _LeftError as left:
            pieces.append(text[found.start : found.end])
            if str(left):
                notes.append(f"`{{{found.source}}}` left as is — {left}")
            continue
        if len(value) > limit:
            size = f"{len(value):,} characters long"
            notes.append(f"`{{{found.source}}}` is {size}; the first {limit:,} were filled in")
            value = f"{value[:limit]}…"
        chips[found.source] = value
        pieces.append(value)
    pieces.append(text[at:])
    notes += _calls(text, namespace)
    return Interpolated("".join(pieces), tuple(chips.items()), tuple(dict.fromkeys(notes)))


def _fill(field: Field, namespace: Mapping[str, Any], render: Callable[[Any], str]) -> str:
    if field.root not in namespace:
        raise _LeftError(_unknown(field, namespace))
    attributes = [str(step.key) for step in field.steps if not step.is_item]
    if any(name.startswith("_") for name in (field.root, *attributes)):
        raise _LeftError("what begins with _ is private")
    try:
        value = namespace[field.root]
        for step in field.steps:
            value = value[step.key] if step.is_item else getattr(value, str(step.key))
        for kind, word in _NEVER_TEXT.items():
            if isinstance(value, kind):
                raise _LeftError(f"it is a {word}, not text")
        return _shown(value, field, render)
    except (_LeftError, NbAgentsError):
        raise
    except Exception as error:  # noqa: BLE001  # a property, an item or a format may raise anything
        raise _LeftError(f"{type(error).__name__}: {error}") from None


def _shown(value: Any, field: Field, render: Callable[[Any], str]) -> str:
    match field.conversion:
        case "r":
            value = repr(value)
        case "a":
            value = ascii(value)
        case "s":
            value = render(value)
        case _ if not field.spec:
            return render(value)
    return format(value, field.spec)


def _unknown(field: Field, namespace: Mapping[str, Any]) -> str:
    if not field.is_simple:
        return ""
    guess = closest(field.root, [name for name in namespace if not name.startswith("_")])
    return f"no variable of that name; did you mean `{{{guess}}}`?" if guess else "no variable of that name"


def _calls(text: str, namespace: Mapping[str, Any]) -> list[str]:
    return [
        f"`{found[0]}` left as is — nothing is called here; give the result a name first"
        for found in _CALL.finditer(text)
        if found[1] in namespace
    ]
