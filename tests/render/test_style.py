"""Colours that can be read, and a sheet that stays in its place."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nbagents.render import RunView, run_html
from nbagents.render._style import DARK, LIGHT, color_class, sheet

# The grounds of our own fallback, of JupyterLab's themes, and of the table that the colours were made for.
GROUNDS_LIGHT = ("#ffffff", "#f5f5f5")
GROUNDS_DARK = ("#1e1e1e", "#111111", "#212121")


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _values() -> tuple[dict[str, str], dict[str, str]]:
    """The values of the sheet's tokens, light and dark."""
    blocks = [b for b in re.findall(r"\{([^{}]*)\}", sheet()) if "color-scheme:" in b]
    found = [dict(re.findall(r"--nba-([a-z0-9]+):(#[0-9a-f]{3,6})", block)) for block in blocks]
    full = [
        {k: v if len(v) == 7 else "#" + "".join(c * 2 for c in v[1:]) for k, v in f.items()} for f in found
    ]
    assert full[1] == full[2]
    return full[0], full[1]


@pytest.mark.parametrize("color", LIGHT)
@pytest.mark.parametrize("ground", GROUNDS_LIGHT)
def test_names_can_be_read_on_light(color: str, ground: str):
    assert _contrast(color, ground) >= 4.5


@pytest.mark.parametrize("color", DARK)
@pytest.mark.parametrize("ground", GROUNDS_DARK)
def test_names_can_be_read_on_dark(color: str, ground: str):
    assert _contrast(color, ground) >= 4.5


def test_letters_can_be_read_on_their_avatars():
    light, dark = _values()
    assert min(_contrast(light["ink"], color) for color in (*LIGHT, light["n"])) >= 4.5
    assert min(_contrast(dark["ink"], color) for color in (*DARK, dark["n"])) >= 4.5


@pytest.mark.parametrize("token", ["fg0", "dim", "n", "ok", "amber", "bad", "link"])
def test_every_ink_can_be_read_on_every_ground(token: str):
    light, dark = _values()
    assert min(_contrast(light[token], ground) for ground in (*GROUNDS_LIGHT, light["alt0"])) >= 4.5
    assert min(_contrast(dark[token], ground) for ground in (*GROUNDS_DARK, dark["alt0"])) >= 4.5


def test_errors_can_be_read_on_their_tint():
    for values in _values():
        assert _contrast(values["badfg"], values["badbg"]) >= 7
        assert _contrast(values["bad"], values["badbg"]) >= 4.5


def test_the_ninth_agent_can_be_told_from_the_first():
    classes = {color_class(index) for index in range(24)}
    assert len(classes) == 24
    assert color_class(None) not in classes


def test_the_sheet_touches_nothing_else():
    css = re.sub(r"@keyframes nba-blink\{[^}]*\}\}", "", sheet()[7:-8])
    css = re.sub(r"@(?:media|container)[^{]*\{", "", css)
    selectors = re.findall(r"([^{}]+)\{[^{}]*\}", css)
    assert len(selectors) > 100
    for selector in selectors:
        while "(" in selector:
            selector = re.sub(r"\([^()]*\)", "", selector)
        for one in selector.split(","):
            assert re.search(r"\.nba(?![-\w])", one), one
    assert "url(" not in css
    assert "@import" not in css


def test_a_fragment_brings_only_the_rules_it_needs():
    html = run_html(RunView("r"))
    assert ".nba-lanes" not in html
    assert len(sheet(html)) < len(sheet()) / 1.5


THEMES = {
    "notebook light": ('<body data-jp-theme-light="true">', "dark", "light"),
    "notebook dark": ('<body data-jp-theme-light="false">', "light", "dark"),
    "editor light": ('<body class="vscode-light">', "dark", "light"),
    "editor dark": ('<body class="vscode-dark">', "light", "dark"),
    "no theme, light": ("<body>", "light", "light"),
    "no theme, dark": ("<body>", "dark", "dark"),
}


@pytest.mark.browser
@pytest.mark.parametrize("name", THEMES)
def test_the_front_ends_theme_wins_over_the_systems(chromium: Any, full_run: RunView, name: str):
    body, system, expected = THEMES[name]
    page = chromium.new_page(color_scheme=system)
    page.set_content(f"<!doctype html>{body}{run_html(full_run)}</body>")
    look = (
        "(e => [e.colorScheme, e.backgroundColor, e.color])(getComputedStyle(document.querySelector('.nba')))"
    )
    scheme, ground, ink = page.evaluate(look)
    name_ink = page.evaluate("getComputedStyle(document.querySelector('.nba-c0 .nba-name')).color")
    page.close()
    assert scheme == expected
    assert ground == ("rgb(255, 255, 255)" if expected == "light" else "rgb(30, 30, 30)")
    assert ink == ("rgb(31, 31, 31)" if expected == "light" else "rgb(227, 227, 227)")
    assert name_ink == ("rgb(44, 110, 186)" if expected == "light" else "rgb(110, 162, 221)")
