"""Names of packages are loaded when they are first used, and type checkers read the same names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nbagents
from nbagents._lazy import lazy

PACKAGE = Path(nbagents.__file__).parent
LAZY = sorted(path for path in PACKAGE.rglob("__init__.py") if "= lazy(" in path.read_text("utf-8"))


def imported(body: list[ast.stmt]) -> dict[str, str]:
    """The names that are imported from below a package, with the modules that have them."""
    return {
        name.asname or name.name: node.module
        for node in body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module is not None
        for name in node.names
    }


@pytest.mark.parametrize("path", LAZY, ids=lambda path: path.parent.name)
def test_type_checkers_read_what_is_loaded(path: Path):
    tree = ast.parse(path.read_text("utf-8"))
    told, loaded = {}, {}
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            told = imported(node.body)
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("lazy("):
            assert isinstance(node.value, ast.Call)
            assert not loaded, "there is one list"
            places = ast.literal_eval(node.value.args[1])
            loaded = {name: module for module, names in places.items() for name in names.split()}
    assert loaded == told != {}
    package = path.parent.relative_to(PACKAGE.parent).as_posix().replace("/", ".")
    listed = "assert set(it.__all__) <= set(dir(it))"
    code = f"import {package} as it; {listed}; print(*[n for n in it.__all__ if not hasattr(it, n)])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_name_is_loaded_once_and_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "idle_package").mkdir()
    (tmp_path / "idle_package" / "__init__.py").write_text("")
    (tmp_path / "idle_package" / "_work.py").write_text("print('loaded')\nwork, rest = [1], [2]\n")
    monkeypatch.syspath_prepend(tmp_path)
    import idle_package

    idle_package.__all__ = ["work"]
    idle_package.__getattr__, idle_package.__dir__ = lazy(
        "idle_package", {"_work": "work rest", "_gone": "gone"}
    )
    assert dir(idle_package) == ["work"]
    assert capsys.readouterr().out == ""
    assert idle_package.work == [1]
    assert vars(idle_package)["work"] is idle_package.work
    assert idle_package.rest == [2]
    assert capsys.readouterr().out == "loaded\n"
    with pytest.raises(AttributeError, match="module 'idle_package' has no attribute 'play'"):
        _ = idle_package.play
    with pytest.raises(ImportError, match="_gone"):
        _ = idle_package.gone
