"""Pictures and sounds on their way to a model: by address, from a file here, or as data.

A file is sent only if it is what it is said to be, judged by its first bytes: what an agent names as a
picture may be any file of this machine.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..exceptions import UsageError

__all__ = ["audio_part", "image_part", "is_image_name", "sees"]

LARGEST = 20 * 2**20
"""Bytes of a file that is sent along."""
_PICTURES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL)),
)
_SOUNDS = (
    ("audio/wav", re.compile(rb"RIFF....WAVE", re.DOTALL)),
    ("audio/mpeg", re.compile(rb"ID3|\xff[\xf2\xf3\xfa\xfb]")),
)
_NAMES = re.compile(r"\.(?:png|jpe?g|gif|webp|bmp)\Z", re.IGNORECASE)
_SEEING = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-5|\bo[134]\b|vision|llava|pixtral|gemini|gemma-?3|claude|omni|internvl"
    r"|(?:^|[-_.\d])vl(?:[-_.:\d]|$)|qvq",
    re.IGNORECASE,
)


def sees(model_name: str) -> bool:
    """Is this, by its name, a model that takes pictures?

    >>> [sees(name) for name in ("gpt-4o-mini", "qwen2.5-vl-7b", "gpt-3.5-turbo", "deepseek-chat")]
    [True, True, False, False]
    """
    return bool(_SEEING.search(model_name))


def is_image_name(url: str) -> bool:
    """Is this, by its name, the address of a picture?"""
    return url.startswith("data:image/") or bool(_NAMES.search(urlsplit(url).path))


def image_part(source: Any) -> dict[str, Any]:
    """Return a picture as OpenAI's protocol takes it; ``source`` is that of a block, or an address.

    Raises:
        UsageError: there is no such file, or it holds no picture, or is too large.
    """
    address = _address(source, "image")
    if not _is_local(address):
        return {"type": "image_url", "image_url": {"url": address}}
    kind, data = _file(address, _PICTURES, "picture (PNG, JPEG, GIF, WebP, BMP)")
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}


def audio_part(source: Any) -> dict[str, Any] | None:
    """Return a sound as OpenAI's protocol takes it; None for one elsewhere, of which it takes only data.

    Raises:
        UsageError: there is no such file, or it holds no sound, or is too large.
    """
    address = _address(source, "audio")
    found = re.match(r"data:audio/([\w.+-]+);base64,(.*)\Z", address, re.DOTALL)
    if found:
        kind, data = found[1], found[2]
    elif _is_local(address):
        kind, data = _file(address, _SOUNDS, "sound (WAV, MP3)")
    else:
        return None
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav" if "wav" in kind else "mp3"}}


def _address(source: Any, kind: str) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, Mapping):
        if source.get("type") == "base64" and isinstance(source.get("data"), str):
            return f"data:{source.get('media_type') or f'{kind}/png'};base64,{source['data']}"
        if isinstance(source.get("url"), str):
            return str(source["url"])
    raise UsageError(
        f'a block of type "{kind}" needs a source: {{"type": "url", "url": …}} or'
        ' {"type": "base64", "media_type": …, "data": …}'
    )


def _is_local(address: str) -> bool:
    scheme = urlsplit(address).scheme.lower()
    return scheme in ("", "file") or len(scheme) == 1  # one letter: a drive


def _file(address: str, kinds: tuple[tuple[str, re.Pattern[bytes]], ...], what: str) -> tuple[str, str]:
    path = Path(unquote(urlsplit(address).path) if address.lower().startswith("file:") else address)
    path = path.expanduser()
    try:
        if not path.is_file():  # whatever else it is may keep us waiting for ever
            raise FileNotFoundError(2, "there is no such file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(LARGEST + 1) if size <= LARGEST else b""
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise UsageError(f"the file {path.name!r} of a message cannot be read: {why}") from None
    if not 0 < len(data) <= LARGEST:
        why = "is empty" if size == 0 else f"is larger than {LARGEST // 2**20} MiB"
        raise UsageError(f"the file {path.name!r} of a message cannot be sent to a model: it {why}")
    for kind, start in kinds:
        if start.match(data):
            return kind, base64.b64encode(data).decode()
    raise UsageError(f"the file {path.name!r} of a message is not sent to a model: it is no {what}")
