"""What the live run card costs: ten agents that say 200 words a second each, and a run of 100 messages.

    python benchmarks/card.py [--seconds 10] [--local]

Starts a real JupyterLab and Chromium, in a folder of their own. The agents live in an agent server; with
``--local`` in the kernel, which then pays for them too. Prints what was lost, the page's frames, the
kernel's share of a core and the messages on its way, beside the goals.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

AGENTS, RATE = 10, 200
DEFINE = """\
import asyncio, time
from nbagents import AgentBase, Msg, events

class Talker(AgentBase):
    async def reply(self, x=None):
        total, rate = x.content
        began, said = time.monotonic(), []
        for number in range(total):
            events.emit("delta", text=f"w{number}" + ("\\n\\n" if number % 50 == 49 else " "))
            said.append(f"w{number}")
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        await asyncio.sleep(15 if total > 1 else 0)
        return Msg(self.name, " ".join(said))
"""
TALK = """\
from nbagents.runs import Run
from nbagents.widgets import RunCard
run = Run("ten at once")
with RunCard(run, get_ipython()), run:
    replies = [agent(Msg("user", [{total}, {rate}], "user")) for agent in agents]
    for reply in replies:
        reply.result()
print("END", sorted({{len(message.content.split()) for message in run.messages}}))
"""
HUNDRED = """\
from nbagents.runs import Run
class Echo(AgentBase):
    async def reply(self, x=None):
        text = f"Message {x.content}: **rain** on the glass.\\n\\n- one\\n- two\\n\\n" + "word " * 60
        return Msg(self.name, text)
echoes = [Echo(f"e{n}") for n in range(5)]
hundred = Run("a hundred")
with hundred:
    for n in range(100):
        echoes[n % 5](Msg("user", n, "user")).result()
"""
OPEN = """\
from nbagents.widgets._run_widget import RunWidget
RunWidget(hundred)
"""
FRAMES = """
() => {
  const seen = { frames: 0, worst: 0, began: performance.now(), on: true };
  let last = seen.began;
  const tick = (now) => {
    seen.frames++;
    seen.worst = Math.max(seen.worst, now - last);
    last = now;
    if (seen.on) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.seen = seen;
}
"""
MISSING = """
([agents, total]) => {
  if (!document.querySelector('.nba-live')) return null;
  document.querySelectorAll('.nba-live [role=tab]')[3].click();
  const raw = document.querySelector('.nba-live .nba-raw').textContent;
  const parts = raw.split(/a\\d+ · running\\n/).slice(1);
  let missing = (agents - parts.length) * total;
  for (const part of parts) {
    const words = part.split(/\\s+/).filter(Boolean);
    for (let n = 0; n < total; n++) if (words[n] !== `w${n}`) missing++;
  }
  return missing;
}
"""
OPENED = """
async (index) => {
  const shell = window.jupyterapp.shell.currentWidget;
  shell.content.activeCellIndex = index;
  shell.content.deselectAll();
  const cell = document.querySelectorAll('.jp-Cell')[index];
  const began = performance.now();
  const done = new Promise((resolve) => {
    const look = () => cell.querySelectorAll('.nba-live article').length >= 100 && resolve();
    new MutationObserver(look).observe(cell, { childList: true, subtree: true });
  });
  window.jupyterapp.commands.execute('notebook:run-cell');
  await done;
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - began;
}
"""
FOUND = """
async (wanted) => {
  const card = [...document.querySelectorAll('.nba-live')].at(-1);
  const box = card.querySelector('input');
  const began = performance.now();
  box.value = wanted;
  box.dispatchEvent(new Event('input', { bubbles: true }));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return [performance.now() - began, card.querySelector('.nba-count').textContent];
}
"""


def browser_kit() -> Any:
    """Return the helpers of the browser tests."""
    path = Path(__file__).parents[1] / "tests" / "browser" / "conftest.py"
    spec = importlib.util.spec_from_file_location("browser_kit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["browser_kit"] = module
    spec.loader.exec_module(module)
    return module


def kernel_of(server: Any) -> psutil.Process:
    """Return the process of the one kernel."""
    inside = psutil.Process(server.process.pid).children(recursive=True)
    return next(p for p in inside if any("ipykernel_launcher" in part for part in p.cmdline()))


def used(process: psutil.Process) -> float:
    """Return the seconds of CPU that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def page_work(session: Any) -> dict[str, float]:
    """Return the seconds that the page's main thread has spent, in all and on what."""
    told = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    names = ("Task", "Script", "Layout", "RecalcStyle")
    return {name: told[f"{name}Duration"] for name in names}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--local", action="store_true")
    chosen = options.parse_args()
    total = chosen.seconds * RATE
    where = "" if chosen.local else ".to_dist('localhost', server.port)"
    cells = [
        "%load_ext nbagents",
        "from talker import Talker\nfrom nbagents import AgentBase, Msg",
        "from nbagents import RpcAgentServerLauncher\n"
        "server = RpcAgentServerLauncher(port=0, custom_agent_classes=[Talker])\n"
        "server.launch()\n"
        f"agents = [Talker(f'a{{n}}'){where} for n in range({AGENTS})]\n"
        f"for agent in agents: agent(Msg('user', [1, {RATE}], 'user')).result()",
        TALK.format(total=total, rate=RATE),
        HUNDRED,
        OPEN,
    ]
    kit = browser_kit()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="nb-") as folder:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=kit.FLAGS)
        desk = kit.Desk(Path(folder), browser, kit.JupyterServer)  # it shares no server
        try:
            server = desk.start("lab", PYTHONPATH=str(Path(folder, "talkers")))
            Path(folder, "talkers").mkdir()
            Path(folder, "talkers", "talker.py").write_text(DEFINE)
            desk.write("bench.ipynb", cells)
            notebook = desk.open("bench.ipynb")
            for index in range(3):
                notebook.run(index)
            assert "Error" not in notebook.text(2), notebook.text(2)
            streaming(notebook, kernel_of(server), total, chosen.seconds)
            hundred(notebook)
        finally:
            for server in desk.servers:
                server.stop()
            browser.close()


