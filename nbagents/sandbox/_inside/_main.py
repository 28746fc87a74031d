"""`main`: from the arguments to the program's start, and to its end."""

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
