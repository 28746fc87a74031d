"""``nbagents demo``: the first tutorial, run for real and printed as text.

A real kernel runs its cells, the agents live in a real server process, and the offline model answers
over HTTP. What each cell shows is printed as it comes; the executed notebook and a page that stands
alone are left in a folder.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .._tutorials import tutorial
from ..exceptions import UsageError
from ..render import Cell, page_html

__all__ = ["run_demo"]

CELL_SECONDS = 120


def run_demo(output: Path) -> int:
    """Run the first tutorial and leave what came of it in ``output``; return the exit status."""
    source = tutorial()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write to {output}: {error.strerror}", hint="nbagents demo --output FOLDER"
        ) from None
    print(f"Running the tutorial {source.stem} with the offline demo model: scripted, not an AI.\n")
    started = time.monotonic()
    notebook = _read(source)
    with tempfile.TemporaryDirectory(prefix="nb-") as sockets:
        problem = asyncio.run(_execute(notebook, output.resolve(), Path(sockets)))
    page = output / f"{source.stem}.html"
    executed = output / f"{source.stem}.ipynb"
    executed.write_text(_as_json(notebook), encoding="utf-8")
    page.write_text(page_html(_title(notebook), list(_cells(notebook))), encoding="utf-8")
    print(f"\nDone in {time.monotonic() - started:.1f} s." if problem is None else f"\nStopped: {problem}")
    print(f"Executed notebook: {executed.resolve()}\nPage:              {page.resolve()}")
    return 0 if problem is None else 1


def _read(source: Path) -> Any:
    import jupytext  # takes a second or more, and only this command needs it

    return jupytext.read(source)


def _as_json(notebook: Any) -> str:
    import nbformat

    text: str = nbformat.writes(notebook)
    return text


async def _execute(notebook: Any, output: Path, sockets: Path) -> str | None:
    """Run the cells, printing what they show; return why it stopped, or None."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    manager = AsyncKernelManager()
    if os.name == "posix":  # Unix sockets in a private folder: nobody else on the machine can listen in
        manager.transport, manager.ip = "ipc", str(sockets / "kernel")
    # This very interpreter, whatever kernels of that name the user has installed.
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="Python 3"
    )

    def show(cell: Any, cell_index: int, **_: Any) -> None:
        if cell.cell_type == "code":
            text = "\n".join(filter(None, map(_as_text, cell.outputs)))
            if text:
                print(text.rstrip() + "\n", flush=True)

    client = NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(output)}},
        on_cell_executed=show,
        store_widget_state=False,
    )
    try:
        async with client.async_setup_kernel(cleanup_kc=True, env={**os.environ, "NBAGENTS_MODEL": "demo"}):
            await client.async_execute()
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        return str(error)
    return None


def _as_text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.get("data", {}).get("text/plain", ""))


def _title(notebook: Any) -> str:
    first = next((c.source for c in notebook.cells if c.cell_type == "markdown"), "")
    return first.lstrip("# ").splitlines()[0] if first else "nbagents"


def _cells(notebook: Any) -> Iterator[Cell]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield "markdown", cell.source
        elif cell.cell_type == "code":
            yield "code", cell.source
            for output in cell.outputs:
                html = output.get("data", {}).get("text/html")
                if html:
                    yield "html", html
                elif text := _as_text(output):
                    yield "text", text
