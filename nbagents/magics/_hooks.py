"""Put everything into a shell, and take it out again: magics, transformer, completion, formatters, events."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from .. import context, rpc
from .._ids import new_id
from ..agents import scheduler
from ..widgets import load_ahead
from ._banner import Banner
from ._completion import candidates
from ._desk import Desk
from ._formatters import Formatters
from ._interrupt import in_cell
from ._magics import NbAgentsMagics
from ._options import MAGICS
from ._person import install, show_waiting
from ._rewrite import REGISTERED, rewrite_cell
from ._session import session_of
from ._tools import tool_names

__all__ = ["Extension"]

PRIORITY = 500
NESTED = (
    "asyncio.run() cannot be called from a running event loop",
    "This event loop is already running",
    "Cannot run the event loop while another loop is running",
)
HINT = "A notebook has a loop that runs already. To allow this: import nbagents; nbagents.allow_nested()\n"


class Extension:
    """What loading adds to one shell. Loading twice, or unloading twice, does no harm."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.desk = Desk(shell, session_of(shell))
        self.magics = NbAgentsMagics(shell, self.desk)
        self.formatters = Formatters(self.desk)
        self.matcher = _matcher(self.desk)
        self.is_loaded = False

    def load(self) -> None:
        """Add it all, and show the banner."""
        if self.is_loaded:
            return
        self.is_loaded = True
        self.shell.register_magics(self.magics)
        self.shell.input_transformer_manager.cleanup_transforms.append(_rewrite)
        self.shell.Completer.custom_matchers.append(self.matcher)
        self.formatters.register()
        self.shell.events.register("pre_run_cell", self.before_cell)
        self.shell.events.register("post_run_cell", self.after_cell)
        self.leave = install(self.desk)
        Banner(self.desk).show()
        show_waiting(self.desk)
        if self.desk.mode == "live":
            load_ahead()

    def unload(self) -> None:
        """Take it all away; the session and its agents stay."""
        if not self.is_loaded:
            return
        self.is_loaded = False
        self.leave()
        self.shell.events.unregister("pre_run_cell", self.before_cell)
        self.shell.events.unregister("post_run_cell", self.after_cell)
        self.formatters.unregister()
        self.shell.Completer.custom_matchers.remove(self.matcher)
        self.shell.input_transformer_manager.cleanup_transforms.remove(_rewrite)
        manager = self.shell.magics_manager
        for magic in MAGICS:
            kind = "cell" if magic.startswith("%%") else "line"
            manager.magics[kind].pop(magic.lstrip("%"), None)
        manager.registry.pop(REGISTERED, None)
        self.desk.close()

    def before_cell(self, info: Any = None) -> None:
        """Let the calls of a cell of plain Python belong together, and show themselves only where asked."""
        context.run.set(new_id())
        context.approve.set(None)
        context.workspace.set(self.desk.session.workspace)
        context.card.set(self.desk.mode != "terminal")

    def after_cell(self, result: Any) -> None:
        """Tidy up after a cell: its calls if it was interrupted, an open hub, failures that nobody read.

        An app that it has begun to serve shows itself.
        """
        error = None if result is None else result.error_before_exec or result.error_in_exec
        if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
            scheduler().stop_run(context.run.get(), "interrupted")
        self.magics.abandon_hub(error)
        self.formatters.join()
        self.formatters.cards.show_new()
        rpc.send_new_classes()
        scheduler().report()
        if isinstance(error, RuntimeError) and any(text in str(error) for text in NESTED):
            sys.stderr.write(HINT)


def _rewrite(lines: list[str]) -> list[str]:
    """Rewrite a cell of ours, unless a running cell asks for it, as ``%%time`` does: that cannot await."""
    return lines if in_cell() else rewrite_cell(lines)


# IPython then does not try it out while a cell is being typed.
_rewrite.has_side_effects = True  # type: ignore[attr-defined]


def _matcher(desk: Desk) -> Any:
    @context_matcher(identifier="nbagents", priority=PRIORITY)
    def match(context: CompletionContext) -> Any:
        """Complete agents' names, options and commands in our cells."""
        before = context.full_text.split("\n")[: context.cursor_line]
        text = "\n".join([*before, context.text_until_cursor])
        found = candidates(text, desk.agent_names(), tool_names(desk.variables))
        if found is None:
            return {"completions": []}
        fragment, texts = found
        completions = [SimpleCompletion(text=text, type="nbagents") for text in texts]
        return {"completions": completions, "suppress": True, "matched_fragment": fragment}

    return match
