"""`Start`: brings up a process that serves an app and outlives this one."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import exceptions
from .._process import child_command, child_environment
from ..config import model_configs, redact
from ..exceptions import DeploymentError, NbAgentsError, UsageError
from ..rpc._source import NOTEBOOKS
from ._agent_app import AgentApp
from ._deployment import LOG, Deployment, log_end, new_folder
from ._export import export
from ._health import check_health
from ._target import MODULE, check_target
from ._tokens import SHORTEST

__all__ = ["Start"]

logger = logging.getLogger(__name__)
LINES = 15
"""Lines of the log that an error has."""
_NOT_PASSED = ("JPY_", "JUPYTER", "PYTHON")
"""What the environment of a kernel has and an app has no part in: the secrets of its Jupyter server."""
_left: list[subprocess.Popen[bytes]] = []
"""Processes that outlive us; each must be waited for once, if it should end before."""


class _Process(subprocess.Popen[bytes]):
    """A process that may be let go of: then it may outlive this one, without a warning that it does."""

    is_let_go = False

    def __del__(self) -> None:
        if not self.is_let_go:
            super().__del__()


class Start:
    """One attempt to start a process for an app; `run` does it, `give_up` cuts it off from another thread.

    Args:
        app: The app, or ``module:app``.
        environment: Variables for the process, beside this one's.
        seconds: How long it may take until it answers.
        options: Those of `run_until_told`.

    Raises:
        DeploymentError: the app was made in a notebook and something of it cannot leave that.
        UsageError: there is no such app.
    """

    def __init__(
        self, app: AgentApp | str, *, environment: Mapping[str, str], seconds: float, **options: Any
    ) -> None:
        self._seconds, self._text = seconds, ""
        if odd := [name for pair in environment.items() for name in pair if not isinstance(name, str)]:
            raise UsageError(f"environment is of texts, not of a {type(odd[0]).__name__}")
        if not isinstance(app, str | AgentApp):
            raise UsageError(f"app is an AgentApp, or a text like 'service:app', not {type(app).__name__}")
        target = app if isinstance(app, str) else _target_of(app)
        source, name = target, target
        if isinstance(app, str):
            check_target(app)
        elif not target:
            exported = export(app)
            self._text, name, source = exported.text, exported.name, "cells"
        tokens = None if isinstance(app, str) else {user: t.reveal() for user, t in app._tokens.items()}
        self._given: dict[str, Any] = {
            "name": name,
            "file": "",
            # Those of this process, since what the app imports may lie in one that was added here.
            "folders": [os.path.abspath(folder) for folder in sys.path],
            "tokens": tokens,
            "environment": {**_unseen(), **environment},
            "models": _models(),
            "serve": {**options, "source": source, "startup_timeout": seconds},
        }
        given = [value for value in self._given["environment"].values() if len(value) >= SHORTEST]
        password = options.get("ssl_keyfile_password")
        self._secrets = [*(tokens or {}).values(), *given, *([password] if password else [])]
        self._process: _Process | None = None
        self._deployment: Deployment | None = None
        self._lock = threading.Lock()
        self._given_up = False

    def run(self) -> Deployment:
        """Start it, and return when it answers at its address. Blocking.

        Raises:
            UsageError: it cannot be served there: the port is taken, for one.
            DeploymentError: it ended, or did not answer in time; with the end of its log.
        """
        _left[:] = [process for process in _left if process.poll() is None]
        deploy_id, folder = new_folder()
        try:
            self._given["serve"]["deploy_id"] = deploy_id
            if self._text:
                self._given["file"] = str(folder / "app.py")
                _write(folder / "app.py", self._text)
            process = self._spawned(folder)
            try:
                deployment = self._answered(process, folder)
                _check(deployment, self._seconds)
            except BaseException:
                process.kill()
                process.wait()
                raise
            finally:
                _close(process)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        process.is_let_go = True
        _left.append(process)
        with self._lock:
            self._deployment = deployment
            if self._given_up:
                deployment.remove()
        return deployment

    def give_up(self) -> None:
        """End what has been started so far."""
        with self._lock:
            self._given_up = True
            if self._process is not None:
                self._process.kill()
            if self._deployment is not None:
                self._deployment.remove()

    def _spawned(self, folder: Path) -> _Process:
        with self._lock:
            if self._given_up:
                raise DeploymentError("the deployment was given up")
            fd = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            with os.fdopen(fd, "wb") as log:
                self._process = _Process(
                    child_command("nbagents.app"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=child_environment(),
                    start_new_session=True,  # what ends a kernel with its group does not end it
                )
        return self._process

    def _answered(self, process: _Process, folder: Path) -> Deployment:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(self._seconds, process.kill)
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(OSError):  # it has ended already: what it says tells
                process.stdin.write(json.dumps(self._given).encode() + b"\n")
                process.stdin.close()
            line = process.stdout.readline()
        finally:
            in_time = timer.is_alive()
            timer.cancel()
        if line.strip():
            answer = json.loads(line)
            if "error" not in answer:
                return Deployment(**answer)
            kind = getattr(exceptions, answer["error"], None)
            if isinstance(kind, type) and issubclass(kind, NbAgentsError):
                raise kind(redact(answer["message"], *self._secrets), hint=answer["hint"])
            what = f"the app could not start: {answer['message']}"
        elif not in_time:
            what = f"the app did not answer within {self._seconds:g} s"
        else:
            what = f"the process of the app ended at its start, with status {process.wait()}"
        what, end = redact(what, *self._secrets), log_end(folder / LOG, LINES, *self._secrets)
        raise DeploymentError(
            f"{what}\nThe end of its log:\n{end}" if end else what,
            hint="run it here first: app.run()" if self._text else None,
        )


def _target_of(app: AgentApp) -> str:
    """Return the ``module:app`` by which a new process finds an app; "" for one that cells have made."""
    written = [app._init, app._query, app._shutdown, *app._written.values()]
    if any(getattr(function, "__module__", "") in NOTEBOOKS for function in written if function is not None):
        return ""
    for name, module in list(sys.modules.items()):
        if name not in (*NOTEBOOKS, MODULE):
            for known, value in list(getattr(module, "__dict__", {}).items()):
                if value is app:
                    return f"{name}:{known}"
    return ""


def _unseen() -> dict[str, str]:
    """Return what the environment hides from children: keys of models, which the app needs as we do."""
    seen = child_environment()
    return {
        name: value
        for name, value in os.environ.items()
        if name not in seen and not name.upper().startswith(_NOT_PASSED)
    }


def _models() -> list[dict[str, Any]]:
    """Return the model configurations that this process knows, keys and all, for the pipe."""
    if not model_configs.names():
        return []
    from ..models import model_config_to_wire

    found = []
    for name in model_configs.names():
        try:
            found.append(model_config_to_wire(model_configs.get(name)))
        except NbAgentsError as error:  # it holds an object of this process; the app may not use it
            logger.warning(
                "the model configuration %s does not go to the process of the app: %s", name, error
            )
    return found


def _check(deployment: Deployment, seconds: float) -> None:
    """Ask at the address. That this process has it, the process itself has told."""
    try:
        check_health(deployment.url, seconds)
    except OSError as error:
        raise DeploymentError(f"the app does not answer at {deployment.url}: {error}") from None


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
