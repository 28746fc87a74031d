"""How it looks: light and dark, wide and narrow, measured in the browser; the pictures are kept."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
NAME = "01-first-conversation.ipynb"
CARD = ".jp-OutputArea-output .nba"

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


def luminance(colour: str) -> float:
    parts = [float(p) for p in colour[colour.index("(") + 1 : -1].replace(",", " ").split()[:3]]
    if colour.startswith("color(srgb"):
        parts = [255 * float(p) for p in colour[colour.index("(") + 1 : -1].split()[1:4]]
    linear = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_tutorial_is_legible_light_and_dark_wide_and_narrow(desk, app) -> None:
    desk.start(app)
    cells = desk.write_tutorial(NAME)
    notebook = desk.open(NAME)
    for index in cells:
        notebook.run(index)
    notebook.save()
    notebook.close()
    desk.servers[-1].close_kernels()
    for dark in (False, True):
        for width in (1280, 400):
            shown = desk.open(NAME, width=width, dark=dark)
            if dark:
                shown.use_theme("JupyterLab Dark")
            name = f"{app}-{'dark' if dark else 'light'}-{width}"
            for number, index in enumerate(cells):
                shown.page.locator(".jp-Notebook .jp-Cell").nth(index).scroll_into_view_if_needed()
                if number in (0, 4, 6, 8):
                    shown.picture(f"{name}-cell{number}")
            texts = shown.page.evaluate(COLOURS)
            assert len(texts) > 30
            faint = [(text, fore, back) for text, fore, back in texts if contrast(fore, back) < 4.5]
            assert faint == [], name
            assert shown.page.evaluate(TOO_WIDE) == [], name
            found = Axe().run(shown.page, context={"include": [[".jp-OutputArea-output"]]})
            serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
            assert [(v["id"], [n["html"][:200] for n in v["nodes"][:2]]) for v in serious] == [], name
            shown.close()
