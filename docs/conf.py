"""How the documentation is built: `make docs`. The tutorials are run, the reference is made of docstrings.

Every warning is an error. What is generated goes to ``docs/api`` and ``docs/tutorials``, which Git ignores.
"""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path

from nbagents import __version__

HERE = Path(__file__).parent
ROOT = HERE.parent

# ---- what the builder reads

project = "nbagents"
author = "the nbagents contributors"
copyright = author
version = release = __version__
CHECK = os.environ.get("NBAGENTS_DOCS") == "check"
"""Only look for warnings: leave out what takes long and cannot bring any."""
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += [] if CHECK else ["sphinx.ext.viewcode"]
default_role = "py:obj"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"nbagents {__version__}"
myst_enable_extensions = ["colon_fence", "dollarmath"]
# The tutorials run as their readers would run them.
nb_execution_mode = "off" if CHECK else "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
# A cell of magics is no Python. Ids have a `type`, as AutoGen's have, and so has Python.
suppress_warnings = ["misc.highlighting_failure", "mystnb.unknown_mime_type", "ref.python"]
autodoc_typehints = "signature"
autodoc_member_order = "groupwise"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False

# ---- what is written for it

PAGES = (
    "agents",
    "message",
    "models",
    "parsers",
    "tools",
    "sandbox",
    "memory",
    "vectors",
    "fetch",
    "pipelines",
    "hub",
    "topics",
    "runtime",
    "services",
    "app",
    "tracing",
    "setup",
    "runs",
    "asking",
    "budget",
    "recording",
    "events",
    "rpc",
    "render",
    "widgets",
    "exceptions",
)


def _reference() -> None:
    """Write a page for each public module, with all that it exports."""
    folder = HERE / "api"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in PAGES:
        module = importlib.import_module(f"nbagents.{name}")
        title = f"nbagents.{name}"
        parts = [f"{title}\n{'=' * len(title)}", f".. automodule:: {title}\n   :no-members:"]
        for exported in module.__all__:
            value = getattr(module, exported)
            # What another page has, and plain values, are left out.
            if f"{getattr(value, '__module__', '')}.".startswith(f"{title}."):
                parts.append(f".. auto{_kind(value)}:: {title}.{exported}")
        (folder / f"{name}.rst").write_text("\n\n".join(parts) + "\n")


def _kind(value: object) -> str:
    if not isinstance(value, type):
        return "function" if callable(value) else "data"
    return "exception" if issubclass(value, BaseException) else "class"


def _tutorials() -> None:
    """Put the tutorials where the builder finds them."""
    folder = HERE / "tutorials"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.md")):
        shutil.copy(path, folder)


_reference()
_tutorials()
