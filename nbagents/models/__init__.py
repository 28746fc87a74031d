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
from ._shape import Shape
from ._stream import ModelStream
from ._usage import ModelUsage

if TYPE_CHECKING:
    from ..config import model_configs
    from ._chat_models import DashScopeChatModel, OpenAIChatModel
    from ._choice import ModelChoice, Step, choose_model
    from ._client import prewarm
    from ._demo import demo_endpoint, prewarm_demo
    from ._embedding import OpenAIEmbeddingWrapper
    from ._formatters import (
        DashScopeChatFormatter,
        DashScopeMultiAgentFormatter,
        FormatterBase,
        OpenAIChatFormatter,
        OpenAIMultiAgentFormatter,
    )
    from ._images import OpenAIDALLEWrapper
    from ._openai import OpenAIChatWrapper
    from ._post import PostAPIModelWrapperBase
    from ._post_kinds import PostAPIChatWrapper, PostAPIDALLEWrapper, PostAPIEmbeddingWrapper
    from ._price import price_in
    from ._providers import PROVIDERS, Provider
    from ._service import OpenAIWrapperBase
    from ._wire import model_config_from_wire, model_config_to_wire

    clear_model_configs = model_configs.clear
    read_model_configs = model_configs.load

ChatResponse = ModelResponse
ChatModelBase = ModelWrapperBase
load_model_by_config_name = load_model

__all__ = [
    "DEMO_MODELS",
    "PROVIDERS",
    "ChatModelBase",
    "ChatResponse",
    "DashScopeChatFormatter",
    "DashScopeChatModel",
    "DashScopeMultiAgentFormatter",
    "FormatterBase",
    "ModelChoice",
    "ModelResponse",
    "ModelStream",
    "ModelUsage",
    "ModelWrapperBase",
    "OpenAIChatFormatter",
    "OpenAIChatModel",
    "OpenAIChatWrapper",
    "OpenAIDALLEWrapper",
    "OpenAIEmbeddingWrapper",
    "OpenAIMultiAgentFormatter",
    "OpenAIWrapperBase",
    "PostAPIChatWrapper",
    "PostAPIDALLEWrapper",
    "PostAPIEmbeddingWrapper",
    "PostAPIModelWrapperBase",
    "Provider",
    "Request",
    "Shape",
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
    module: Any
    if name in ("ModelChoice", "Step", "choose_model"):
        from . import _choice as module
    elif name in ("clear_model_configs", "read_model_configs"):
        from ..config import model_configs

        return model_configs.clear if name == "clear_model_configs" else model_configs.load
    elif name in ("demo_endpoint", "prewarm_demo"):
        from . import _demo as module
    elif name in ("model_config_from_wire", "model_config_to_wire"):
        from . import _wire as module
    elif name == "price_in":
        from . import _price as module
    elif name == "prewarm":
        from . import _client as module
    elif name in ("PROVIDERS", "Provider"):
        from . import _providers as module
    elif name in ("DashScopeChatModel", "OpenAIChatModel"):
        from . import _chat_models as module
    elif name.endswith(("Formatter", "FormatterBase")):
        from . import _formatters as module
    elif name == "OpenAIChatWrapper":
        from . import _openai as module
    elif name == "OpenAIDALLEWrapper":
        from . import _images as module
    elif name == "OpenAIEmbeddingWrapper":
        from . import _embedding as module
    elif name == "OpenAIWrapperBase":
        from . import _service as module
    elif name == "PostAPIModelWrapperBase":
        from . import _post as module
    elif name.startswith("PostAPI"):
        from . import _post_kinds as module
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
