"""`DialogAgent`: answers with what its model says to the conversation so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import UsageError
from ..memory import arrived
from ..message import Msg
from ..models import ModelWrapperBase
from ._asking import called, whole
from ._base import AgentBase
from ._unused import warn_unused

__all__ = ["DialogAgent"]


class DialogAgent(AgentBase):
    """An agent that talks: system prompt, memory and the new message go to its model.

    ``model_config_name`` (or ``model_or_config_name``, its older spelling) names a loaded model
    configuration, or is one, or is a model. Without any the model is chosen as `choose_model` says.
    While the model answers, the pieces of text are told as ``delta`` events. A keyword that it does not
    know is warned of, and does nothing; so is it with the other agents that are ready to use.
    """

    model: ModelWrapperBase

    def __init__(
        self,
        name: str,
        sys_prompt: str | None = None,
        model_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        use_memory: bool = True,
        memory_config: Mapping[str, Any] | None = None,
        *,
        model_or_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        agent_id: str | None = None,
        **unused: Any,
    ) -> None:
        warn_unused(type(self), name, unused)
        if model_config_name is not None and model_or_config_name is not None:
            raise UsageError("give model_config_name or model_or_config_name, not both; they mean the same")
        chosen = model_config_name if model_config_name is not None else model_or_config_name
        chosen = "" if chosen is None else chosen
        super().__init__(name, sys_prompt, chosen, use_memory, memory_config, agent_id=agent_id)

    async def reply(
        self,
        x: Msg | Sequence[Msg] | str | None = None,
        *,
        msg: Msg | Sequence[Msg] | str | None = None,
    ) -> Msg:
        """Answer ``x`` (or ``msg``, as AgentScope 1.x spells it); both are remembered.

        A plain text is taken for a message of the user.
        """
        x = msg if x is None else x
        if isinstance(x, str):
            x = Msg("user", x, "user")
        if self.memory is not None:
            await arrived(self.memory.add(x))
            said: Any = await arrived(self.memory.get_memory())
        else:
            said = x
        prompt = await called(self.model.format, *self._opening(said), said, speaker=self.name)
        response = await called(self.model, prompt)
        shown = await self._print_as_it_comes(response)
        text = (await whole(response)).text
        message = Msg(self.name, text, "assistant", metadata={"model": self.model.model_name})
        message._id = shown or message._id
        await self.print(message)
        if self.memory is not None:
            await arrived(self.memory.add(message))
        return message
