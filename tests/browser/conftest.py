"""A real JupyterLab or Notebook 7, driven in headless Chromium by its own commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.append(str(Path(__file__).parent))  # for legible
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDGET = "window.jupyterapp.shell.currentWidget"
SETTINGS: dict[str, dict[str, object]] = {
    # Every cell is in the page, also those that are scrolled away.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
EXTENSION = Path(__file__).parents[2] / "nbagents" / "serverext" / "labextension"
FAILED = pytest.StashKey[bool]()
PICTURES = Path(os.environ.get("NBAGENTS_PICTURES", "build/pictures"))


def change_theme(page: Page, name: str) -> None:
    """Change the theme, once the screen that hid the last change has gone.

    JupyterLab removes that screen 200 ms after a change, whether or not it was shown again meanwhile: two
    changes in a row end in an error of its own ("The node to be removed is not a child of this node").
    """
    gone = "document.getElementById('jupyterlab-splash') === null"
    page.wait_for_function(gone)
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme }).then(() => null)",
        name,
    )
    page.wait_for_function(f"document.body.dataset.jpThemeName === '{name}'")
    page.wait_for_function(gone)


class JupyterServer:
    """A JupyterLab or Notebook server of its own, in a folder of its own."""

    def __init__(self, folder: Path, app: str, environment: dict[str, str]) -> None:
        self.folder, self.app = folder, app
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {
            f"JUPYTER_{name}_DIR": str(folder / ".own" / name.lower())
            for name in ("CONFIG", "DATA", "RUNTIME")
        }
        own |= {
            "JUPYTER_PREFER_ENV_PATH": "0",  # what lies in the folder comes first
            "IPYTHONDIR": str(folder / ".own" / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / ".own" / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".own" / "workspaces"),
        }
        self.environment = {**os.environ, **own, **environment}
        for name, values in SETTINGS.items():
            path = Path(own["JUPYTERLAB_SETTINGS_DIR"], f"{name}.jupyterlab-settings")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        # The extension of this checkout, not the copy that was installed when the environment was made.
        place = Path(own["JUPYTER_DATA_DIR"], "labextensions", "jupyter-nbagents")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(EXTENSION)
        trait = "LabApp" if app == "lab" else "JupyterNotebookApp"
        self._log = (folder / f"server-{app}.log").open("w")
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "jupyter"),
                app,
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={self.port}",
                "--ServerApp.port_retries=0",
                "--IdentityProvider.token=secret",
                f"--ServerApp.root_dir={folder}",
                f"--{trait}.expose_app_in_browser=True",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        limit = time.monotonic() + 60
        while True:
            try:
                self.api("api")
            except OSError:
                if self.process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(Path(self._log.name).read_text()[-3000:]) from None
                time.sleep(0.1)
            else:
                return

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            method=method,
            headers={"Authorization": "token secret", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def close_kernels(self) -> None:
        for session in self.api("api/sessions"):
            self.api(f"api/sessions/{session['id']}", "DELETE")

    def agent_servers(self) -> list[dict[str, Any]]:
        folder = Path(self.environment["JUPYTER_RUNTIME_DIR"]) / "nbagents"
        found = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        return [told for told in found if "server_id" in told]  # not the place where kernels find Jupyter

    def stop(self) -> None:
        for server in self.agent_servers():
            os.kill(server["pid"], signal.SIGTERM)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


class Notebook:
    """One open notebook. Cells are counted over all cells, from 0."""

    def __init__(self, browser: Browser, server: JupyterServer, name: str, *, width: int, dark: bool) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        path = f"doc/tree/{name}?reset&" if server.app == "lab" else f"notebooks/{name}?"
        self.page.goto(f"http://127.0.0.1:{server.port}/{path}token=secret")
        self.page.wait_for_selector(".jp-Notebook", timeout=60_000)
        self.wait_idle()

    def wait_idle(self) -> None:
        self.page.wait_for_function(
            f"{WIDGET}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=60_000
        )

    def run(self, index: int, *, wait: bool = True) -> None:
        self.page.evaluate(
            f"(i) => {{ {WIDGET}.content.activeCellIndex = i; {WIDGET}.content.deselectAll() }}", index
        )
        self.command("notebook:run-cell", wait=wait)

    def command(self, name: str, arguments: dict[str, Any] | None = None, *, wait: bool = True) -> None:
        then = "return promise.then(() => null)" if wait else "window.pending = promise; return null"
        self.page.evaluate(
            f"([n, a]) => {{ const promise = window.jupyterapp.commands.execute(n, a); {then} }}",
            [name, arguments or {}],
        )

    def finished(self) -> None:
        """Wait for the command that was not waited for."""
        self.page.evaluate("() => window.pending.then(() => null)")

    def set_source(self, index: int, source: str) -> None:
        self.page.evaluate(
            f"([i, s]) => {WIDGET}.content.model.cells.get(i).sharedModel.setSource(s)", [index, source]
        )

    def outputs(self, index: int) -> list[dict[str, Any]]:
        return self.page.evaluate(
            f"(i) => {WIDGET}.content.model.cells.get(i).sharedModel.toJSON().outputs ?? []", index
        )

    def text(self, index: int) -> str:
        parts = []
        for output in self.outputs(index):
            if output["output_type"] == "stream":
                parts.append("".join(output["text"]))
            elif output["output_type"] == "error":
                parts.append(f"{output['ename']}: {output['evalue']}")
            else:
                parts.append("".join(output["data"].get("text/plain", "")))
        return "\n".join(parts)

    def wait_text(self, index: int, wanted: str, seconds: float = 30) -> str:
        limit = time.monotonic() + seconds
        while wanted not in (text := self.text(index)):
            assert time.monotonic() < limit, f"{wanted!r} is not in {text!r}"
            self.page.wait_for_timeout(100)
        return text

    def shown(self, index: int) -> str:
        """The text that a person sees in the outputs of a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-OutputArea").inner_text()

    def restart_kernel(self) -> None:
        self.page.evaluate(f"() => {WIDGET}.sessionContext.session.kernel.restart().then(() => null)")
        self.wait_idle()

    def save(self) -> None:
        self.command("docmanager:save")

    def use_theme(self, name: str) -> None:
        change_theme(self.page, name)

    def picture(self, name: str, selector: str | None = None) -> Path:
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        if selector is None:
            self.page.screenshot(path=str(path))
        else:
            self.page.locator(selector).first.screenshot(path=str(path))
        return path

    def close(self) -> None:
        self.context.close()


