"""What runs inside: the first process of a sandbox, which closes the doors and then starts the program.

It is run by a bare interpreter as a package of its own, with nothing of the rest of nbagents, so that it
starts in a few milliseconds; for that reason it imports little. What it needs to know are its arguments.
"""

from __future__ import annotations

import sys

from ._bounds import drop_rights
from ._kernel import die_with_parent
from ._rooms import enter_rooms
from ._settings import Settings
from ._watch import Watch

__all__ = ["main"]

NAMESPACES, BUBBLEWRAP = 2, 3


def main() -> None:
    """Take the settings from the command line, do as they say, and end as the program ends."""
    settings = Settings.read(sys.argv[1:])
    watch = Watch(settings)
    try:
        if settings.number("level") == NAMESPACES:
            die_with_parent()
            enter_rooms(settings, watch.leave)
        if settings.number("level") > 0:
            drop_rights()
        watch.start()
    except OSError as error:
        watch.tell("error", f"{error.filename or 'the sandbox'}: {error.strerror or error}")
        sys.exit(125)
    watch.run()
