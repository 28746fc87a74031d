"""Models: an endpoint that is asked and answers. They know messages and events, and no agent.

``model(messages)`` returns at once with a `ModelResponse`, which is read (blocking) or awaited.
`choose_model` picks a model, `load_model` makes it. What only some need is loaded at first use.
"""

from typing import TYPE_CHECKING, Any

from ._base import ModelWrapperBase
from ._load import load_model
from ._names import DEMO_MODELS
from ._request import Request
from ._response import ModelResponse
from ._stream import ModelStream
from ._usage import ModelUsage

if TYPE_CHECKING:
    from ..config import model_configs
    from ._choice import ModelChoice, Step, choose_model
    from ._client import prewarm
    from ._demo import demo_endpoint, prewarm_demo
    from ._openai import OpenAIChatWrapper
    from ._price import price_in
    from ._wire import model_config_from_wire, model_config_to_wire

    clear_model_configs = model_configs.clear
    read_model_configs = model_configs.load

load_model_by_config_name = load_model

__all__ = [
    "DEMO_MODELS",
    "ModelChoice",
    "ModelResponse",
    "ModelStream",
    "ModelUsage",
    "ModelWrapperBase",
    "OpenAIChatWrapper",
    "Request",
    "Step",
    "choose_model",
    "clear_model_configs",
    "demo_endpoint",
    "load_model",
    "load_model_by_config_name",
    "model_config_from_wire",
    "model_config_to_wire",
    "prewarm",
    "prewarm_demo",
    "price_in",
    "read_model_configs",
]


def __getattr__(name: str) -> Any:
    if name in ("ModelChoice", "Step", "choose_model"):
        from . import _choice

        return getattr(_choice, name)
    if name in ("clear_model_configs", "read_model_configs"):
        from ..config import model_configs

        return model_configs.clear if name == "clear_model_configs" else model_configs.load
    if name in ("demo_endpoint", "prewarm_demo"):
        from . import _demo

        return getattr(_demo, name)
    if name in ("model_config_from_wire", "model_config_to_wire"):
        from . import _wire

        return getattr(_wire, name)
    if name == "price_in":
        from ._price import price_in

        return price_in
    if name == "prewarm":
        from ._client import prewarm

        return prewarm
    if name == "OpenAIChatWrapper":
        from ._openai import OpenAIChatWrapper

        return OpenAIChatWrapper
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
