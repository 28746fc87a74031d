"""Say what went wrong in a call: who, what, why, what to type next.

Knows the tree of exceptions, and no places on this machine: paths in what it returns are shortened,
since an output is saved and passed on.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from ..exceptions import (
    AgentServerNotAliveError,
    CallTimeoutError,
    DeadlockError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelUnavailableError,
    NbAgentsError,
    RemoteAgentError,
    ResultExpiredError,
    ServerLostError,
)
from ..render import ErrorView

__all__ = ["error_view", "full_traceback"]

_TITLES: tuple[tuple[type[BaseException], str], ...] = (
    (ModelUnavailableError, "{agent} got no answer from its model"),
    (ModelAuthError, "the key of {agent}'s model was rejected"),
    (ModelRateLimitError, "{agent}'s model refuses for now"),
    (ModelError, "{agent}'s model did not answer as asked"),
    (CallTimeoutError, "{agent} timed out"),
    (DeadlockError, "{agent} waits for itself"),
    (ResultExpiredError, "{agent}'s answer was kept for its time and then dropped"),
    (ServerLostError, "the agent server went away while {agent} was busy"),
    (AgentServerNotAliveError, "{agent} has no agent server any more"),
)
_FILE = re.compile(r'(?<=File ")([^"\n]+)(?=")')


def error_view(agent: str, error: BaseException) -> ErrorView:
    """Return a failure as it is shown; ``agent`` is whose call it was."""
    name = getattr(error, "type_name", type(error).__name__)
    title = next((words for kind, words in _TITLES if isinstance(error, kind)), "{agent} failed: " + name)
    hint = error.hint or "" if isinstance(error, NbAgentsError) else ""
    known = isinstance(error, NbAgentsError) and not isinstance(error, RemoteAgentError)
    if known and not agent:  # an error of ours about the run says all in one sentence
        return ErrorView(str(error), hint=hint)
    return ErrorView(
        title.format(agent=agent or "the run"),
        str(error),
        hint,
        "" if known and not error.remote_traceback else full_traceback(error),  # type: ignore[attr-defined]
    )


def full_traceback(error: BaseException) -> str:
    """Return the traceback of the place that raised, in whichever process; paths are shortened."""
    there = getattr(error, "remote_traceback", None)
    text = there or "".join(traceback.format_exception(error))
    return _FILE.sub(lambda found: _short(found[1]), text.rstrip())


def _short(path: str) -> str:
    """Return a path from its package, the working folder or the home on.

    >>> _short("/usr/lib/python3/site-packages/nbagents/agents/_base.py")
    'nbagents/agents/_base.py'
    """
    plain = path.replace("\\", "/")
    if "/ipykernel_" in plain:
        return "<cell>"
    for folder in ("/site-packages/", "/dist-packages/"):
        if folder in plain:
            return plain.rpartition(folder)[2]
    package = Path(__file__).parents[1]
    for root in (package.parent, Path.cwd()):
        if plain.startswith(f"{root.as_posix()}/"):
            return plain[len(root.as_posix()) + 1 :]
    return plain.rpartition("/")[2] if plain.startswith("/") else plain
