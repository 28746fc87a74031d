"""`init`: what a program in AgentScope's style begins with."""

from __future__ import annotations

import atexit
import os
import threading
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._ids import new_id
from ..agents import AgentBase
from ..config import model_configs as known_configs
from ._agent_configs import agents_of
from ._configs import load_configs
from ._run_folder import RunFolder
from ._usage import usage_totals

if TYPE_CHECKING:
    from ..rpc import Studio

__all__ = ["init", "state_dict"]

Configs = Mapping[str, Any] | Iterable[Mapping[str, Any]] | str | os.PathLike[str]

_lock = threading.Lock()
_about: dict[str, Any] = {}
_folder: RunFolder | None = None
_studio: Studio | None = None


def init(
    model_configs: Configs | None = None,
    project: str | None = None,
    name: str | None = None,
    disable_saving: bool = False,
    save_dir: str | os.PathLike[str] | None = None,
    save_log: bool = True,
    save_code: bool = True,
    save_api_invoke: bool = False,
    cache_dir: str | None = None,
    use_monitor: bool = True,
    logger_level: str = "INFO",
    runtime_id: str | None = None,
    agent_configs: Configs | None = None,
    studio_url: str | None = None,
) -> list[AgentBase]:
    """Load model configurations, make agents of ``agent_configs``, and return these. Calling again is fine.

    Configurations are a dictionary, a list of them, or the path of a JSON file. Agents name those of models
    as ``model_config_name``; every server that this process uses gets them at once, and every later one.

    A run's folder is made if ``project``, ``name``, ``save_dir`` (else ``./runs``), ``runtime_id`` or
    ``save_api_invoke`` is given, unless ``disable_saving``: with ``logging.log``, from ``logger_level`` on,
    ``logging.chat``, a message a line, and in ``code`` the Python files of the working folder, and in a
    notebook its cells. Nobody's own logging is touched. With ``save_api_invoke`` each request of this
    process to a model is a JSON file in ``invoke``, with its answer, keys masked; what agents in servers
    ask is not there. With ``use_monitor`` what models take is added up, see `print_llm_usage`.

    A studio at ``studio_url`` is told of this program, as AgentScope 0.x tells it, and each reply that it
    asks for; one that is away or slow costs nothing but the messages that it misses. ``cache_dir`` does
    nothing here, and says so.

    Raises:
        UsageError: there is no such file, or what it holds is no configuration; a folder cannot be made;
            ``studio_url`` is no address, or one of another machine without TLS.
    """
    if cache_dir:
        text = "init: cache_dir does nothing in nbagents, which keeps no answers of models to use them again"
        warnings.warn(text, UserWarning, stacklevel=2)
    if use_monitor:
        usage_totals.watch()
    if model_configs is not None:
        load_configs(model_configs)
    wants_folder = (
        any(given is not None for given in (project, name, save_dir, runtime_id)) or save_api_invoke
    )
    if wants_folder:
        _begin(
            project or "UnnamedProject",
            name or new_id()[:6],
            None if disable_saving else save_dir or "./runs",
            run_id=runtime_id,
            level=logger_level,
            save_log=save_log,
            save_code=save_code,
            save_calls=save_api_invoke,
        )
    if studio_url:
        _tell_studio(studio_url, project, name, runtime_id)
    return [] if agent_configs is None else agents_of(agent_configs)


def _begin(project: str, name: str, save_dir: str | os.PathLike[str] | None, **more: Any) -> None:
    """Begin a run in the place of the one before."""
    global _folder, _about
    with _lock:
        before, _folder = _folder, None
        if before is not None:
            before.close()
        folder = None if save_dir is None else RunFolder(save_dir, project=project, name=name, **more)
        _folder = folder
        run_id = folder.run_id if folder is not None else more.get("run_id")
        path = None if folder is None else str(folder.path)
        _about = {"project": project, "name": name, "run_id": run_id, "run_dir": path}


def _tell_studio(url: str, project: str | None, name: str | None, run_id: str | None) -> None:
    """Tell a studio from now on, in place of the one before."""
    from ..rpc import Studio

    global _studio
    about = dict(_about) if _folder is not None else {"project": project or "UnnamedProject", "name": name}
    run_id = about.get("run_id") or run_id or new_id()
    about |= {"run_id": run_id, "pid": os.getpid(), "timestamp": time.strftime("%Y-%m-%d %H:%M:%S")}
    about["run_dir"] = about.get("run_dir") or ""
    with _lock:
        before, _studio = _studio, Studio.of_program(url, about, run_id)
    if before is not None:
        before.end()


def state_dict() -> dict[str, Any]:
    """Return what `init` was told: ``project``, ``name``, ``run_id``, ``run_dir``, ``model_configs``.

    Of these only the names are told, no key.
    """
    empty = dict.fromkeys(("project", "name", "run_id", "run_dir"))
    return {**empty, **_about, "model_configs": known_configs.names(), "pid": os.getpid()}


@atexit.register
def _close() -> None:
    if _folder is not None:
        _folder.close()
    if _studio is not None:
        _studio.end()
        _studio.join()
