"""The run card while its cell runs, in the page: it streams, it stops one agent, it survives a reload."""

from __future__ import annotations

import re
from typing import Any

import pytest
from legible import LOOKS, serious

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CARD = ".nba-live.nba-run"
CELLS = [
    "%load_ext nbagents",
    "%%agent alice -m demo-long\nYou are a lecturer.",
    "%%agent bob -m demo-long\nYou are a lecturer.",
    "%%agents alice bob\nTell me *everything* about rain.",
    "print('free')",
]
ASKS = 3
LONG = """\
import asyncio
from nbagents import AgentBase, Msg, events

class Talker(AgentBase):
    async def reply(self, x=None):
        for n in range(900):
            word = "$x^{2}$\\n\\n" if n == 0 else f"word {n}" + (".\\n\\n" if n % 20 == 19 else " ")
            events.emit("delta", text=word)
            await asyncio.sleep(0.1)
        return Msg(self.name, "done")
"""
OWN_CELLS = [
    "%load_ext nbagents",
    LONG,
    "alice, bob = Talker('alice'), Talker('bob')",
    "%%agents alice bob\nTalk.",
    "print('free')",
]


def _row(notebook: Any, agent: str) -> Any:
    return notebook.page.locator(f'{CARD} article[aria-label^="{agent},"]')


def _open(desk: Any, app: str, *, cells: list[str] = CELLS, own: bool = False) -> Any:
    (desk.start if own else desk.share)(app)
    desk.write("a.ipynb", cells)
    notebook = desk.open("a.ipynb")
    for index in range(ASKS):
        notebook.run(index)
    return notebook


def _begin(notebook: Any, *, words: int = 20) -> None:
    notebook.run(ASKS, wait=False)
    notebook.page.wait_for_selector(f"{CARD} .nba-tail", state="attached", timeout=30_000)
    _grows(notebook, "bob", words)


def _grows(notebook: Any, agent: str, words: int) -> None:
    notebook.page.wait_for_function(
        """([label, words]) => {
          const row = document.querySelector(`.nba-live article[aria-label^="${label},"] .nba-growing`);
          return row && row.innerText.split(/\\s+/).length > words;
        }""",
        arg=[agent, words],
    )


def _seconds(notebook: Any) -> float:
    """What the clock of the run says."""
    facts = notebook.page.locator(f"{CARD} .nba-top > .nba-meta").inner_text()
    minutes, seconds = re.search(r"(?:(\d+) min )?([\d.]+)(?: s)?", facts).groups()
    return 60 * int(minutes or 0) + float(seconds)


