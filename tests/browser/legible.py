"""`legible`: how what a notebook shows looks, light and dark, wide and narrow, measured in the browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axe_playwright_python.sync_playwright import Axe

__all__ = ["LOOKS", "legible", "serious"]

# Every text in an output, with the colour it has and the colour behind it.
COLOURS = """
() => [...document.querySelectorAll('.jp-OutputArea-output *')].flatMap(e => {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  const box = e.getBoundingClientRect();
  if (!own || !box.width || !box.height || getComputedStyle(e).visibility === 'hidden') return [];
  if (e.closest('[aria-hidden="true"]')) return [];
  let behind = e, back = 'rgba(0, 0, 0, 0)';
  while (behind && /rgba\\(.*, 0\\)|transparent/.test(back)) {
    back = getComputedStyle(behind).backgroundColor;
    behind = behind.parentElement;
  }
  return [[e.textContent.trim().slice(0, 40), getComputedStyle(e).color, back]];
})
"""
TOO_WIDE = """
() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => [e.scrollWidth, e.clientWidth, e.innerText.slice(0, 60)])
"""
LOOKS = [(theme, width) for theme in ("Light", "Dark") for width in (1280, 400)]


def legible(notebook: Any, name: str, pictured: Mapping[str, int] | Iterable[int] = ()) -> None:
    """See that all texts stand out, nothing is cut off and axe finds nothing serious; take pictures of cells.

    Axe looks once at each theme and at each width.
    """
    page = notebook.page
    cells = pictured if isinstance(pictured, Mapping) else {f"cell{index}": index for index in pictured}
    for theme, width in LOOKS:
        notebook.use_theme(f"JupyterLab {theme}")
        page.emulate_media(color_scheme="dark" if theme == "Dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        look = f"{name}-{theme.lower()}-{width}"
        for shown, index in cells.items():
            page.locator(".jp-Notebook .jp-Cell").nth(index).scroll_into_view_if_needed()
            notebook.picture(f"{look}-{shown}")
        texts = page.evaluate(COLOURS)
        assert len(texts) > 30
        faint = [(text, fore, back) for text, fore, back in texts if _contrast(fore, back) < 4.5]
        assert faint == [], (look, faint)
        assert page.evaluate(TOO_WIDE) == [], look
        if (theme, width) in (LOOKS[0], LOOKS[-1]):
            assert serious(page) == [], look


def serious(page: Any) -> list[Any]:
    """Return what axe finds serious in the outputs."""
    found = Axe().run(page, context={"include": [[".jp-OutputArea-output"]]})
    bad = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    return [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in bad]


def _luminance(colour: str) -> float:
    parts = [float(p) for p in colour[colour.index("(") + 1 : -1].replace(",", " ").split()[:3]]
    if colour.startswith("color(srgb"):
        parts = [255 * float(p) for p in colour[colour.index("(") + 1 : -1].split()[1:4]]
    linear = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
