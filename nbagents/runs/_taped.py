"""`record` and `replay`: runs whose answers are written to a file, or come from one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ..recording import Recorder, Replayer
from ._run import Run

__all__ = ["put_on_tape", "record", "replay"]


@contextlib.contextmanager
def record(path: str | os.PathLike[str], *, title: str = "", overwrite: bool = False) -> Iterator[Run]:
    """Write to a file what models, tools and people answer to the calls made inside the ``with``.

    It is a `Run`: a call that is still open when the ``with`` is left is recorded too, wherever its agent
    lives. `replay` answers from the file. What is in it is told in docs/recording.md; it is readable by you
    alone (0600), and holds what was said.

    >>> import tempfile, pathlib
    >>> from nbagents import AgentBase, Msg
    >>> from nbagents.asking import Question, fill, scripted
    >>> class Asker(AgentBase):
    ...     async def reply(self, x=None):
    ...         return Msg(self.name, (await fill(Question(self.name, "Tea? "))).text)
    >>> file = pathlib.Path(tempfile.mkdtemp(), "tea.jsonl")
    >>> with scripted(["yes, please"]), record(file):
    ...     Asker("host")().content
    'yes, please'
    >>> with replay(file) as run:  # nobody is there
    ...     Asker("host")().content
    'yes, please'

    Raises:
        UsageError: the file is there already, and ``overwrite`` is not said.
        RecordingError: it cannot be written.
    """
    run = Run(title)
    put_on_tape(run, Recorder(path, overwrite=overwrite))
    with run:
        yield run


@contextlib.contextmanager
def replay(path: str | os.PathLike[str], *, title: str = "") -> Iterator[Run]:
    """Answer from a file what the calls made inside the ``with`` ask of models, tools and people.

    All that is recorded there was asked by an agent of the same name, and was the same; in what it may
    differ is told in docs/recording.md. Nothing else is asked: a call that is not in the file fails.
    Tools are not called again.

    Raises:
        UsageError: there is no such file.
        RecordingError: it is no recording, damaged, or of a newer version.
        ReplayMismatchError: where a reply is read: its agent asked what is not recorded.
    """
    run = Run(title)
    put_on_tape(run, Replayer(path))
    with run:
        yield run


def put_on_tape(run: Run, tape: Recorder | Replayer) -> None:
    """Let a run that has not begun be recorded or replayed, and say so where it is shown."""
    run.tape = tape
    if isinstance(tape, Recorder):
        told = (run.title, f"recorded in {tape.name}")
    else:  # in front, where nothing cuts it off
        told = (tape.label, run.title)
        run.notes = (*run.notes, f"answers come from {tape.name}: no model, no tool and no person is asked")
    run.title = " · ".join(filter(None, told))
