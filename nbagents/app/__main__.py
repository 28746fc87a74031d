"""The process of a deployed app: ``python -m nbagents.app``, started by `_detached`, never by hand.

Reads one line of JSON from its standard input: what to serve and where, and what nobody else may see, such
as the token. Answers one line, how to be reached or why not, and serves until a signal ends it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .._process import close_to_others
from ..config import model_configs
from ..exceptions import NbAgentsError
from ..rpc._log import start_log
from ._agent_app import AgentApp
from ._running import run_until_told, see_to_the_end
from ._target import give_tokens, load_file, load_target

log = logging.getLogger("nbagents.app")


def main() -> int:
    """Serve; return the exit status."""
    os.umask(0o077)
    close_to_others()
    start_log()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what is printed goes to the log, and keys in it are masked there
    sys.stdout = sys.stderr
    given = json.loads(sys.stdin.readline())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(given["environment"])  # where no other program sees it

    def tell(fields: dict[str, Any]) -> None:
        answer.write(json.dumps(fields) + "\n")
        answer.close()

    try:
        return run_until_told(
            _loaded(given), **given["serve"], ready=lambda deployment: tell(asdict(deployment))
        )
    except Exception as error:
        log.exception("the app could not start")
        if isinstance(error, NbAgentsError):
            tell({"error": type(error).__name__, "message": str(error), "hint": error.hint})
        else:
            tell({"error": "", "message": f"{type(error).__name__}: {error}", "hint": None})
        return 1


def _loaded(given: dict[str, Any]) -> AgentApp:
    if given["models"]:
        model_configs.load(given["models"])
    if given["file"]:
        app = load_file(Path(given["file"]), given["name"], given["folders"])
    else:
        app = load_target(given["name"], given["folders"])
    if given["tokens"] is not None:  # those that its clients know already
        give_tokens(app, given["tokens"])
    return app


if __name__ == "__main__":
    status = main()
    see_to_the_end(status)
    sys.exit(status)
