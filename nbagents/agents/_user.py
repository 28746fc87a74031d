"""`UserAgent`: a person among the agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import asking
from .._fitting import Misfit, fitted, is_model_class
from ..exceptions import AnswerRefusedError
from ..memory import arrived
from ..message import Msg
from ..render import content_text
from ._base import AgentBase
from ._unused import warn_unused

__all__ = ["UserAgent"]

SHARED = frozenset({"sys_prompt", "model_config_name", "use_memory", "memory_config", "agent_id"})
"""Keywords that every agent takes."""
SAID = 1000
"""Characters of what is answered to that travel with a question."""


class UserAgent(AgentBase):
    """An agent whose replies a person gives: in a notebook's form, in the terminal or from a script.

    How the person is reached is not known here: `nbagents.asking` decides. ``input_hint`` is the
    prompt; ``choices`` are answers to pick from; with ``require_url`` the person is asked for an address
    or a file's path too. ``default`` stands for a person who is not there, or not within ``timeout`` seconds.
    """

    def __init__(
        self,
        name: str = "User",
        input_hint: str = "User Input: ",
        require_url: bool = False,
        *,
        choices: Sequence[str] = (),
        default: str | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> None:
        warn_unused(type(self), name, {key: more.pop(key) for key in more.keys() - SHARED})
        super().__init__(name, **more)
        self.input_hint, self.require_url = input_hint, require_url
        self.choices, self.default, self.timeout = list(choices), default, timeout

    async def reply(
        self,
        x: Msg | Sequence[Msg] | str | None = None,
        required_keys: Sequence[str] | str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # a person may see how long is left
        schema: Any = None,
        *,
        structured_schema: Any = None,
        structured_model: Any = None,
    ) -> Msg:
        """Ask the person and return the answer; what is asked for by name goes to ``metadata``.

        ``required_keys`` are names; ``schema`` is a pydantic class or a JSON schema, and the answer fits
        it; ``structured_schema`` and ``structured_model`` are AgentScope's later names for it. Where the
        person gives no text besides, the message's content lists what was filled in.

        Raises:
            TimeoutError: nobody answered in time, and there is no default.
            UsageError: nobody is there to answer, and there is no default.
        """
        if isinstance(x, str):
            x = Msg("user", x, "user")
        schema = schema or structured_schema or structured_model
        if self.memory is not None:
            await arrived(self.memory.add(x))
        names = asking.fields_of(required_keys or None)
        question = asking.Question(
            self.name,
            self.input_hint,
            timeout=self.timeout if timeout is None else timeout,
            default=self.default,
            choices=tuple(self.choices),
            fields=(*names, *asking.fields_of(schema)),
            wants_url=self.require_url,
            kind="turn",
            said=_said(x),
        )
        answer = await asking.fill(question, _check_of(schema))
        filled = dict(answer.fields)
        text = answer.text or "\n".join(f"{name}: {value}" for name, value in filled.items())
        message = Msg(self.name, text, "user", url=answer.url, metadata=filled or None)
        await self.print(message)
        if self.memory is not None:
            await arrived(self.memory.add(message))
        return message


def _said(x: Any) -> str:
    """Return what the person answers to: the last of the messages."""
    last = x[-1] if isinstance(x, (list, tuple)) and x else x
    return f"{last.name}: {content_text(last.content)}"[:SAID] if isinstance(last, Msg) else ""


def _check_of(schema: Any) -> Any:
    """Return what checks the fields as a pydantic class does; None where there is no class."""
    if not is_model_class(schema):
        return None
    known = {field.name for field in asking.fields_of(schema)}

    def check(values: Mapping[str, Any]) -> None:
        try:
            fitted(schema, {name: value for name, value in values.items() if name in known}, "the answer")
        except Misfit as error:
            raise AnswerRefusedError(str(error)) from None

    return check