class Desk:
    """Servers and browsers for one test."""

    def __init__(self, folder: Path, browser: Browser, shared: Callable[[str], JupyterServer]) -> None:
        self.folder, self.browser, self._shared = folder, browser, shared
        self.servers: list[JupyterServer] = []
        """Those that it uses; the last one opens its notebooks."""
        self.own: list[JupyterServer] = []

    change_theme = staticmethod(change_theme)

    def start(self, app: str = "lab", **environment: str) -> JupyterServer:
        """Start a server for this test alone, with the settings that lie in its folder."""
        server = JupyterServer(self.folder, app, environment)
        self.servers.append(server)
        self.own.append(server)
        return server

    def share(self, app: str = "lab") -> JupyterServer:
        """Use the server that other tests use too, in a folder of this test; nothing else is its own."""
        server = self._shared(app)
        self.servers.append(server)
        self.folder = server.folder / self.folder.name
        self.folder.mkdir(exist_ok=True)
        settings = Path(server.environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "apputils-extension")
        (settings / "themes.jupyterlab-settings").unlink(missing_ok=True)  # another test's
        return server

    def open(self, name: str, *, width: int = 1280, dark: bool = False) -> Notebook:
        server = self.servers[-1]
        path = (self.folder / name).relative_to(server.folder).as_posix()
        return Notebook(self.browser, server, path, width=width, dark=dark)

    def write(self, name: str, cells: list[str]) -> None:
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, self.folder / name)

    def write_tutorial(self, name: str) -> list[int]:
        """Put a tutorial in place as a notebook; return where its code cells are."""
        source = Path(__file__).parents[2] / "notebooks" / f"{Path(name).stem}.md"
        notebook = jupytext.read(source)
        nbformat.write(notebook, self.folder / name)
        return [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]

    def report(self, name: str) -> None:
        """Say what is on the pages that a failed test has left open, and take their pictures."""
        pages = [page for context in self.browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(PICTURES / f"failed-{name}-{number}.png"))
            print(f"--- page {number}: {page.url}", page.inner_text("body")[-4000:], sep="\n")
            print(*(f"error: {error.stack or error}" for error in page.page_errors()), sep="\n")
            print(*(f"{told.type}: {told.text}" for told in page.console_messages()[-30:]), sep="\n")


# One module long: while Playwright runs, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield launched
        launched.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], JupyterServer]]:
    """The servers that tests share, by app, each started when it is wanted first."""
    started: dict[str, JupyterServer] = {}

    def start(app: str) -> JupyterServer:
        if app not in started:
            started[app] = JupyterServer(tmp_path_factory.mktemp(app), app, {})
        return started[app]

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture
def desk(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    browser: Browser,
    shared: Callable[[str], JupyterServer],
) -> Iterator[Desk]:
    made = Desk(tmp_path, browser, shared)
    yield made
    if request.node.stash.get(FAILED, False):
        made.report(request.node.name)
    for context in browser.contexts:
        context.close()
    for server in made.servers:
        if server in made.own:
            server.stop()
        else:
            server.close_kernels()
