"""JSON as the journal holds it: strict, in one line, and text whatever it says."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

__all__ = ["read_text", "write_text"]


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text[:40])


_READER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_ASCII_WRITER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def write_text(tree: Any) -> str:
    """Return JSON for plain data.

    Raises:
        TypeError, ValueError, RecursionError: it is not plain data, or JSON cannot hold it.

    >>> write_text({"said": "naïve"})
    '{"said":"naïve"}'
    """
    text = _WRITER.encode(tree)
    try:
        if not text.isascii():
            text.encode()  # half a surrogate pair cannot stand in UTF-8; escaped it can
    except UnicodeEncodeError:
        return _ASCII_WRITER.encode(tree)
    return text


def read_text(text: Any) -> Any:
    """Return what `write_text` was given. Makes nothing but plain data, whatever the text says.

    Raises:
        ValueError: it is no text, or no JSON.
    """
    if not isinstance(text, str):
        raise ValueError(f"{type(text).__name__} where JSON text is expected")
    try:
        return _READER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
