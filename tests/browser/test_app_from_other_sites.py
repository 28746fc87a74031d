"""What a page of another site can do with an app that even serves everybody: nothing, and read nothing."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from nbagents import Msg
from nbagents.app import AgentApp
from nbagents.app._serving import serve

from .conftest import FLAGS

pytestmark = pytest.mark.browser

ATTACKS = """async (base) => {
  const seen = [];
  const note = async (name, attempt) => {
    try { seen.push([name, String(await attempt())]); } catch (error) { seen.push([name, 'refused']); }
  };
  const body = JSON.stringify({input: [{content: 'attack'}]});
  for (const path of ['process', 'own', 'compatible-mode/v1/responses']) {
    for (const mode of ['no-cors', 'cors']) {
      for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
        await note(`${mode} ${type} ${path}`, async () => {
          const headers = {'Content-Type': type};
          return (await fetch(base + path, {method: 'POST', mode, headers, body})).text();
        });
      }
    }
    await note(`beacon ${path}`, () => navigator.sendBeacon(base + path, new Blob([body])) && '');
    await note(`form ${path}`, () => new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.name = 'f' + Math.random();
      document.body.append(frame);
      const form = document.createElement('form');
      form.action = base + path; form.method = 'POST'; form.enctype = 'text/plain'; form.target = frame.name;
      const field = document.createElement('input');
      field.name = '{"input": [{"content": "attack"}], "x": "'; field.value = '"}';
      form.append(field); document.body.append(form);
      frame.onload = () => resolve('');
      form.submit();
      setTimeout(() => resolve(''), 3000);
    }));
  }
  for (const path of ['', 'health', 'openapi.json', 'process', 'own']) {
    await note(`get ${path}`, async () => (await fetch(base + path)).text());
    await note(`script ${path}`, () => new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = base + path; script.onload = () => resolve('loaded'); script.onerror = reject;
      document.body.append(script);
    }));
  }
  await note('events', () => new Promise((resolve, reject) => {
    const source = new EventSource(base + 'process');
    source.onmessage = (event) => resolve(event.data); source.onerror = reject;
  }));
  await note('socket', () => new Promise((resolve, reject) => {
    const socket = new WebSocket(base.replace('http', 'ws') + 'process');
    socket.onopen = () => resolve('open'); socket.onerror = reject;
  }));
  return seen;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that a name of the attacker's leads to this machine."""
    rules = "--host-resolver-rules=MAP rebind.evil 127.0.0.1"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, rules])
        yield launched
        launched.close()


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of a page of another site."""

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
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "rebind.evil"])
def test_a_page_of_another_site_does_and_reads_nothing(chromium: Browser, elsewhere: int, host: str) -> None:
    asked: list[str] = []
    app = AgentApp(app_name="canary-app", insecure=True, rate=0)
    app.query()(lambda self, msgs: asked.append("query") or Msg("a", "canary"))
    app.endpoint("/own", methods=["GET", "POST"])(lambda **given: asked.append("own") or "canary")
    with serve(app, "127.0.0.1", 0) as serving:
        page = chromium.new_page()
        page.goto(f"http://{host}:{elsewhere}/")
        seen = page.evaluate(ATTACKS, f"http://127.0.0.1:{serving.port}/")
        assert len(seen) > 30
        assert [told for told in seen if "canary" in told[1] or told[1] in ("loaded", "open")] == []
        assert asked == []
        page.close()


def test_a_name_that_leads_here_opens_nothing(chromium: Browser) -> None:
    """The attacker's own site, whose name leads to the app: to the browser that is one origin."""
    asked: list[str] = []
    app = AgentApp(app_name="canary-app", insecure=True)
    app.query()(lambda self, msgs: asked.append("query") or Msg("a", "canary"))
    with serve(app, "127.0.0.1", 0) as serving:
        page = chromium.new_page()
        answer = page.goto(f"http://rebind.evil:{serving.port}/health")
        assert answer is not None
        assert (answer.status, json.loads(answer.text())["error"]["code"]) == (403, "host_not_allowed")
        found = page.evaluate(
            """async () => {
              const body = JSON.stringify({input: [{content: 'attack'}]});
              const headers = {'Content-Type': 'application/json'};
              try {
                const answers = [await fetch('/'), await fetch('/process', {method: 'POST', headers, body})];
                return Promise.all(answers.map((answer) => answer.text()));
              } catch (error) { return [String(error)]; }
            }"""
        )
        assert "canary" not in str(found)
        assert asked == []
        page.close()


def test_what_agents_write_is_no_page(chromium: Browser) -> None:
    """Who opens an address of the app sees text, whatever an agent or an endpoint says."""
    evil = "<script>document.title = 'hit'</script><img src=x onerror=\"document.title='hit'\">"
    app = AgentApp(insecure=True)
    app.endpoint("/own", methods=["GET"])(lambda: evil)
    with serve(app, "127.0.0.1", 0) as serving:
        page = chromium.new_page()
        answer = page.goto(f"{serving.url}/own")
        assert answer is not None
        assert answer.status == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert page.title() != "hit"
        assert page.locator("img").count() == 0
        page.close()