def streaming(notebook: Any, kernel: psutil.Process, total: int, length: int) -> None:
    """Measure ten agents at once."""
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Performance.enable")
    frames: list[float] = []
    session.on("Network.webSocketFrameReceived", lambda event: frames.append(time.monotonic()))
    notebook.run(3, wait=False)
    page.wait_for_selector(".nba-live .nba-tail", state="attached")
    before, began, count = used(kernel), time.monotonic(), len(frames)
    page.evaluate(FRAMES)
    busy = page_work(session)
    page.wait_for_timeout(1000 * (length - 1))
    took = time.monotonic() - began
    share = (used(kernel) - before) / took
    count = len(frames) - count
    spent = {name: 100 * (value - busy[name]) / took for name, value in page_work(session).items()}
    seen = page.evaluate(
        "() => { seen.on = false; return [seen.frames, seen.worst, performance.now() - seen.began] }"
    )
    # Each has said its last word after as many seconds as were asked for, and then waits.
    missing, found = AGENTS * total, 0
    while missing and found is not None:
        missing = found or missing
        found = page.evaluate(MISSING, [AGENTS, total])
        missing = missing if found is None else found
        page.wait_for_timeout(200)
    notebook.finished()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{AGENTS} agents, {RATE} words a second each, for {took:.1f} s")
    print(f"words missing in the page: {missing} of {AGENTS * total} (goal 0)")
    print(f"kernel: {100 * share:.1f} % of a core (goal 15 %)")
    print(f"page: {1000 * seen[0] / seen[2]:.0f} frames a second, worst gap {seen[1]:.0f} ms (goal 40)")
    print("page's own work, % of a core:", ", ".join(f"{name} {part:.0f}" for name, part in spent.items()))
    print(f"messages of the kernel to the page: {count}, {count / took:.1f} a second (goal 1000 in all)")
    print(notebook.text(3).strip().splitlines()[-1])
    saved = len("".join(notebook.outputs(3)[0]["data"]["text/html"]).encode())
    print(f"saved output: {saved} bytes (goal 30000)")


def hundred(notebook: Any) -> None:
    """Measure a run of a hundred messages."""
    notebook.run(4)
    opened = notebook.page.evaluate(OPENED, 5)
    print(f"a run of 100 messages is open after {opened:.0f} ms, the cell included (goal 500)")
    for wanted in ("message 42:", "word", "nowhere"):
        milliseconds, count = notebook.page.evaluate(FOUND, wanted)
        print(f"find {wanted!r}: {count} after {milliseconds:.0f} ms (goal 100)")


if __name__ == "__main__":
    main()
