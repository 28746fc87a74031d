"""Pages of other sites, in the browser of somebody who is logged in to Jupyter, steer and see nothing."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ATTACKS = """async ({ base, id }) => {
  const seen = [];
  const look = async (name, work) => {
    try { seen.push([name, await work()]); } catch (error) { seen.push([name, "failed"]); }
  };
  const read = async (path, options) => {
    const answer = await fetch(base + path, { credentials: "include", ...options });
    return `${answer.type} ${answer.status} ${await answer.text()}`;
  };
  const one = `servers/${id}`;
  await look("read", () => read("servers"));
  await look("read the log", () => read(`${one}/log`));
  await look("read opaquely", () => read("servers", { mode: "no-cors" }));
  const kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
  for (const kind of kinds) {
    const headers = { "Content-Type": kind };
    for (const path of ["servers", `${one}/restart`, `${one}/runs/x/stop`, `${one}/questions/x/answer`]) {
      const options = { method: "POST", mode: "no-cors", headers, body: "{}" };
      await look(`${kind} ${path}`, () => read(path, options));
    }
  }
  const headers = { "Content-Type": "application/json", "X-XSRFToken": "x" };
  await look("json", () => read(`${one}/restart`, { method: "POST", headers, body: "{}" }));
  await look("delete", () => read(one, { method: "DELETE" }));
  await look("beacon", () => String(navigator.sendBeacon(base + `${one}/restart`, "{}")));
  const load = (tag, attribute, path) => new Promise((resolve) => {
    const node = document.createElement(tag);
    node.onload = () => resolve("loaded");
    node.onerror = () => resolve("failed");
    node[attribute] = base + path;
    document.body.append(node);
    setTimeout(() => resolve("nothing"), 5000);
  });
  await look("script", () => load("script", "src", "servers"));
  await look("image", () => load("img", "src", "servers"));
  for (const path of ["servers", `${one}/restart`]) {
    const frame = document.createElement("iframe");
    frame.name = `frame ${path}`;
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: base + path, target: frame.name, enctype: "text/plain" });
    document.body.append(frame, form);
    const loaded = new Promise((resolve) => {
      frame.onload = () => resolve("sent");
      setTimeout(resolve, 5000);
    });
    form.submit();
    await look(`form ${path}`, () => loaded);
  }
  return seen;
}"""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A page of another origin."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body></body>")

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_other_origins_change_and_read_nothing(desk: Any, elsewhere: str, host: str):
    """By the number the cookies go along, since a port is no part of a site: only the guards are left."""
    server = desk.start("lab")
    started = post(server, "nbagents/api/servers")
    desk.write("open.ipynb", ["1"])
    notebook = desk.open("open.ipynb")
    cookies = {cookie["name"] for cookie in notebook.context.cookies()}
    assert "_xsrf" in cookies, "somebody is logged in"
    own = notebook.page.evaluate("() => fetch('/nbagents/api/servers').then((answer) => answer.status)")
    assert own == 200, "whose own page may look"

    page = notebook.context.new_page()
    page.goto(f"http://{elsewhere.replace('127.0.0.1', host)}/")
    base = f"http://127.0.0.1:{server.port}/nbagents/api/"
    seen = page.evaluate(ATTACKS, {"base": base, "id": started["id"]})

    assert len(seen) > 15
    for name, told in seen:
        assert started["id"] not in str(told), (name, told)
        assert not str(told).startswith(("basic", "cors", "default")), (name, told)
    assert dict(seen)["script"] != "loaded"
    now = server.api("nbagents/api/servers")
    assert [(each["id"], each["pid"], each["state"]) for each in now] == [
        (started["id"], started["pid"], "ready")
    ]
    notebook.close()


def test_a_stranger_s_notebook_does_nothing_when_it_is_opened(desk: Any):
    server = desk.start("lab")
    shown = (
        "<img src=x onerror=\"fetch('/nbagents/api/servers',{method:'POST'})\">"
        "<script>fetch('/nbagents/api/servers', {method: 'POST', headers: {'X-XSRFToken':"
        " document.cookie.match(/_xsrf=([^;]*)/)[1]}}); window.hit = 1</script>"
    )
    view = {"model_id": "m", "version_major": 2, "version_minor": 0}
    cell = nbformat.v4.new_code_cell("%load_ext nbagents")
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": shown, "text/plain": "a card"}),
        nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": view}),
    ]
    model = {"model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "~0.9.*"}
    state = {"_esm": "window.hit = 1; fetch('/nbagents/api/servers', {method: 'POST'}); export default {}"}
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {
            "version_major": 2, "version_minor": 0, "state": {"m": {**model, "state": state}},
        }
    }  # fmt: skip
    nbformat.write(notebook, desk.folder / "stranger.ipynb")

    opened = desk.open("stranger.ipynb")
    opened.page.wait_for_timeout(2000)  # time enough to do harm

    assert opened.page.evaluate("() => window.hit ?? 0") == 0
    assert server.agent_servers() == []
    assert server.api("nbagents/api/servers") == []
    opened.close()


def post(server: Any, path: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/{path}",
        method="POST",
        data=b"{}",
        headers={"Authorization": "token secret", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
