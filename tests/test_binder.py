"""Binder: its postBuild, executed, leaves an environment that opens the first tutorial."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_post_build_opens_the_first_tutorial(tmp_path: Path):
    checkout = tmp_path / "checkout"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)

    # A fresh environment which borrows everything but nbagents from this one: so pip needs no network.
    home = tmp_path / "env"
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    python = home / "bin" / "python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    purelib = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    Path(purelib, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}

    done = subprocess.run(["./binder/postBuild"], cwd=checkout, env=env, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(purelib, "nbagents", "__init__.py").is_file()
    assert (home / "share" / "jupyter" / "kernels" / "nbagents" / "kernel.json").is_file()
    first = sorted((checkout / "notebooks").glob("*.ipynb"))[0]
    assert json.loads(first.read_text("utf-8"))["cells"]
    settings = json.loads((home / "etc" / "jupyter" / "jupyter_server_config.json").read_text("utf-8"))
    assert settings["LabApp"]["default_url"] == f"/lab/tree/notebooks/{first.name}"
