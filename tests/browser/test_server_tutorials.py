"""The tutorials about agent servers as a newcomer meets them, in a real JupyterLab."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
# The one error that each tutorial shows on purpose.
WANTED = {"02-agents-on-servers": ["AgentCreationError"], "03-when-a-server-dies": []}
PICTURED = (4, 7, 8, 10)
TOO_WIDE = """
() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => [e.scrollWidth, e.clientWidth, e.innerText.slice(0, 60)])
"""


@pytest.mark.parametrize("stem", WANTED)
def test_a_tutorial_shows_what_it_says_and_nothing_else(desk, stem) -> None:
    desk.share()
    cells = desk.write_tutorial(f"{stem}.ipynb")
    notebook = desk.open(f"{stem}.ipynb")
    for index in cells:
        notebook.run(index)
    outputs = [output for index in cells for output in notebook.outputs(index)]
    errors = [output["ename"] for output in outputs if output["output_type"] == "error"]
    assert errors == WANTED[stem]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.use_theme(theme)
        for width in (1280, 400):
            notebook.page.set_viewport_size({"width": width, "height": 900})
            name = f"{stem[:2]}-{theme.split()[1].lower()}-{width}"
            for number in PICTURED:
                cell = notebook.page.locator(".jp-Notebook .jp-Cell").nth(cells[number])
                cell.scroll_into_view_if_needed()
                notebook.picture(f"{name}-cell{number}")
            assert notebook.page.evaluate(TOO_WIDE) == [], name
