"""The command line: ``nbagents``."""

from ._main import main

__all__ = ["main"]
