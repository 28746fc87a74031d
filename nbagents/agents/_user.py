"""`UserAgent`: a person among the agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import asking
from ..message import Msg
from ._base import AgentBase

__all__ = ["UserAgent"]


class UserAgent(AgentBase):
    """An agent whose replies a person gives, in the terminal or from a script.

    How the person is asked is not known here: `nbagents.asking` decides. ``input_hint`` is the
    prompt; with ``require_url`` the person is asked for an address too.
    """

    def __init__(
        self, name: str = "User", input_hint: str = "User Input: ", require_url: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(name, **kwargs)
        self.input_hint, self.require_url = input_hint, require_url

    def reply(
        self,
        x: Msg | Sequence[Msg] | str | None = None,
        required_keys: Sequence[str] | str | None = None,
        timeout: float | None = None,
    ) -> Msg:
        """Ask the person and return the answer; each required key is asked for and goes to ``metadata``.

        Raises:
            TimeoutError: nobody answered within ``timeout`` seconds.
            UsageError: nobody is there to answer.
        """
        if isinstance(x, str):
            x = Msg("user", x, "user")
        if self.memory is not None:
            self.memory.add(x)
        text = asking.ask(asking.Question(self.name, self.input_hint, timeout=timeout))
        keys = [required_keys] if isinstance(required_keys, str) else required_keys or []
        filled = {key: asking.ask(asking.Question(self.name, f"{key}: ", timeout=timeout)) for key in keys}
        url = None
        if self.require_url:
            url = asking.ask(asking.Question(self.name, "URL (or Enter to skip): ", timeout=timeout)) or None
        message = Msg(self.name, text, "user", url=url, metadata=filled or None)
        self.speak(message)
        if self.memory is not None:
            self.memory.add(message)
        return message
