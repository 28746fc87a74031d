"""`Fetched`: what was behind an address."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Fetched"]

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CHARACTERS = frozenset({"big5", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "shift_jis"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer over HTTP, of any status.

    ``body`` is unpacked, the names of ``headers`` are in small letters, and ``url`` is where it came from in
    the end, after redirects.

    >>> page = {"content-type": "text/html; charset=utf-16"}
    >>> Fetched("https://example.org/", 200, page, "hé".encode("utf-16")).text
    'hé'
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Is this what was asked for?"""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """What it is said to be: ``text/html``, say; "" if it does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; what is none in its encoding is replaced."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return self.body.decode(_encoding(found[1] if found else "utf-8"), "replace")

    def json(self) -> Any:
        """Return what it holds.

        Raises:
            ValueError: it is no JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    @property
    def status_code(self) -> int:
        """``status``, as other clients call it."""
        return self.status

    @property
    def content(self) -> bytes:
        """``body``, as other clients call it."""
        return self.body


def _encoding(name: str) -> str:
    """Return an encoding that pages have: Python knows more, some of which are slow, or no texts."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return "utf-8"
    is_text = known.startswith(("ascii", "cp", "iso8859", "koi8", "mac-", "utf-")) or known in _CHARACTERS
    return known if is_text else "utf-8"
