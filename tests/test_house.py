"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import collections
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbagents

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nbagents"
LONGEST = 400
HEAVY = {
    "IPython", "anywidget", "google.protobuf", "grpc", "httpx", "httpx2", "ipywidgets", "jupyter_client",
    "jupyter_server", "markdown_it", "nh3", "numpy", "openai", "opentelemetry", "pydantic", "starlette",
    "uvicorn",
}  # fmt: skip
BANNED_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "yaml"}
BANNED_BUILTINS = {"__import__", "compile", "eval", "exec"}
BANNED_CALLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
# The time of day is for names and for what people read; all that waits counts with the monotonic clock.
TELLS_THE_TIME = {
    "app/_a2a/_tale.py": "datetime.datetime.now",  # when something became of a task, as A2A tells it
    "app/_answer.py": "time.time",  # when an answer was made, as OpenAI tells it
    "app/_deployment.py": "time.time",  # when an app began, for people, and the age of what one left
    "app/_task.py": "time.time",  # when a task was begun, for people
    "demo/_answer.py": "time.time",
    "render/_live.py": "time.time",  # when things began, for a page, which has no other clock
    "rpc/_launcher.py": "time.time_ns",
    "serverext/_app.py": "datetime.now",  # when something was done last: hubs compare it
    "rpc/_places.py": "time.time",  # the age of a file, for which there is no other clock: leftovers only
    "rpc/_recorded.py": "time.time",  # when a run began, for people
    "tools/_audit.py": "time.time",  # when a tool was called, for people
}
# Compiling is for the server, which defines the classes that its user wrote in a notebook.
COMPILES = {"rpc/_workshop.py"}
# Importing by name is for the roof, which fills sockets, for `lazy`, which loads the names of packages, for
# the server, which loads agent classes, and for whoever runs an app by its name.
IMPORTS_BY_NAME = {"__init__.py", "_lazy.py", "app/_target.py", "compat/_mirror.py", "rpc/_loader.py"}


@functools.cache
def _trees() -> dict[str, ast.Module]:
    """The hand-written modules of the package, by path inside it."""
    paths = [path for path in PACKAGE.rglob("*.py") if "_pb2" not in path.name]
    named = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(paths)}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in named.items()}


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for name, tree in _trees().items():
        for node in ast.walk(tree):
            yield f"{name}:{getattr(node, 'lineno', 0)}", node


