"""What belongs to a message besides its words: pictures that it holds are shown, other addresses are links.

Nothing is fetched. A picture is shown from a ``data:`` address, or from a small file below the working
folder or the temporary one, if its first bytes are those of a PNG, JPEG, GIF or WebP.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from ._markdown import markdown_to_html, text_to_html
from ._plain import one_line
from ._views import RowView

__all__ = [
    "CARD_PICTURES",
    "LIVE_PICTURES",
    "PICTURE_BYTES",
    "attached",
    "attached_html",
    "attached_lines",
    "fitting",
    "held",
    "picture_type",
    "size_without_pictures",
    "within",
]

PICTURE_BYTES = 900_000
"""The most bytes of a picture that is shown: Jupyter drops outputs that come to some MB within seconds."""
CARD_PICTURES = 1_300_000
"""Characters that the pictures of one card may take together."""
LIVE_PICTURES = 600_000
"""The same while it is live, since its end brings them once more."""
_MOST = 10
_DATA = re.compile(r"data:(image/(?:png|jpe?g|gif|webp));base64,([A-Za-z0-9+/]+={0,2})")
_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,")
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_STARTS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_SHOWN = re.compile(r'<img class="nba-picture" src="[^"]*"')
_SECTION = TypeVar("_SECTION")


def picture_type(data: bytes) -> str | None:
    r"""Return the type of a picture by its first bytes; None if it is none that is shown.

    >>> picture_type(b"\x89PNG\r\n\x1a\n..."), picture_type(b"<svg>")
    ('image/png', None)
    """
    return next((kind for start, kind in _STARTS if start.match(data)), None)


def attached(url: Any, content: Any = None) -> tuple[str, ...]:
    """Return what belongs to a message: pictures as ``data:`` addresses, other addresses, remarks.

    ``url`` is an address, a path or several; of ``content`` the blocks that hold a picture count, also in
    the results of tools.
    """
    given = [url] if isinstance(url, str) else list(url) if isinstance(url, list | tuple) else []
    found = [_seen(str(each)) for each in given[:_MOST]]
    found += [held(block) for block in _blocks(content)]
    return tuple(filter(None, found))[: 2 * _MOST]


def attached_html(things: Sequence[str], agent: str) -> str:
    """Return these as HTML, to stand below what was said."""
    pictures = [each for each in things if _DATA.fullmatch(each)]
    name = escape(one_line(agent, 60))
    shown = "".join(
        f'<img class="nba-picture" src="{each}" alt="picture {number} from {name}">'
        for number, each in enumerate(pictures, 1)
    )
    shown = f'<div class="nba-sub nba-pictures">{shown}</div>' if shown else ""
    # Through Markdown, so that an address is judged by the same list as every other link.
    rest = [
        markdown_to_html(f"<{each.replace(' ', '%20')}>") if _LINK.match(each) else text_to_html(each)
        for each in things
        if not each.startswith("data:")
    ]
    return shown + (f'<div class="nba-sub">{"".join(rest)}</div>' if rest else "")


def attached_lines(things: Sequence[str]) -> list[str]:
    """Return these as lines of plain text."""
    return ["[picture]" if each.startswith("data:") else one_line(each, 300) for each in things]


def within(rows: Iterable[RowView | _SECTION], room: int = CARD_PICTURES) -> list[RowView | _SECTION]:
    """Return the rows with as many of their pictures as there is room for, the newest first."""
    found: list[RowView | _SECTION] = list(rows)
    for place in range(len(found) - 1, -1, -1):
        row = found[place]
        if not isinstance(row, RowView) or not row.attached:
            continue
        kept = fitting(row.attached, room)
        room -= sum(len(each) for each in kept if each.startswith("data:"))
        found[place] = replace(row, attached=kept)
    return found


def fitting(things: Iterable[str], room: int = CARD_PICTURES) -> tuple[str, ...]:
    """Return what belongs to a message with as many of its pictures as there is room for."""
    kept: list[str] = []
    for each in things:
        size = len(each) if each.startswith("data:") else 0
        kept.append(each if size <= room else "a picture for which the card has no room")
        room -= size if size <= room else 0
    return tuple(kept)


def size_without_pictures(html: str) -> int:
    """Return how many bytes a fragment takes, but for the pictures of its messages."""
    return len(_SHOWN.sub("", html).encode())


def held(block: Any) -> str:
    """Return the picture that a block of content holds, or a remark; nothing if it holds none."""
    if not isinstance(block, dict) or block.get("type") != "image":
        return ""
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "base64":
        return _from_address(f"data:{source.get('media_type')};base64,{source.get('data')}")
    url = block.get("url") or (source.get("url") if isinstance(source, dict) else None)
    return _from_address(url) if isinstance(url, str) and url.startswith("data:") else ""


def _blocks(content: Any) -> Iterator[Any]:
    """Yield the blocks of a message, those in the results of tools too."""
    for block in content[:200] if isinstance(content, list) else ():
        yield block
        output = (
            block.get("output") if isinstance(block, dict) and block.get("type") == "tool_result" else None
        )
        if isinstance(output, list):
            yield from output[:200]


def _seen(address: str) -> str:
    if address.startswith("data:"):
        return _from_address(address)
    if _LINK.match(address):
        return one_line(address, 2000)
    return _from_file(address.removeprefix("file://")) or one_line(address, 2000)


def _from_address(address: str) -> str:
    """Return a picture's address as it is, a remark where it is too large, nothing where it is no picture."""
    size = len(address) * 3 // 4
    if size > PICTURE_BYTES + 100:
        return f"a picture of {size / 1e6:.1f} MB, too large to be shown" if _IMAGE.match(address) else ""
    match = _DATA.fullmatch(address)
    try:
        return address if match and picture_type(base64.b64decode(match[2][:32])) else ""
    except binascii.Error:
        return ""


def _from_file(name: str) -> str:
    if name.startswith(("\\\\", "//")):  # on Windows another machine, which would be asked
        return ""
    try:
        path = Path(name).resolve()
        about = path.stat()
        near = any(
            path.is_relative_to(folder.resolve()) for folder in (Path.cwd(), Path(tempfile.gettempdir()))
        )
        if not near or not path.is_file() or about.st_size > PICTURE_BYTES:
            return ""
        return _read(path, about.st_mtime_ns, about.st_size)
    except (OSError, ValueError, RuntimeError):  # no such file, or no path at all
        return ""


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> str:
    data = path.read_bytes()
    kind = picture_type(data)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}" if kind and len(data) == size else ""
