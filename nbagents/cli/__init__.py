"""The command line: ``nbagents``, and ``as_server``."""

from ._as_server import as_server
from ._main import main

__all__ = ["as_server", "main"]
