"""Names that mean something to several modules here."""

from __future__ import annotations

__all__ = [
    "AUTO_MODEL",
    "CHAT_TYPES",
    "DEFAULT_OPENAI_MODEL",
    "DEMO_MODELS",
    "EMBEDDING_TYPES",
    "IMAGE_TYPES",
    "MODEL_KEYWORDS",
    "OPENAI_TYPES",
]

AUTO_MODEL = "auto"
"""As ``model_name``: the first model that the endpoint lists."""
CHAT_TYPES = frozenset(
    {
        "AnthropicChatWrapper",
        "DashScopeChatWrapper",
        "DashScopeMultiModalWrapper",
        "GeminiChatWrapper",
        "LiteLLMChatWrapper",
        "OllamaChatWrapper",
        "OllamaGenerationWrapper",
        "OpenAIChatWrapper",
        "YiChatWrapper",
        "ZhipuAIChatWrapper",
        "anthropic_chat",
        "dashscope_chat",
        "dashscope_multimodal",
        "deepseek_chat",
        "fastchat_chat",
        "gemini_chat",
        "litellm_chat",
        "lmstudio_chat",
        "ollama_chat",
        "ollama_generate",
        "openai",
        "openai_chat",
        "tongyi_chat",
        "vllm_chat",
        "yi_chat",
        "zhipuai_chat",
    }
)
"""As ``model_type``: a chat model behind an endpoint that speaks OpenAI's protocol."""
DEFAULT_OPENAI_MODEL = "gpt-4o-mini"
DEMO_MODELS = ("demo", "demo-fast", "demo-slow", "demo-flaky", "demo-error", "demo-long")
"""The offline demo model and its kin."""
EMBEDDING_TYPES = frozenset(
    {
        "DashScopeTextEmbeddingWrapper",
        "GeminiEmbeddingWrapper",
        "OllamaEmbeddingWrapper",
        "OpenAIEmbeddingWrapper",
        "ZhipuAIEmbeddingWrapper",
        "dashscope_text_embedding",
        "gemini_embedding",
        "lmstudio_embedding",
        "ollama_embedding",
        "openai_embedding",
        "vllm_embedding",
        "zhipuai_embedding",
    }
)
"""As ``model_type``: a model that makes embeddings, behind such an endpoint."""
IMAGE_TYPES = frozenset({"OpenAIDALLEWrapper", "openai_dall_e", "openai_dalle"})
"""As ``model_type``: a model that paints, behind such an endpoint."""
MODEL_KEYWORDS = ("model_config_name", "model")
"""The arguments of an agent that say which model it has: the name of a configuration, or one itself."""
OPENAI_TYPES = CHAT_TYPES | EMBEDDING_TYPES | IMAGE_TYPES
"""As ``model_type``: whatever is behind such an endpoint."""