def _words(notebook: Any, agent: str) -> int:
    return len(_row(notebook, agent).inner_text().split())


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_it_streams_stops_one_agent_while_the_cell_runs_and_is_frozen_afterwards(desk, app: str) -> None:
    notebook = _open(desk, app)
    page = notebook.page
    _begin(notebook)
    assert "is writing" in _row(notebook, "alice").inner_text()
    before = _words(notebook, "bob")
    page.get_by_role("button", name="stop alice").click()
    page.wait_for_selector(f"{CARD} article .nba-stopped", timeout=5_000)
    assert "stopped by you after" in _row(notebook, "alice").inner_text()
    assert "is writing" in _row(notebook, "bob").inner_text()
    _grows(notebook, "bob", before + 10)
    page.get_by_role("tab", name="Timeline").click()
    lane = page.locator(f"{CARD} .nba-lanes tr", has_text="alice")
    assert re.search(r"\d\.\d–\d\.\d\ss \(stopped\)", lane.inner_text())
    assert "since" in page.locator(f"{CARD} .nba-lanes tr", has_text="bob").inner_text()
    page.get_by_role("tab", name="Raw").click()
    assert "bob · running" in page.locator(f"{CARD} .nba-raw").inner_text()
    page.get_by_role("button", name="stop run").click()
    notebook.finished()
    notebook.wait_idle()
    page.wait_for_selector(CARD, state="detached")
    output = notebook.outputs(ASKS)[0]
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert "<script" not in output["data"]["text/html"]
    assert len("".join(output["data"]["text/html"])) <= 30_000
    assert notebook.shown(ASKS).count("■ stopped") >= 3
    notebook.run(ASKS + 1)
    assert "free" in notebook.text(ASKS + 1)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_page_that_is_loaded_anew_in_mid_run_has_the_live_card_again(desk, app: str) -> None:
    notebook = _open(desk, app, cells=OWN_CELLS)
    _begin(notebook)
    notebook.save()
    address = notebook.page.url
    before = _seconds(notebook)
    # The clock of the page that comes is wrong by an hour: it goes by the kernel's.
    notebook.page.add_init_script("const now = Date.now; Date.now = () => now() + 3_600_000")
    notebook.page.goto(f"{address}{'&' if '?' in address else '?'}token=secret")
    notebook.page.wait_for_selector(f"{CARD} .nba-tail", state="attached", timeout=60_000)
    _grows(notebook, "bob", _words(notebook, "bob") + 10)
    assert before < _seconds(notebook) < before + 100
    notebook.page.wait_for_selector(
        f"{CARD} .nba-grown mjx-container"
    )  # a formula, while the text still grows
    notebook.page.get_by_role("button", name="stop alice").click()
    notebook.page.wait_for_selector(f"{CARD} article .nba-stopped", timeout=5_000)
    notebook.page.get_by_role("button", name="stop run").click()
    notebook.page.wait_for_selector(CARD, state="detached")
    assert "■ stopped" in notebook.shown(ASKS)
    # The notebook did not hear how its cell ended: what it keeps is put right all the same.
    notebook.page.wait_for_function(
        "(i) => !JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.cells.get(i)"
        ".sharedModel.toJSON().outputs).includes('widget-view')",
        arg=ASKS,
    )
    assert set(notebook.outputs(ASKS)[0]["data"]) == {"text/html", "text/plain"}
    assert "■ stopped" in notebook.shown(ASKS)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_stop_gets_through_while_a_blocking_cell_holds_the_kernel(desk, app: str) -> None:
    blocking = (
        "from nbagents.runs import Run\nfrom nbagents.widgets import RunCard\nrun = Run('held')\n"
        "with RunCard(run, get_ipython()), run:\n"
        "    replies = [alice(), bob()]\n"
        "    for reply in replies:\n"
        "        try:\n            reply.result()\n"
        "        except Exception as error:\n            print(type(error).__name__)\n"
    )
    notebook = _open(desk, app, cells=[*OWN_CELLS[:ASKS], blocking, OWN_CELLS[-1]])
    _begin(notebook)
    notebook.page.get_by_role("button", name="stop alice").click()
    notebook.page.wait_for_selector(f"{CARD} article .nba-stopped", timeout=5_000)
    assert "is writing" in _row(notebook, "bob").inner_text()
    notebook.page.get_by_role("button", name="stop run").click()
    notebook.finished()
    notebook.wait_idle()
    assert notebook.text(ASKS).count("CallStoppedError") == 2
    assert "■ stopped" in notebook.shown(ASKS)


def test_a_stop_needs_no_kernel_that_listens(desk) -> None:
    settings = desk.folder / ".own" / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "kernels-settings.jupyterlab-settings").write_text('{"commsOverSubshells": "disabled"}')
    busy = "while not all(reply.done() for reply in said): sum(range(1000))\nprint('free')"
    cells = [*CELLS[:ASKS], "%%agents alice bob -b -o said\nTell me of rain.", busy]
    notebook = _open(desk, "lab", cells=cells, own=True)
    _begin(notebook)
    notebook.run(ASKS + 1, wait=False)  # from here on the kernel computes, and hears nothing of the page
    before = _words(notebook, "bob")
    notebook.page.get_by_role("button", name="stop alice").click()
    notebook.page.wait_for_selector(f"{CARD} article .nba-stopped", timeout=10_000)
    _grows(notebook, "bob", before)
    assert notebook.text(ASKS + 1) == ""
    notebook.page.get_by_role("button", name="stop run").click()
    notebook.finished()
    assert "free" in notebook.text(ASKS + 1)
    notebook.page.wait_for_selector(CARD, state="detached")
    assert notebook.shown(ASKS).count("stopped by you") >= 2
    assert len([url for url in notebook.requests if url.endswith("/stop")]) == 2


