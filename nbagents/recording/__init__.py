"""What models, tools and people answered in a run, written to a file; and answered from there again.

A run has one *tape*: a `Recorder`, which writes what was answered, or a `Replayer`, which answers in the
place of all of them. It lies in the process that began the run; a server that has agents of that run tells
it what was answered there, or asks it (`nbagents.rpc`). Whoever asks a model, a tool or a person looks
first at where it is (`here`). In a replay nothing is asked that is not in the file: no model, no tool, no
person stands in for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._answers import ERROR, STOPPED, again, check_answered, too_large
    from ._asked import WHAT, Asked, asked_of_model, asked_of_person, asked_of_tool
    from ._entry import Entry, name_in
    from ._file import LONGEST, Recording, RecordingFile, read_recording
    from ._plain import plain
    from ._recorder import Recorder
    from ._replayer import Replayer, label_of
    from ._tape import Place, Tape, aside, current_tape, here, only_recorded, set_tape, tape_of

__all__ = [
    "ERROR",
    "LONGEST",
    "STOPPED",
    "WHAT",
    "Asked",
    "Entry",
    "Place",
    "Recorder",
    "Recording",
    "RecordingFile",
    "Replayer",
    "Tape",
    "again",
    "aside",
    "asked_of_model",
    "asked_of_person",
    "asked_of_tool",
    "check_answered",
    "current_tape",
    "here",
    "label_of",
    "name_in",
    "only_recorded",
    "plain",
    "read_recording",
    "set_tape",
    "tape_of",
    "too_large",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_answers": "ERROR STOPPED again check_answered too_large",
        "_asked": "WHAT Asked asked_of_model asked_of_person asked_of_tool",
        "_entry": "Entry name_in",
        "_file": "LONGEST Recording RecordingFile read_recording",
        "_plain": "plain",
        "_recorder": "Recorder",
        "_replayer": "Replayer label_of",
        "_tape": "Place Tape aside current_tape here only_recorded set_tape tape_of",
    },
)
