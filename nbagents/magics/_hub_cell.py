"""``%%msghub`` with Python in its body: a hub that opens before the author's code and closes after it.

The code runs as ordinary code of the cell; only what opens and what closes the hub stands here.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import ExitStack
from typing import Any

from ..exceptions import CallCancelledError
from ..hub import MsgHub, msghub
from ..message import Msg
from ._conduct import finish_run, halt, limits, new_card, new_run, shortened, stopped
from ._desk import Desk
from ._interpolation import Interpolated
from ._interrupt import interruptible
from ._specs import HubSpec
from ._talk import Talk

__all__ = ["OpenHub"]


class OpenHub:
    """The hub of the running cell. It closes once, in whichever way the cell ends."""

    def __init__(self, desk: Desk, spec: HubSpec, filled: Interpolated) -> None:
        self.desk, self.options = desk, spec.options
        agents = [desk.agent(name) for name in spec.names]
        announcement = Msg("user", filled.text, "user") if filled.text else None
        self.manager: MsgHub = msghub(agents, announcement=announcement)
        talk = Talk(
            f"msghub {', '.join(spec.names)}",
            lambda run: None,
            spec.options,
            spec.announce or "",
            filled.chips,
            filled.notes,
            audience=self._audience,
            held=True,
        )
        self.run = new_run(desk, talk)
        self.card = new_card(desk, self.run, spec.options)
        self._stack = ExitStack()

    def enter(self) -> MsgHub:
        """Show the card, begin the run, and open the hub."""
        self.card.__enter__()
        self.run.__enter__()
        self._stack.enter_context(limits(self.desk, self.run, self.options))
        self._stack.enter_context(interruptible())
        return self.manager.__enter__()

    async def close(self) -> Any:
        """Close the hub after its body; wait for the calls that are open; return the last message.

        Raises:
            KeyboardInterrupt: a person stopped it.
            Exception: a call failed, and the body has not read it.
        """
        self._leave()
        try:
            await finish_run(self.run)
        except (KeyboardInterrupt, asyncio.CancelledError):
            self._freeze(stop=True)
            raise stopped(self.run) from None
        failures = self.run.claim()
        if self.run.halted:  # from another page, or another notebook
            self._freeze(stop=True)
            raise stopped(self.run)
        self.run.end("failed" if failures else "done")
        self._freeze()
        if failures:
            raise shortened(failures[0]) from None
        return self.run.result

    def abandon(self, error: BaseException | None) -> None:
        """Close the hub because its body did not come to its end."""
        self._leave()
        by_person = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError, CallCancelledError))
        if not by_person:
            self.run.stop("stopped, since the cell failed,")
            self.run.end("failed", outcome="the cell's own code failed: see below", error=None)
        self._freeze(stop=by_person)

    def _leave(self) -> None:
        self.manager.__exit__(None, None, None)
        with contextlib.suppress(ValueError):  # after a failure: this is not the context it was opened in
            self._stack.close()

    def _freeze(self, *, stop: bool = False) -> None:
        if stop:
            halt(self.run)
        self.run.claim()
        messages = self.run.messages
        if messages:
            self.run.result = messages[-1]
            self.desk.give(messages[-1], self.options.output)
        self.run.__exit__(None, None, None)
        self.card.freeze()

    def _audience(self, speaker: str) -> tuple[str, ...]:
        if not self.manager.enable_auto_broadcast:
            return ()
        names = [agent._name for agent in self.manager.participants]
        return tuple(name for name in names if name != speaker) if speaker in names else ()