def test_a_cell_whose_one_agent_was_stopped_goes_on_to_its_end_without_an_error(desk) -> None:
    short = LONG.replace("range(900)", "range(900 if self.name == 'alice' else 60)")
    notebook = _open(
        desk, "lab", cells=[OWN_CELLS[0], short, *OWN_CELLS[2:ASKS], "%%agents alice bob -o said\nTalk."]
    )
    _begin(notebook)
    notebook.page.get_by_role("button", name="stop alice").click()
    notebook.finished()
    notebook.wait_idle()
    assert [output["output_type"] for output in notebook.outputs(ASKS)] == ["display_data"]
    shown = notebook.shown(ASKS)
    assert "alice was stopped by you; the others went on" in shown
    assert "done" in shown


def test_keys_walk_through_it_find_and_stop_and_never_reach_the_notebook(desk) -> None:
    notebook = _open(desk, "lab", cells=OWN_CELLS)
    page = notebook.page
    _begin(notebook, words=60)
    cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length")
    page.get_by_role("tab", name="Chat").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Timeline").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("/")
    page.keyboard.type("WORD 1 ")
    assert page.locator(f"{CARD} .nba-count").inner_text() == "1 of 2"
    page.keyboard.press("Enter")
    assert page.locator(f"{CARD} .nba-count").inner_text() == "2 of 2"
    page.keyboard.press("Escape")
    assert _focused(page) == "alice, message 1 of 2"
    page.keyboard.press("ArrowDown")
    assert _focused(page) == "bob, message 2 of 2"
    page.keyboard.press("Enter")
    assert "nba-wide" in _row(notebook, "bob").get_attribute("class")
    for key in "ddxb":
        page.keyboard.press(key)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length") == cells
    page.keyboard.press("s")
    page.wait_for_selector(f'{CARD} article[aria-label^="bob,"] .nba-stopped', timeout=5_000)
    assert _focused(page) == "bob, message 2 of 2"
    assert "is writing" in _row(notebook, "alice").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.nba-live')") is None
    assert page.evaluate("document.activeElement !== document.body")
    page.get_by_role("button", name="stop run").click()
    notebook.finished()


def _focused(page: Any) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_who_has_scrolled_up_is_left_there_and_told_of_what_is_new(desk) -> None:
    notebook = _open(desk, "lab", cells=OWN_CELLS)
    page = notebook.page
    _begin(notebook)
    page.evaluate("document.querySelectorAll('.nba-live .nba-row').forEach(r => r.classList.add('nba-wide'))")
    page.wait_for_function(
        "(p => p.scrollHeight > p.clientHeight + 60)(document.querySelector('.nba-panel'))"
    )
    page.locator(f"{CARD} .nba-panel").hover()
    page.mouse.wheel(0, -2000)
    page.wait_for_selector(f"{CARD} .nba-fresh", state="visible")
    top = page.evaluate("document.querySelector('.nba-panel').scrollTop")
    _grows(notebook, "bob", _words(notebook, "bob") + 15)
    assert page.evaluate("document.querySelector('.nba-panel').scrollTop") == top
    page.locator(f"{CARD} .nba-fresh").click()
    page.wait_for_selector(f"{CARD} .nba-fresh", state="hidden")
    page.get_by_role("button", name="stop run").click()
    notebook.finished()


