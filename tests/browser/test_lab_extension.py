"""The extension of the page, in a real JupyterLab and a real Notebook 7."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from nbagents.rpc import RpcAgentClient

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[2]
TUTORIAL = "01-first-conversation"
PICTURES = Path(os.environ.get("NBAGENTS_PICTURES", "build/pictures"))
# Notebook 7 says this by itself, without any extension.
KNOWN = "reading 'schema'"


class Front:
    """A page of JupyterLab or Notebook that shows no notebook, and what went wrong in it."""

    def __init__(self, desk: Any, app: str) -> None:
        self.app, self.folder, self._desk = app, desk.folder, desk
        self.server = desk.start(app)
        self.context = desk.browser.new_context(viewport={"width": 1280, "height": 900})
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.others: list[subprocess.Popen[bytes]] = []
        self.page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self) -> None:
        path = "lab?reset&" if self.app == "lab" else "tree?"
        self.page.goto(f"http://127.0.0.1:{self.server.port}/{path}token=secret")
        self.page.wait_for_selector(".jp-DirListing-content", state="attached", timeout=60_000)
        self.page.evaluate("() => window.jupyterapp.restored.then(() => null)")

    def show_running(self) -> None:
        if self.app == "lab":
            self.page.evaluate("() => window.jupyterapp.shell.activateById('jp-running-sessions')")
        else:
            tab = self.page.get_by_role("tab", name="Running")
            tab.click()
            expect(tab).to_have_attribute("aria-selected", "true")

    def hide_running(self) -> None:
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def row(self, server_id: str) -> Locator:
        found = self.page.locator(f".nba-AgentServer[data-context='{server_id}']")
        found.wait_for()
        return found

    def section_title(self) -> Locator:
        return self.page.locator(".jp-RunningSessions .jp-AccordionPanel-title").filter(
            has_text="Agent servers"
        )

    def tile(self, label: str) -> Locator:
        return self.page.locator(".jp-LauncherCard").filter(has_text=re.compile(re.escape(label)))

    def start_server(self) -> tuple[str, RpcAgentClient]:
        """Start the server that Jupyter keeps."""
        server_id = self.server.api("nbagents/api/servers", "POST")["id"]
        about = next(told for told in self.server.agent_servers() if told["server_id"] == server_id)
        return server_id, RpcAgentClient(about["address"], token=about["token"])

    def start_other(self, server_id: str) -> None:
        """Start a server that somebody else keeps: a command."""
        command = [sys.executable, "-m", "nbagents.cli", "serve", "--server-id", server_id]
        self.others.append(subprocess.Popen(command, env=self.server.environment))

    def wait_servers(self, *ids: str) -> None:
        """Wait until these servers alone are left; the list tells of an end before its file is gone."""
        limit = time.monotonic() + 15
        while [told["server_id"] for told in self.server.agent_servers()] != list(ids):
            assert time.monotonic() < limit, self.server.agent_servers()
            self.page.wait_for_timeout(50)

    def close(self) -> None:
        self.context.close()
        for other in self.others:
            other.terminate()
            other.wait()

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for theme in ("Dark", "Light"):
            self._desk.change_theme(self.page, f"JupyterLab {theme}")
            self.page.screenshot(path=str(PICTURES / f"{self.app}-{name}-{theme.lower()}.png"))


@pytest.fixture
def front(desk: Any) -> Iterator[Any]:
    made: list[Front] = []

    def open_front(app: str) -> Front:
        made.append(Front(desk, app))
        made[-1].open()
        return made[-1]

    yield open_front
    for one in made:
        one.close()


def test_the_running_panel_lists_agent_servers_and_stops_them(front) -> None:
    lab = front("lab")
    one, client = lab.start_server()
    lab.start_other("two")
    assert [url for url in lab.requests if "/api/servers" in url] == []  # nobody has looked yet
    lab.show_running()
    lab.row("two")
    assert "0 agents, jupyter" in lab.row(one).inner_text()

    # What changes is seen without a click: the agents stand below their server.
    configs = {"class_name": "DialogAgent", "kwargs": {"name": "poet", "model_config_name": "demo"}}
    client.create_agent(configs, "poet")
    agent = lab.row(one).locator(".nba-Agent")
    agent.wait_for()
    assert re.match(r"poet\s+idle", agent.inner_text())
    assert "1 agent, jupyter" in lab.row(one).inner_text()
    assert "ends with this Jupyter server" in (
        lab.row(one).locator("> .jp-RunningSessions-itemLabel").get_attribute("title") or ""
    )
    found = Axe().run(lab.page, context={"include": [[".nba-AgentServer"]]})
    assert [v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")] == []
    lab.picture("running")

    lab.row(one).hover()
    lab.page.get_by_title(f"Shut down {one}").click()
    lab.row(one).wait_for(state="detached")
    lab.wait_servers("two")

    third, _ = lab.start_server()
    lab.row(third)
    lab.page.get_by_role("toolbar", name="Agent servers").get_by_text("Shut Down All").click()
    dialog = lab.page.get_by_role("dialog")
    assert "2 agent servers" in dialog.inner_text()
    lab.picture("shut-down-all")
    dialog.get_by_role("button", name="Shut Down All").click()
    lab.page.wait_for_function("document.querySelector('.nba-AgentServer') === null")
    lab.wait_servers()
    assert lab.errors == []


def test_nothing_is_asked_while_nobody_looks(front) -> None:
    lab = front("lab")
    server_id, _ = lab.start_server()
    lab.show_running()
    lab.row(server_id)
    lab.hide_running()
    before = len(lab.requests)
    lab.page.wait_for_timeout(6_000)
    assert [url for url in lab.requests[before:] if "nbagents/api" in url] == []
    with lab.page.expect_request("**/nbagents/api/servers?*", timeout=2_000):
        lab.show_running()


def test_the_tile_opens_the_readers_own_copy_of_the_tutorial(front) -> None:
    lab = front("lab")
    kernel = lab.tile("Python 3 (agents)").first
    kernel.wait_for()
    logo = kernel.locator("img")
    assert logo.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    lab.tile("Agents tutorial").wait_for()
    lab.picture("launcher")
    lab.tile("Agents tutorial").click()
    lab.page.wait_for_selector(".jp-Notebook")
    path = lab.folder / f"{TUTORIAL}.ipynb"
    made = nbformat.read(path, as_version=4)
    wanted = jupytext.read(ROOT / "notebooks" / f"{TUTORIAL}.md")
    assert [cell.source for cell in made.cells] == [cell.source for cell in wanted.cells]
    lab.page.get_by_role("heading", name="A first conversation").wait_for()

    # What its reader has done to it stays.
    made.cells[0].source = "# Mine"
    nbformat.write(made, path)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('nbagents:open-tutorial').then(() => null)")
    assert nbformat.read(path, as_version=4).cells[0].source == "# Mine"
    assert lab.errors == []


def test_a_link_to_another_tutorial_opens_the_readers_copy_of_it(front) -> None:
    lab = front("lab")
    lab.tile("Agents tutorial").click()
    lab.page.wait_for_selector(".jp-Notebook")
    lab.page.get_by_role("link", name="Watching and stopping").click()
    lab.page.get_by_role("heading", name="Watching and stopping").wait_for()
    assert (lab.folder / "04-watching-and-stopping.ipynb").is_file()
    named = "window.jupyterapp.commands.label('nbagents:open-tutorial', { name: '05-humans-in-the-loop' })"
    assert lab.page.evaluate(named) == "Agents tutorial: Humans in the loop"
    # A file that the reader has is what the link says, and is opened.
    (lab.folder / "04-watching-and-stopping.md").write_text("# Mine\n")
    lab.page.get_by_role("tab", name=f"{TUTORIAL}.ipynb").click()
    lab.page.get_by_role("link", name="Watching and stopping").first.click()
    lab.page.get_by_role("tab", name="04-watching-and-stopping.md").wait_for()
    assert lab.errors == []
    lab.page.evaluate(
        "() => { window.jupyterapp.commands.execute('nbagents:open-tutorial', { name: '../09' }) }"
    )
    lab.page.get_by_text("There is no tutorial “../09”.").wait_for()
    lab.picture("no-such-tutorial")
    assert not [path for path in lab.folder.parent.glob("*.ipynb") if path.name.startswith("09")]


def test_a_page_whose_server_has_no_such_extension_is_left_alone(front, desk) -> None:
    config = desk.folder / ".own" / "config" / "jupyter_server_config.json"
    config.parent.mkdir(parents=True)
    off = {"ServerApp": {"jpserver_extensions": {"nbagents.serverext": False}}}
    config.write_text(json.dumps(off))
    lab = front("lab")
    lab.page.wait_for_function(
        "performance.getEntriesByType('resource').some(e => e.name.includes('nbagents/api/tutorials'))"
    )
    lab.tile("Python 3 (agents)").first.wait_for()
    lab.show_running()
    lab.page.locator("#jp-running-sessions .jp-AccordionPanel-title").first.wait_for()
    assert lab.section_title().count() == 0
    assert lab.tile("Agents tutorial").count() == 0


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_what_was_live_when_it_was_saved_stays_readable_when_its_widget_is_gone(desk, app: str) -> None:
    said = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "gone", "version_major": 2},
        "text/html": '<section class="nba nba-run">what they said</section>',
        "text/plain": "what they said",
    }
    theirs = said | {"text/html": "<b>somebody else's</b>"}
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python"}}
    )
    notebook.cells = [
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", data)])
        for data in (said, theirs)
    ]
    path = desk.folder / "a.ipynb"
    nbformat.write(notebook, path)
    server = desk.start(app)
    # Only in a trusted notebook are widgets tried at all.
    trust = [str(Path(sys.executable).parent / "jupyter"), "trust", str(path)]
    subprocess.run(trust, env=server.environment, check=True, capture_output=True)
    shown = desk.open("a.ipynb")
    outputs = shown.page.locator(".jp-OutputArea")
    expect(outputs.nth(1)).to_contain_text("Error displaying widget", timeout=20_000)
    expect(outputs.nth(0)).to_have_text("what they said")
    assert set(shown.outputs(0)[0]["data"]) == set(said)
    shown.close()


def test_notebook_lists_and_stops_agent_servers_too(front) -> None:
    tree = front("notebook")
    server_id, _ = tree.start_server()
    tree.show_running()
    tree.row(server_id)
    tree.picture("running")
    tree.row(server_id).hover()
    tree.page.get_by_title(f"Shut down {server_id}").click()
    tree.row(server_id).wait_for(state="detached")
    assert tree.server.agent_servers() == []

    with tree.context.expect_page() as opened:
        tree.page.evaluate("() => { window.jupyterapp.commands.execute('nbagents:open-tutorial') }")
    opened.value.wait_for_selector(".jp-Notebook", timeout=60_000)
    opened.value.get_by_role("heading", name="A first conversation").wait_for()
    assert (tree.folder / f"{TUTORIAL}.ipynb").is_file()
    assert [error for error in tree.errors if KNOWN not in error] == []
