"""`ModelWrapperBase`: what every model is to an agent. Knows no endpoint."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from ..exceptions import MethodMissingError, UsageError
from ..message import Msg
from ._again import reads, records
from ._format import chat_messages
from ._response import ModelResponse

__all__ = ["ChatModelBase", "ModelWrapperBase"]


class ModelWrapperBase:
    """A model. Call it with messages; it returns at once with a `ModelResponse`.

    For a model of your own write ``__call__``, which then takes ``parse_func``, ``fault_handler`` and
    ``max_retries`` as every model does; return ``ModelResponse(text=...)`` when the answer
    is there already, or ``ModelResponse.begin(label, work)`` to let it come.

    ``config_name`` is the name of its configuration, ``model_name`` what the endpoint calls the
    model, ``label`` what people are shown.

    >>> class Echo(ModelWrapperBase):
    ...     def __call__(self, messages, **generate_args):
    ...         return ModelResponse(text=messages[-1]["content"].upper())
    >>> model = Echo("echo")
    >>> model(model.format(Msg("user", "rain"))).text
    'RAIN'
    """

    model_type: str = ""
    calls_tools: bool = True
    """Can it be given ``tools``? Agents tell one that cannot of them in words."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        call = cls.__dict__.get("__call__")
        if not inspect.isfunction(call) or getattr(call, "tapes", False):
            return
        own = "parse_func" in call.__code__.co_varnames  # also one that takes it out of its keywords
        cls.__call__ = records(call) if own else reads(call)  # type: ignore[method-assign]

    def __init__(self, config_name: str, model_name: str | None = None, *, label: str | None = None) -> None:
        self.config_name = config_name
        self.model_name = model_name or config_name
        self.label = label or self.model_name

    @property
    def config(self) -> dict[str, Any]:
        """The configuration from which the same model can be made in another process.

        Raises:
            UsageError: it has none, being a class of your own.
        """
        raise UsageError(
            f"the model {self.label!r} is a {type(self).__name__}, which has no configuration, so it cannot"
            " go to a server; make it there, in the agent's __init__"
        )

    def format(self, *msgs: Msg | Iterable[Any] | None, speaker: str | None = None) -> list[dict[str, Any]]:
        """Return these messages, and those in lists among them, as the model takes them.

        ``speaker`` names the one who is going to answer: what it said before is "assistant", what
        everybody else said is "user". None among the messages is left out.
        """
        return chat_messages(msgs, speaker=speaker)

    def __call__(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Ask the model, mostly with a list of messages; return at once. A subclass writes this.

        Safe from any thread.
        """
        raise MethodMissingError(
            f'Model [{type(self).__name__}] is missing the required "__call__" function.'
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r})"


ChatModelBase = ModelWrapperBase