def test_it_looks_right_and_axe_finds_nothing_serious(desk) -> None:
    notebook = _open(desk, "lab", cells=[OWN_CELLS[0], LONG, OWN_CELLS[2], CELLS[ASKS]])
    page = notebook.page
    _begin(notebook, words=60)
    for theme, width in LOOKS:
        notebook.use_theme(f"JupyterLab {theme}")
        page.emulate_media(color_scheme="dark" if theme == "Dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        for tab in ("Chat", "Timeline", "Graph", "Raw"):
            page.get_by_role("tab", name=tab).click()
            notebook.picture(f"live-{theme.lower()}-{width}-{tab.lower()}", CARD)
            if (theme, width) in (LOOKS[0], LOOKS[-1]):
                assert serious(page) == [], tab
            wide = page.evaluate(f"(c => c.scrollWidth - c.clientWidth)(document.querySelector('{CARD}'))")
            assert wide <= 1, (theme, width, tab)
        assert page.evaluate(f"document.querySelector('{CARD} .nba-panel').clientHeight") <= 480
    page.get_by_role("tab", name="Chat").click()
    page.wait_for_selector(f"{CARD} .nba-growing.nba-over")  # its beginning fades, and is not cut
    notebook.picture("live-fades", CARD)
    page.get_by_role("button", name="stop run").click()
    notebook.finished()


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_who_speaks_to_whom_is_drawn_while_they_speak_and_in_the_saved_output(desk, app: str) -> None:
    quick = LONG.replace("range(900)", "range(900 if self.name == 'bob' else 5)")
    talk = "%%pipeline alice -> bob --view graph\nTalk."
    notebook = _open(desk, app, cells=[OWN_CELLS[0], quick, OWN_CELLS[2], talk])
    page, before = notebook.page, len(notebook.requests)
    notebook.run(ASKS, wait=False)
    page.wait_for_selector(f"{CARD} .nba-graph svg", timeout=30_000)
    # The first live output of a page finds all that draws it there already.
    assert [url for url in notebook.requests[before:] if "/labextensions/" in url] == []
    assert page.get_by_role("tab", name="Graph").get_attribute("aria-selected") == "true"
    page.wait_for_selector(f"{CARD} .nba-graph li:has-text('alice → bob: 1')")
    notebook.picture(f"graph-{app}-live", CARD)
    _choose_in_the_graph(notebook, app)
    page.get_by_role("tab", name="Chat").click()
    assert "is writing" in _row(notebook, "bob").inner_text()
    page.get_by_role("button", name="stop run").click()
    notebook.finished()
    page.wait_for_selector(CARD, state="detached")
    html = "".join(notebook.outputs(ASKS)[0]["data"]["text/html"])
    assert "<svg" in html
    assert "alice → bob: 1" in html
    assert len(html.encode()) <= 30_000
    for theme, width in LOOKS:
        notebook.use_theme(f"JupyterLab {theme}")
        page.emulate_media(color_scheme="dark" if theme == "Dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        notebook.picture(f"graph-{app}-{theme.lower()}-{width}", ".nba-run")


def _choose_in_the_graph(notebook: Any, app: str) -> None:
    """Choose who spoke to whom, with the pointer and by keys: the chat shows these and the way back."""
    page = notebook.page
    alice, bob, bar = _row(notebook, "alice"), _row(notebook, "bob"), page.locator(f"{CARD} .nba-only")
    arrow = page.locator(f"{CARD} .nba-graph g", has=page.locator("title", has_text="alice → bob"))
    arrow.locator(".nba-reach").dispatch_event("click")
    assert bar.inner_text().split("\n")[0] == "alice → bob · 1 of 2 messages"
    assert (alice.is_visible(), bob.is_visible()) == (True, False)
    assert page.locator(f"{CARD} .nba-above").is_hidden(), "what you have said is none of it"
    assert page.get_by_role("tab", name="Chat").get_attribute("aria-selected") == "true"
    notebook.picture(f"graph-{app}-chosen", CARD)
    assert serious(page) == []
    page.get_by_role("button", name="show all").click()
    assert bar.is_hidden()
    assert (alice.is_visible(), bob.is_visible()) == (True, True)
    assert _focused(page) == "alice, message 1 of 2"
    page.get_by_role("tab", name="Graph").click()
    page.get_by_role("button", name="bob: 1", exact=True).focus()
    page.keyboard.press("Enter")
    assert bar.inner_text().split("\n")[0] == "from bob · 1 of 2 messages"
    assert (alice.is_visible(), bob.is_visible()) == (False, True)
    before = _words(notebook, "bob")
    _grows(notebook, "bob", before + 5)  # it grows on, and no drawing brings the others back
    assert alice.is_hidden()
    page.keyboard.press("Escape")
    assert alice.is_visible()
    assert page.evaluate("document.activeElement.closest('.nba-live') !== null"), "it has not been left"
