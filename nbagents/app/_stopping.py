"""`stop_deployment`: ends an app, whichever process of this user serves it.

A process that is for the app alone gets a signal. A kernel, or a script, that serves it on a thread is asked
by a file in the folder of the app, where nobody but its user can write, and never gets a signal.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from .._process import is_stopped
from ..exceptions import DeploymentError, UsageError
from ._deployment import Deployment, find_deployment

__all__ = ["stop_deployment"]

TICK = 0.05
GRACE = 10.0
"""Seconds beyond those of its answers that an app gets to end before it is ended by force."""


def stop_deployment(deploy_id: str, *, forget: bool = False) -> Deployment:
    """End an app, whoever of this user began it, and return what it was.

    Answers under way get the seconds that it was deployed with. A process of its own that then goes on is
    ended by force; one that has other things to do is not. One that has ended already is only taken off the
    list. One of another machine, which shares this home, cannot be ended from here; with ``forget`` it is
    taken off the list, its token too: that machine may be gone. Blocking; any process, and any thread but the
    app's own.

    Raises:
        UsageError: there is none of that id, or it runs on another machine and ``forget`` is not said.
        DeploymentError: it cannot be ended; the message says which process holds it, and what ends that.
    """
    found = find_deployment(deploy_id)
    if found is None:
        raise UsageError(f"nothing is deployed as {deploy_id!r}", hint="nbagents app list")
    if found.foreign and not forget:
        raise UsageError(
            f"{deploy_id} runs on the machine {found.machine}",
            hint=f"stop it there; if it is gone: nbagents app stop --forget {deploy_id}",
        )
    if found.alive and found.is_on_a_thread:
        _ask(found)
    elif found.alive:
        _end(found)
    found.remove()
    return found


def _ask(found: Deployment) -> None:
    """Have the process that serves it beside other things end it."""
    try:
        found.ask_to_stop()
    except FileNotFoundError:
        return  # it has ended
    except OSError as error:
        raise DeploymentError(
            f"{found.folder} cannot be written to, to ask for its end: {error.strerror}"
        ) from None
    if not _ends(lambda: found.alive and found.record.exists(), found.shutdown_timeout + GRACE):
        what = "is frozen" if is_stopped(found.pid) else "has not ended it when asked"
        raise DeploymentError(
            f"the process {found.pid}, which serves {found.name or 'the app'} beside other things, {what}",
            hint="it ends with that process: restart that kernel, or end that program",
        )


def _end(found: Deployment) -> None:
    """End the process that is for this app alone."""
    _signal(found, signal.SIGTERM)
    if not _ends(lambda: found.alive, found.shutdown_timeout + GRACE):
        _signal(found, getattr(signal, "SIGKILL", signal.SIGTERM))
        if not _ends(lambda: found.alive, GRACE):
            raise DeploymentError(
                f"the process {found.pid} of {found.name or 'the app'} does not end",
                hint="look whether something holds it: a debugger, or a disk that does not answer",
            )


def _signal(deployment: Deployment, number: int) -> None:
    """Send a signal to this very process: no other one that has got its pid meanwhile."""
    fd = -1
    try:
        try:
            fd = os.pidfd_open(deployment.pid)
        except ProcessLookupError:
            return
        except (AttributeError, OSError):
            pass  # not Linux, or a container that forbids it
        if not deployment.alive:
            return
        if fd >= 0:
            signal.pidfd_send_signal(fd, number)
        else:
            os.kill(deployment.pid, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise DeploymentError(
            f"the process {deployment.pid} cannot be ended: {error.strerror}",
            hint="stop it as the user who deployed it",
        ) from None
    finally:
        if fd >= 0:
            os.close(fd)


def _ends(goes_on: Callable[[], bool], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while goes_on():
        if time.monotonic() > limit:
            return False
        time.sleep(TICK)
    return True
