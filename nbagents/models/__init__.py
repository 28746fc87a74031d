"""Models: an endpoint that is asked and answers. They know messages and events, and no agent.

``model(messages)`` returns at once with a `ModelResponse`, which is read (blocking) or awaited.
`choose_model` picks a model, `load_model` makes it. Each name is loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._base import ChatModelBase, ModelWrapperBase
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
    from ._invocations import Invocation, invocations
    from ._load import load_embedding_model, load_model, load_model_by_config_name
    from ._model_configs import clear_model_configs, read_model_configs
    from ._names import DEMO_MODELS, MODEL_KEYWORDS
    from ._openai import OpenAIChatWrapper
    from ._post import PostAPIModelWrapperBase
    from ._post_kinds import PostAPIChatWrapper, PostAPIDALLEWrapper, PostAPIEmbeddingWrapper
    from ._price import price_in
    from ._providers import PROVIDERS, Provider
    from ._request import Request
    from ._response import ChatResponse, ModelResponse
    from ._service import OpenAIWrapperBase
    from ._shape import Shape
    from ._stream import ModelStream
    from ._usage import ModelUsage
    from ._wire import model_config_from_wire, model_config_to_wire

__all__ = [
    "DEMO_MODELS",
    "MODEL_KEYWORDS",
    "PROVIDERS",
    "ChatModelBase",
    "ChatResponse",
    "DashScopeChatFormatter",
    "DashScopeChatModel",
    "DashScopeMultiAgentFormatter",
    "FormatterBase",
    "Invocation",
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
    "invocations",
    "load_embedding_model",
    "load_model",
    "load_model_by_config_name",
    "model_config_from_wire",
    "model_config_to_wire",
    "prewarm",
    "prewarm_demo",
    "price_in",
    "read_model_configs",
]


__getattr__, __dir__ = lazy(
    __name__,
    {
        "_base": "ChatModelBase ModelWrapperBase",
        "_chat_models": "DashScopeChatModel OpenAIChatModel",
        "_choice": "ModelChoice Step choose_model",
        "_client": "prewarm",
        "_demo": "demo_endpoint prewarm_demo",
        "_embedding": "OpenAIEmbeddingWrapper",
        "_formatters": "DashScopeChatFormatter DashScopeMultiAgentFormatter FormatterBase"
        " OpenAIChatFormatter OpenAIMultiAgentFormatter",
        "_images": "OpenAIDALLEWrapper",
        "_invocations": "Invocation invocations",
        "_load": "load_embedding_model load_model load_model_by_config_name",
        "_model_configs": "clear_model_configs read_model_configs",
        "_names": "DEMO_MODELS MODEL_KEYWORDS",
        "_openai": "OpenAIChatWrapper",
        "_post": "PostAPIModelWrapperBase",
        "_post_kinds": "PostAPIChatWrapper PostAPIDALLEWrapper PostAPIEmbeddingWrapper",
        "_price": "price_in",
        "_providers": "PROVIDERS Provider",
        "_request": "Request",
        "_response": "ChatResponse ModelResponse",
        "_service": "OpenAIWrapperBase",
        "_shape": "Shape",
        "_stream": "ModelStream",
        "_usage": "ModelUsage",
        "_wire": "model_config_from_wire model_config_to_wire",
    },
)
