"""Pictures by rule: the colors and shapes that a text names, on a ground that the text decides. PNG."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable

__all__ = ["SIDE", "paint"]

SIDE = 128
"""Pixels of a side; whatever size is asked for, the demo model paints small."""

Color = tuple[int, int, int]
Shape = Callable[[float, float], bool]
"""Does a point, from -1 to 1 both ways, belong to the shape?"""

_COLORS: dict[str, Color] = {
    "black": (20, 20, 24),
    "blue": (52, 101, 196),
    "brown": (121, 85, 58),
    "gold": (222, 175, 60),
    "gray": (140, 146, 152),
    "green": (70, 150, 90),
    "grey": (140, 146, 152),
    "orange": (235, 140, 52),
    "pink": (236, 140, 170),
    "purple": (126, 87, 194),
    "red": (208, 60, 58),
    "silver": (196, 201, 206),
    "white": (246, 246, 242),
    "yellow": (240, 208, 70),
}
_SHAPES: dict[str, tuple[str, Shape]] = {
    "sun": ("yellow", lambda x, y: (x - 0.4) ** 2 + (y + 0.45) ** 2 < 0.09),
    "moon": (
        "white",
        lambda x, y: (x - 0.4) ** 2 + (y + 0.45) ** 2 < 0.09 < (x - 0.55) ** 2 + (y + 0.52) ** 2,
    ),
    "star": ("gold", lambda x, y: abs(x) ** 0.5 + abs(y + 0.3) ** 0.5 < 0.6),
    "house": (
        "brown",
        lambda x, y: (abs(x + 0.3) < 0.35 and 0 < y < 0.7) or (-0.45 < y <= 0 and abs(x + 0.3) < y + 0.45),
    ),
    "mountain": ("gray", lambda x, y: y > abs(x - 0.2) * 1.1 - 0.35 or y > abs(x + 0.5) * 1.2),
    "tree": (
        "green",
        lambda x, y: (x - 0.5) ** 2 + (y - 0.1) ** 2 < 0.08 or (abs(x - 0.5) < 0.05 and 0.2 < y < 0.8),
    ),
    "rain": ("blue", lambda x, y: (x * 9 + y * 3) % 2 < 0.25 and (y * 5 + x * 2) % 2 < 1.1),
    "sea": ("blue", lambda x, y: y > 0.4),
    "circle": ("red", lambda x, y: x * x + y * y < 0.25),
    "square": ("blue", lambda x, y: max(abs(x), abs(y)) < 0.45),
    "triangle": ("green", lambda x, y: -0.5 < y < 0.5 and abs(x) < (y + 0.5) * 0.55),
}


def paint(text: str, index: int = 0) -> bytes:
    r"""Return a small PNG for a text; ``index`` tells several for the same text apart.

    >>> paint("a red circle")[:8], paint("a red circle") == paint("a red circle", 1)
    (b'\x89PNG\r\n\x1a\n', False)
    """
    layers = _layers(text)
    seed = hashlib.blake2b(f"{index} {text}".encode(), digest_size=6).digest()
    above, below = _soft(seed[:3]), _soft(seed[3:])
    rows = bytearray()
    for row in range(SIDE):
        y = 2 * row / (SIDE - 1) - 1
        share = row / (SIDE - 1)
        ground = tuple(round(a * (1 - share) + b * share) for a, b in zip(above, below, strict=True))
        rows.append(0)  # no filter
        for column in range(SIDE):
            x = 2 * column / (SIDE - 1) - 1
            color = next((color for color, shape in reversed(layers) if shape(x, y)), ground)
            rows += bytes(color)
    return _png(bytes(rows))


def _layers(text: str) -> list[tuple[Color, Shape]]:
    """Return what to paint, the nearest last; a color that is named belongs to the next shape."""
    found: dict[str, Color] = {}
    color: Color | None = None
    for word in re.findall(r"[a-z]+", text.lower()):
        color = _COLORS.get(word, color)
        name = word if word in _SHAPES else word.removesuffix("s")
        if name in _SHAPES:
            found[name] = color or _COLORS[_SHAPES[name][0]]
            color = None
    found = found or {"circle": color or _COLORS["red"]}
    return [(found[name], shape) for name, (_, shape) in _SHAPES.items() if name in found]


def _soft(seed: bytes) -> Color:
    red, green, blue = (170 + value % 80 for value in seed)
    return red, green, blue


def _png(rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    said = b"Software\0nbagents offline demo model, scripted: not an AI"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", said)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
