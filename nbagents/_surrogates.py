"""`well_formed`: data whose texts can all be written as UTF-8; half a surrogate pair cannot. Pure."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["well_formed"]


def well_formed(value: Any) -> Any:
    r"""Return data with a � for each half of a pair in its texts; pairs become what they stand for.

    Names of files that are no UTF-8 hold such halves, and so does what a model writes as ``"\ud83d"``. What
    has none is returned as it is, not as a copy.

    >>> well_formed(["a\udcff", "\ud83d\ude00"])
    ['a�', '😀']
    """
    if isinstance(value, str):
        return _text(value)
    if type(value) is dict:
        pairs = [(key, well_formed(key), item, well_formed(item)) for key, item in value.items()]
        if all(key is key_too and item is item_too for key, key_too, item, item_too in pairs):
            return value
        return {key: item for _, key, _, item in pairs}
    if type(value) in (list, tuple):
        items = [well_formed(item) for item in value]
        return value if all(map(operator.is_, value, items)) else type(value)(items)
    return value


def _text(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
