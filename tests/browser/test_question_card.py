"""A person answers from the notebook: the form arrives while a cell waits for the answer, and frees it."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FORM = ".jp-OutputArea-output .nba-asks"
OWN = """\
%load_ext nbagents
from typing import Literal
import pydantic
from nbagents.agents import UserAgent

class Review(pydantic.BaseModel):
    vote: Literal["yes", "no"]
    points: int = pydantic.Field(description="points, of ten")
    sure: bool = True
    why: str | None = None

    @pydantic.field_validator("points")
    @classmethod
    def few(cls, value):
        if value > 10:
            raise ValueError("ten is the most")
        return value

me = UserAgent("me", input_hint="Keep the last line?", choices=["yes", "no"])
"""


def asked(notebook, cell: int) -> None:
    notebook.run(cell, wait=False)
    notebook.page.wait_for_selector(FORM, timeout=30_000)


def test_a_plain_cell_that_waits_is_answered_by_the_form(desk) -> None:
    desk.share()
    desk.write(
        "a.ipynb",
        [
            OWN,
            'x = me("Grey beads on the glass.").content\nx',
            'y = me("And now?", schema=Review)\nprint(y.content, y.metadata)',
            'z = me("Once more").content\nz',
            "print('free')",
        ],
    )
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    asked(notebook, 1)
    assert "execute_result" not in str(notebook.outputs(1))
    page = notebook.page
    assert not page.evaluate(f"document.querySelector('{FORM}').contains(document.activeElement)")
    notebook.picture("question-light", FORM)
    page.set_viewport_size({"width": 400, "height": 900})
    notebook.picture("question-narrow", FORM)
    page.set_viewport_size({"width": 1280, "height": 900})
    assert Axe().run(page, context=FORM, options={"resultTypes": ["violations"]}).violations_count == 0
    page.locator(f"{FORM} textarea").press("Enter")  # an empty answer is not sent by accident
    page.wait_for_selector(f"{FORM} .nba-said:has-text('pick an answer, write one, or skip')")
    page.get_by_role("button", name="yes", exact=True).click()
    notebook.finished()
    assert "'yes'" in notebook.text(1)
    text = notebook.wait_text(1, "you answered: “yes”")
    assert "me was asked: “Keep the last line?”" in text
    assert "application/vnd.jupyter.widget-view+json" not in str(notebook.outputs(1))

    asked(notebook, 2)
    points = page.get_by_label("points, of ten")
    points.fill("eleven")
    page.get_by_label("Why").press("Enter")
    page.wait_for_selector(f"{FORM} .nba-wrong:has-text('a whole number is wanted')")
    assert "is needed" in page.locator(FORM).inner_text()
    notebook.picture("question-refused", FORM)
    page.get_by_label("Vote").select_option("no")
    points.fill("11")
    points.press("Enter")
    page.wait_for_selector(f"{FORM} .nba-wrong:has-text('ten is the most')")
    points.fill("7")
    points.press("Enter")
    notebook.finished()
    assert "{'vote': 'no', 'points': 7, 'sure': True}" in notebook.text(2)

    asked(notebook, 3)
    began = time.monotonic()
    notebook.command("notebook:interrupt-kernel")
    notebook.finished()
    assert time.monotonic() - began < 3
    notebook.wait_text(3, "stopped before it was answered")
    notebook.run(4)
    assert notebook.text(4).strip() == "free"


def test_a_person_in_a_pipeline_is_asked_below_the_run(desk) -> None:
    desk.share()
    desk.write(
        "a.ipynb",
        [
            "%load_ext nbagents",
            "%%agent poet -m demo\nYou write four short lines about what you are asked.",
            "%%agent me --kind user\nKeep the last line?",
            "%%agent editor -m demo\nYou are a strict editor.",
            "%%pipeline poet -> me -> editor -o said\nWrite about rain.",
            "said.content",
        ],
    )
    notebook = desk.open("a.ipynb")
    for cell in range(4):
        notebook.run(cell)
    asked(notebook, 4)
    page = notebook.page
    page.wait_for_selector(".nba-run :text('waiting for you')")
    notebook.picture("question-in-pipeline")
    box = page.get_by_label("your answer", exact=True).and_(page.locator("textarea"))
    box.fill("Keep it, but say <b>rain</b> twice.")
    box.press("Enter")
    notebook.finished()
    text = notebook.wait_text(4, "you answered: “Keep it, but say <b>rain</b> twice.”")
    assert text.count("me was asked: “Keep the last line?”") == 1
    assert "✓ done" in text
    notebook.picture("question-answered")
    assert page.locator(".jp-OutputArea-output b", has_text="rain").count() == 0
    notebook.run(5)
    assert notebook.text(5)


def test_the_default_answers_when_the_clock_is_over_and_escape_takes_it_at_once(desk) -> None:
    desk.share()
    ask = 'UserAgent("me", "Keep it?", default="keep it", timeout={})()'
    desk.write(
        "a.ipynb",
        [
            OWN,
            f"{ask.format(6)}.content",
            f"await {ask.format(60)}",
            'UserAgent("me", "Keep it?", timeout=1)().content',
        ],
    )
    notebook = desk.open("a.ipynb", width=400, dark=True)
    notebook.use_theme("JupyterLab Dark")
    notebook.run(0)
    asked(notebook, 1)
    notebook.page.wait_for_selector(f"{FORM} .nba-clock:has-text('answers “keep it” in 0:0')")
    notebook.picture("question-dark-narrow", FORM)
    found = Axe().run(notebook.page, context=FORM, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0
    notebook.finished()
    assert "'keep it'" in notebook.text(1)
    notebook.wait_text(1, "nobody answered; taken instead: “keep it”")
    asked(notebook, 2)
    clock = notebook.page.locator(f"{FORM} .nba-clock", has_text=re.compile(r"in 0:(?!00)"))
    clock.wait_for()
    before = int(clock.inner_text().rpartition(":")[2])
    notebook.save()
    # A page that comes later, and whose own clock is wrong, goes on where the other was.
    notebook.page.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000")
    notebook.page.goto(f"{notebook.page.url}?token=secret")
    clock.wait_for(timeout=60_000)
    left = int(clock.inner_text().rpartition(":")[2])
    assert 0 < left < before
    notebook.page.locator(f"{FORM} textarea").press("Escape")
    notebook.page.wait_for_selector(".jp-OutputArea:has-text('taken instead: “keep it”') >> nth=1")
    assert notebook.page.evaluate("document.activeElement.closest('.jp-Cell') !== null")  # the keyboard stays
    notebook.wait_idle()
    notebook.run(3)
    assert "TimeoutError" in notebook.wait_text(3, "nobody answered in time")


EXTENSION = Path(__file__).parents[2] / "nbagents" / "serverext" / "nbagents.json"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_through_the_extension_it_is_answered_though_the_kernel_hears_no_form(desk, tmp_path, app) -> None:
    enabled = tmp_path / "etc" / "jupyter_server_config.d"
    enabled.mkdir(parents=True)
    shutil.copy(EXTENSION, enabled)
    settings = tmp_path / ".own" / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "kernels-settings.jupyterlab-settings").write_text('{"commsOverSubshells": "disabled"}')
    desk.start(app, JUPYTER_CONFIG_PATH=str(tmp_path / "etc"))
    desk.write(
        "a.ipynb",
        [
            OWN,
            'x = me("Grey beads on the glass.", schema=Review).content\nx',
            "%%agent you --kind user\nKeep the last line?",
            'y = you("Shall we?").content\ny',
            "z = me().content\nz",
        ],
    )
    notebook = desk.open("a.ipynb")
    notebook.run(0)
    notebook.run(2)
    for cell, who in ((1, "me"), (3, "you")):
        asked(notebook, cell)
        box = notebook.page.locator(f"{FORM} textarea")
        if cell == 1:
            box.press("Enter")
            notebook.page.wait_for_selector(f"{FORM} .nba-wrong:has-text('is needed')")
            notebook.page.get_by_label("Vote").select_option("no")
            notebook.page.get_by_label("points, of ten").fill("11")
            notebook.page.get_by_label("points, of ten").press("Enter")
            notebook.page.wait_for_selector(f"{FORM} .nba-wrong:has-text('ten is the most')")
            notebook.page.get_by_label("points, of ten").fill("3")
        box.fill(f"said by {who}")
        box.press("Enter")
        notebook.finished()
        assert f"'said by {who}'" in notebook.text(cell)
        notebook.wait_text(cell, f"you answered: “said by {who}”")
    posts = [url.rpartition("/")[2] for url in notebook.requests if "/questions/" in url]
    assert sorted(posts) == ["answer"] * 4 + ["shown"] * 2

    # Another page of this user answers what this one has asked.
    asked(notebook, 4)
    server = desk.servers[-1]
    (about,) = server.api("nbagents/api/servers")
    (question,) = server.api(f"nbagents/api/servers/{about['id']}/questions")
    assert question["prompt"] == "Keep the last line?"
    path = f"nbagents/api/servers/{about['id']}/questions/{question['id']}/answer"
    answer = server.api(path, "POST", {"text": "no"})
    assert answer == {"answered": True}
    notebook.finished()
    assert "'no'" in notebook.text(4)


def test_what_was_asked_before_the_kernel_was_restarted_is_answered_after_it(desk) -> None:
    desk.share()
    desk.write(
        "a.ipynb",
        [
            "%load_ext nbagents",
            "%%agent poet -m demo\nYou write four short lines about what you are asked.",
            "%%agent me --kind user\nKeep the last line?",
            "%%agent editor -m demo\nYou are a strict editor.",
            "%%pipeline poet -> me -> editor -b\nWrite about rain.",
            "print([m.name for m in editor.memory.get_memory()])",
        ],
    )
    notebook = desk.open("a.ipynb")
    for cell in range(4):
        notebook.run(cell)
    asked(notebook, 4)
    notebook.restart_kernel()
    notebook.run(0)
    form = notebook.page.locator(".jp-Cell").nth(0).locator(".nba-asks")
    form.locator("textarea").fill("Keep it.")
    notebook.picture("question-after-restart")
    form.locator("textarea").press("Enter")
    notebook.wait_text(0, "you answered: “Keep it.”")
    notebook.page.wait_for_timeout(1000)
    notebook.run(5)
    notebook.wait_text(5, "['me', 'editor']")
