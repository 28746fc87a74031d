"""JSON as the wire has it: strict, and looked at before it is parsed, since to parse it is the danger.

A list or dictionary takes far more memory than its few bytes of text: a message that is all brackets would
take thirty times its size.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..exceptions import ProtocolError, UsageError

__all__ = [
    "MAX_CONTAINERS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "as_bytes",
    "check_depth",
    "dump",
    "load",
    "read_json",
    "too_many",
]

MAX_DEPTH = 100
"""Containers inside containers; what is deeper is refused."""
MAX_CONTAINERS, MAX_VALUES = 250_000, 4_000_000
"""Lists and dictionaries in one value, and values in all."""
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text[:40])


_READER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_WRITER = json.JSONEncoder(
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # `walk` has ended
)
_scan: Callable[[str, int], tuple[Any, int]] = _READER.scan_once  # type: ignore[attr-defined]
# Made once: `encode` makes one for each value.
_make = json.encoder.c_make_encoder  # type: ignore[attr-defined]
_write: Callable[[Any, int], Iterable[str]] = (
    _make(None, _WRITER.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    if _make is not None
    else lambda tree, _: [_WRITER.encode(tree)]
)
_ASCII_WRITER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def load(data: bytes, what: str = "the payload") -> Any:
    """Return what a JSON text holds; raises ProtocolError, naming ``what``, if it is none."""
    if many := too_many(data):
        raise ProtocolError(f"{what} holds {many}")
    try:
        text = data.decode()
        try:
            value, end = _scan(text, 0)  # what `decode` does, without looking for white space first
            if end == len(text):
                return value
        except StopIteration:
            pass
        return _READER.decode(text)
    except RecursionError:
        raise ProtocolError(f"{what} is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:
        raise ProtocolError(f"{what} is not valid JSON") from None


def dump(tree: Any) -> bytes:
    """Return a value that is JSON already as a text; raises UsageError if a number in it is too long."""
    try:
        return "".join(_write(tree, 0)).encode()
    except UnicodeEncodeError:  # half a surrogate pair cannot stand in UTF-8; escaped it can
        return _ASCII_WRITER.encode(tree).encode()
    except ValueError as error:  # an integer of thousands of digits
        raise UsageError(f"the value cannot be written as JSON: {error}") from None


def read_json(text: str | bytes, what: str = "the payload") -> Any:
    """Return what a text of JSON holds, not too deep to be walked through; raises as `load` does."""
    tree = load(as_bytes(text), what)
    check_depth(tree, what)
    return tree


def as_bytes(text: str | bytes) -> bytes:
    """Return a text as it travels, halves of surrogate pairs and all: `load` refuses them."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def too_many(data: bytes) -> str:
    """Say which limit a JSON text exceeds; "" if none. Costs nothing for a short one."""
    if len(data) <= MAX_CONTAINERS:
        return ""
    if _containers(data) <= MAX_CONTAINERS and data.count(b",") < MAX_VALUES:
        return ""
    if b'"' in data:
        data = _STRING.sub(b"", data)  # brackets in a text are none
    if _containers(data) > MAX_CONTAINERS:
        return f"more than {MAX_CONTAINERS:,} lists and dictionaries"
    return f"more than {MAX_VALUES:,} values" if data.count(b",") >= MAX_VALUES else ""


def _containers(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{")


def check_depth(tree: Any, what: str, depth: int = 0) -> None:
    """Raise ProtocolError, naming ``what``, if a parsed value is nested too deeply."""
    if isinstance(tree, dict | list):
        if depth > MAX_DEPTH:
            raise ProtocolError(f"{what} is nested deeper than {MAX_DEPTH} levels")
        for item in tree.values() if isinstance(tree, dict) else tree:
            check_depth(item, what, depth + 1)
