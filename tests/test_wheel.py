"""What people install: the wheel has everything, and only that."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

import nbagents

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("jupyter_nbagents-*.whl"))) as opened:
        yield opened


def test_the_wheel_has_every_file_of_the_package(wheel: zipfile.ZipFile):
    # --exclude-standard, as the wheel leaves out what git ignores.
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "nbagents"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in listed if (ROOT / name).is_file()} <= set(wheel.namelist())


def test_the_wheel_has_the_tutorials(wheel: zipfile.ZipFile):
    tutorials = {f"nbagents/tutorials/{path.name}" for path in (ROOT / "notebooks").glob("*.md")}
    assert tutorials
    assert tutorials <= set(wheel.namelist())


def test_the_wheel_has_nothing_else(wheel: zipfile.ZipFile):
    names = wheel.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"jupyter_nbagents", "nbagents"}
    assert [name for name in names if name.endswith((".pyc", ".ipynb"))] == []


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile):
    told = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    about = message_from_bytes(wheel.read(told))
    assert (about["Name"], about["Version"]) == ("jupyter-nbagents", nbagents.__version__)
    assert {"lab", "dev", "distribute"} <= set(about.get_all("Provides-Extra") or ())
    assert not [need for need in about.get_all("Requires-Dist") or () if "distribute" in need]
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def test_the_kernel_is_python_with_the_extension_loaded(wheel: zipfile.ZipFile):
    (spec,) = (name for name in wheel.namelist() if name.endswith("/kernels/nbagents/kernel.json"))
    assert spec.endswith(".data/data/share/jupyter/kernels/nbagents/kernel.json")
    kernel = json.loads(wheel.read(spec))
    assert kernel["argv"][:3] == ["python", "-m", "ipykernel_launcher"]
    assert "--ext=nbagents" in kernel["argv"]
    for side in (32, 64):
        logo = wheel.read(spec.replace("kernel.json", f"logo-{side}x{side}.png"))
        assert logo[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", logo[16:24]) == (side, side)
    assert wheel.read(spec.replace("kernel.json", "logo-svg.svg")).startswith(b"<svg")


def test_jupyter_loads_the_extension_where_the_wheel_is_installed(wheel: zipfile.ZipFile):
    (name,) = (name for name in wheel.namelist() if name.endswith("/jupyter_server_config.d/nbagents.json"))
    assert ".data/data/etc/jupyter/" in name
    assert json.loads(wheel.read(name)) == {
        "ServerApp": {"jpserver_extensions": {"nbagents.serverext": True}}
    }


def test_jupyterlab_finds_the_extension_and_all_of_its_files(wheel: zipfile.ZipFile):
    (about,) = (name for name in wheel.namelist() if name.endswith("/jupyter-nbagents/package.json"))
    assert about.endswith(".data/data/share/jupyter/labextensions/jupyter-nbagents/package.json")
    package = json.loads(wheel.read(about))
    assert about.split("/")[-2] == package["name"]
    source = ROOT / "nbagents" / "serverext" / "labextension"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert package["jupyterlab"]["_build"]["load"] in files
    installed = about.removesuffix("package.json")
    assert {name.removeprefix(installed) for name in wheel.namelist() if name.startswith(installed)} == files
