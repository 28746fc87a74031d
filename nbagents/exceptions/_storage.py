"""What may happen to things that are kept."""

from __future__ import annotations

from ._base import NbAgentsError


class StorageError(NbAgentsError):
    """What agents have become could not be kept, or not be read; the message names the file."""


class RecordingError(StorageError):
    """A recording cannot be written, or not be read; the message names the file, and the line."""


class SessionBusyError(StorageError, TimeoutError):
    """Another request holds the session, in this process or in another, and did not let go of it in time."""


class StorageFullError(StorageError):
    """There is no room left where agents are kept. The agent is as it was before the call."""


class StateCorruptError(StorageError):
    """What was kept is damaged; the message names the file, and the row where there is one."""


class StateVersionError(StorageError):
    """A newer version of nbagents kept it; the message names both versions."""
