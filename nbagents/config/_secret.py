"""`Secret`: a key that shows itself to nobody; and masking what looks like a key in any text."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["Secret", "mask", "redact", "wrap_secrets"]


class Secret:
    """A text that shows itself to nobody: ``***`` wherever it is printed or formatted.

    JSON, pickle and `copy` do not take the text along: the first two refuse, the last returns the
    same object. Only `reveal` gives it out.

    >>> key = Secret("sk-0123456789abcdef9f2c")
    >>> print(key, f"{key:>5}", [key], key.hint())
    *** *** [Secret('***')] sk-…9f2c
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        self._text: str = text.reveal() if isinstance(text, Secret) else text

    def reveal(self) -> str:
        """Return the text itself; keep it in no variable that outlives the line."""
        return self._text

    def hint(self) -> str:
        """Return just enough for its owner to recognize it: ``sk-…9f2c``."""
        return mask(self._text)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        """Is there any text in it?"""
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def mask(key: str) -> str:
    """Return ``sk-…9f2c`` for a key: its kind, and its last four characters where it is long.

    >>> mask("sk-0123456789abcdef9f2c"), mask("0123456789ab9f2c"), mask("short")
    ('sk-…9f2c', '…9f2c', '…')
    """
    kind = re.match(r"(?:sk|pk|rk)-", key)
    return (kind[0] if kind else "") + "…" + (key[-4:] if len(key) >= 12 else "")


# Where a key may begin: at the edge of a word, or behind what stands for a character in a repr, JSON or URL.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[abfnrtv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
_KEY = re.compile(_EDGE + r"(?:(?:sk|pk|rk)-[A-Za-z0-9_\-]{8,}|(?:gsk_|hf_|xai-|AIza)[A-Za-z0-9_\-]{16,})")
_SENT = r"\s+(?!…|\*\*\*)[A-Za-z0-9._~+/\-]{6,}=*"
_HEADER = re.compile(r"""(?i:(authorization[\\"']*\s?[:=,]\s*[bru]?[\\"']*(?:bearer|basic)))""" + _SENT)
# Without the header's name before it, it may be a sentence: "the basic principles", "a bearer certificate".
_BEARER = re.compile(
    _EDGE
    + r"(?:((?i:bearer))(?=\s+(?:[A-Za-z._~+/\-]*\d|[A-Za-z0-9._~+/\-]{24}))"
    + r"|((?i:basic))(?=\s+[a-z0-9+/]*[A-Z])(?=\s+[A-Z0-9+/]*[a-z])(?=\s+[A-Za-z+/]*\d))"
    + _SENT
)
_USERINFO = re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]*@")


def redact(text: str, *secrets: Secret | str | None) -> str:
    """Return the text with every key in it masked: the given ones, and all that look like one.

    >>> redact("Incorrect key sk-0123456789abcdef9f2c, sent as Bearer abcdef123456")
    'Incorrect key sk-…9f2c, sent as Bearer ***'
    >>> redact("The basic principles of rain")
    'The basic principles of rain'
    """
    for secret in secrets:
        plain = secret.reveal() if isinstance(secret, Secret) else secret
        if plain:
            text = text.replace(plain, mask(plain))
    text = _USERINFO.sub("***@", text)
    text = _KEY.sub(lambda found: mask(found[0]), text)
    text = _HEADER.sub(r"\1 ***", text)
    return _BEARER.sub(lambda found: f"{found[1] or found[2]} ***", text)


_SECRET_FIELDS = frozenset(
    {
        "api_key",
        "apikey",
        "api-key",
        "x-api-key",
        "authorization",
        "access_token",
        "token",
        "password",
        "secret",
    }
)


_HEADERS = frozenset({"headers", "default_headers", "extra_headers"})
_WRAPPED = _SECRET_FIELDS | _HEADERS


def names_secret(field: str) -> bool:
    """Is what a field of this name holds to be taken for a key, or for headers that may hold one?"""
    return field.lower() in _WRAPPED


def wrap_secrets(value: Any, *, all_of_it: bool = False) -> Any:
    """Return a copy in which what may be a key is `Secret`: fields by their name, and all headers.

    ``all_of_it`` makes every text in it one.
    """
    if type(value) is str:  # the most of what comes by, told apart in the cheapest way
        return Secret(value) if all_of_it else value
    if isinstance(value, dict | Mapping):
        return {
            key: wrap_secrets(item, all_of_it=all_of_it or names_secret(str(key)))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [wrap_secrets(item, all_of_it=all_of_it) for item in value]
    return Secret(value) if all_of_it and isinstance(value, str) else value
