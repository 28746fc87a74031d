"""JSON as the wire has it: strict, and looked at before it is parsed, since to parse it is the danger.

A list or dictionary takes far more memory than its few bytes of text: a message that is all brackets would
take thirty times its size.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from ..exceptions import ProtocolError

__all__ = [
    "MAX_CONTAINERS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "as_bytes",
    "check_depth",
    "dump",
    "load",
    "load_quickly",
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
_ASCII_WRITER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def load(data: bytes, what: str = "the payload") -> Any:
    """Return what a JSON text holds; raises ProtocolError, naming ``what``, if it is none."""
    if many := too_many(data):
        raise ProtocolError(f"{what} holds {many}")
    try:
        return _READER.decode(data.decode())
    except RecursionError:
        raise ProtocolError(f"{what} is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:
        raise ProtocolError(f"{what} is not valid JSON") from None


def load_quickly(data: bytes) -> Any:
    """Do as `load`, but read an integer beyond 64 bits as a float, as most languages do."""
    if len(data) <= MAX_CONTAINERS or not too_many(data):
        try:
            return orjson.loads(data)
        except ValueError:
            pass  # it is refused by name; or it holds half a surrogate pair
    return load(data)


def dump(tree: Any) -> bytes:
    """Return a value that is JSON already, without integers beyond 64 bits, as a text."""
    try:
        return orjson.dumps(tree)
    except TypeError:  # half a surrogate pair cannot stand in UTF-8; escaped it can
        return _ASCII_WRITER.encode(tree).encode()


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