def _ours() -> list[Path]:
    """All files that are, or would be, in the repository."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def _is_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


# ------------------------------------------------------------------------------------- imports


def test_nobody_imports_the_roof():
    wrong = []
    for where, node in _nodes():
        if isinstance(node, ast.Import):
            wrong += [where for alias in node.names if alias.name.split(".")[0] == "nbagents"]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            wrong += [where] if (node.module or "").split(".")[0] == "nbagents" else []
        elif isinstance(node, ast.ImportFrom) and node.module is None:
            folder = (PACKAGE / where.split(":")[0]).parents[node.level - 1]
            if folder == PACKAGE:
                wrong += [where for alias in node.names if not _is_module(PACKAGE, alias.name)]
    assert not wrong, "\n".join(wrong)


def test_importing_nbagents_loads_nothing_heavy(tmp_path: Path):
    code = "import sys, nbagents; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert HEAVY.intersection(run.stdout.split()) == set()


def test_importing_agents_loads_no_web_and_no_markdown(tmp_path: Path):
    code = "import sys, nbagents.agents; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert {"markdown_it", "nh3", "urllib.request", "http.client"}.isdisjoint(run.stdout.split())


def test_every_name_under_the_roof_can_be_had():
    assert set(nbagents.__all__) <= set(dir(nbagents))
    assert [name for name in nbagents.__all__ if not hasattr(nbagents, name)] == []


def test_imports_only_go_downstairs():
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


# --------------------------------------------------------------------------------------- names


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order that ruff keeps too."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def test_every_list_of_public_names_is_sorted():
    wrong = []
    for where, node in _nodes():
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = ast.literal_eval(node.value)
            if names != sorted(set(names), key=_order):
                wrong.append(where)
    assert not wrong, "\n".join(wrong)


def test_no_module_is_a_drawer():
    drawers = {"common", "helper", "helpers", "misc", "util", "utils"}
    assert [name for name in _trees() if Path(name).stem.strip("_") in drawers] == []


def test_every_module_says_what_it_is_for():
    assert [name for name, tree in _trees().items() if not ast.get_docstring(tree)] == []


def test_no_module_is_too_long():
    lengths = {name: len((PACKAGE / name).read_text("utf-8").splitlines()) for name in _trees()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_test_files_have_unique_names():
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    counts = collections.Counter(path.name for path in files if path.name.startswith("test_"))
    assert {name: count for name, count in counts.items() if count > 1} == {}
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_every_function_of_a_test_file_is_a_test_or_is_used():
    """So that no test sleeps for ever, because its name or its kind is wrong."""
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for node in tree.body:
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test"):
                wrong.append(f"{where}: nothing would await {node.name}")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list:
                known = node.name.startswith(("test_", "pytest_")) or node.name in used
                wrong += [] if known else [f"{where}: {node.name}"]
    assert not wrong, "\n".join(wrong)


# -------------------------------------------------------------------------------------- safety


def test_nothing_is_pickled():
    wrong = []
    for where, node in _nodes():
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
        wrong += [f"{where}: {name}" for name in names if name.split(".")[0] in BANNED_MODULES]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_evaluated_and_no_shell_is_started():
    wrong = []
    for where, node in _nodes():
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        compiles = called in {"compile", "exec"} and where.split(":")[0] in COMPILES
        if not compiles and called in BANNED_BUILTINS | BANNED_CALLS:
            wrong.append(f"{where}: {called}")
        if called.endswith("import_module") and where.split(":")[0] not in IMPORTS_BY_NAME:
            wrong.append(f"{where}: {called}")
        wrong += [f"{where}: shell" for key in node.keywords if key.arg == "shell"]
    assert not wrong, "\n".join(wrong)


def test_nothing_waits_by_the_time_of_day():
    clocks = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.datetime.now"}
    told = {
        where.split(":")[0]: called
        for where, node in _nodes()
        if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) in clocks
    }
    assert told == TELLS_THE_TIME


def test_tokens_are_compared_in_constant_time():
    compared = [
        where.split(":")[0]
        for where, node in _nodes()
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest"
    ]
    assert {"rpc/_gate.py", "config/_secret.py"} <= set(compared)


def test_nothing_listens_to_the_world_by_itself():
    """These addresses may be looked for, to refuse or replace them; they may not be used."""
    wrong, looked_for = [], set()
    for where, node in _nodes():
        if isinstance(node, ast.Compare):
            looked_for |= {id(child) for child in ast.walk(node)}
        elif isinstance(node, ast.Dict | ast.Set):
            looked_for |= {id(child) for child in (node.keys if isinstance(node, ast.Dict) else node.elts)}
        elif isinstance(node, ast.Constant) and node.value in {"0.0.0.0", "::", "[::]"}:
            wrong += [where] if id(node) not in looked_for else []
    assert not wrong, "\n".join(wrong)


def test_our_scripts_insert_no_markup():
    markup = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b")
    scripts = [path for path in PACKAGE.rglob("*") if path.suffix in {".js", ".mjs", ".ts"}]
    found = [(path.name, hit) for path in scripts for hit in markup.findall(path.read_text("utf-8"))]
    # The one place that parses HTML: what `nbagents.render` has sanitized, in an inert template.
    assert found == [("base.js", "innerHTML")]


def test_no_file_names_a_place_on_one_machine():
    places = re.compile(rb"(?<![\w.\-/])/(?:work|root|opt|home/[a-z]+)/")
    assert [str(path.relative_to(ROOT)) for path in _ours() if places.search(path.read_bytes())] == []


# ------------------------------------------------------------------------------ generated, said twice


def test_the_stubs_are_fresh(tmp_path: Path):
    folder = PACKAGE / "rpc" / "_proto"
    protos = [path.relative_to(ROOT).as_posix() for path in sorted(folder.glob("*.proto"))]
    assert protos, "the wire has a .proto"
    out = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I.", *out, *protos], cwd=ROOT, check=True)
    fresh = {path.name: path.read_text("utf-8") for path in tmp_path.rglob("*_pb2*")}
    committed = {path.name: path.read_text("utf-8") for path in folder.glob("*_pb2*.py*")}
    assert committed == fresh, "run: make proto"


def test_the_citation_names_this_version():
    assert f"\nversion: {nbagents.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_lab_extension_has_this_version():
    package = PACKAGE / "serverext" / "labextension" / "package.json"
    assert json.loads(package.read_text("utf-8"))["version"] == nbagents.__version__
