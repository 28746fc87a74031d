"""Who serves models behind OpenAI's protocol: addresses and the variables of their keys, by name.

A fixed table: ``provider="ollama"`` in a configuration, or a ``model_type`` such as ``ollama_chat``,
is all that it takes to reach one. Knows nothing of requests.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..exceptions import ModelChoiceError
from ._address import setting
from ._ollama import ollama_origin

__all__ = ["OPENAI_URL", "PROVIDERS", "Provider", "provider_of"]

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Provider:
    """One who serves models: on the network, or on this machine."""

    name: str
    base_url: str
    """Where it answers, unless ``url_variable`` of the environment says otherwise."""
    needs_key: bool = False
    by_tool: bool = False
    """Does it take a shape for its answer only as the parameters of a tool?"""
    shown: str = ""
    """What people call it."""

    @property
    def url_variable(self) -> str:
        """The variable that says where it is: ``DASHSCOPE_BASE_URL``."""
        return f"{self.name.upper()}_BASE_URL"

    @property
    def key_variable(self) -> str:
        """The variable that holds its key: ``DASHSCOPE_API_KEY``."""
        return f"{self.name.upper()}_API_KEY"

    def address(self, environ: Mapping[str, str]) -> str:
        """Return where it answers, as far as the environment says so, else its usual place."""
        said = setting(environ, self.url_variable)
        if said is None and self.name == "ollama":
            return f"{ollama_origin(environ)}/v1"
        return said or self.base_url

    def key(self, environ: Mapping[str, str]) -> bool:
        """Does the environment hold its key?"""
        return setting(environ, self.key_variable) is not None


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider("openai", OPENAI_URL, True, shown="OpenAI"),
        Provider("anthropic", "https://api.anthropic.com/v1", True, True, "Anthropic"),
        Provider(
            "dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", True, True, "DashScope (Qwen)"
        ),
        Provider("deepseek", "https://api.deepseek.com/v1", True, True, "DeepSeek"),
        Provider("fastchat", "http://localhost:8000/v1", shown="FastChat"),
        Provider("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", True, shown="Gemini"),
        Provider("litellm", "http://localhost:4000/v1", shown="the LiteLLM proxy"),
        Provider("lmstudio", "http://localhost:1234/v1", shown="LM Studio"),
        Provider("ollama", "http://localhost:11434/v1", shown="Ollama"),
        Provider("vllm", "http://localhost:8000/v1", shown="vLLM"),
        Provider("yi", "https://api.lingyiwanwu.com/v1", True, True, "01.AI"),
        Provider("zhipuai", "https://open.bigmodel.cn/api/paas/v4", True, True, "Zhipu AI"),
    )
}
"""Those that are known by name."""

_OTHER_NAMES = {"qwen": "dashscope", "tongyi": "dashscope", "lm_studio": "lmstudio", "google": "gemini"}


def provider_of(config: Mapping[str, Any]) -> Provider:
    """Return who serves the model of a configuration: as ``provider`` says, else its ``model_type``.

    >>> provider_of({"model_type": "tongyi_chat"}).key_variable, provider_of({}).name
    ('DASHSCOPE_API_KEY', 'openai')

    Raises:
        ModelChoiceError: nobody of that name is known.
    """
    said, kind = config.get("provider"), str(config.get("model_type") or "").lower()
    if said is None:
        start = next((name for name in (*PROVIDERS, *_OTHER_NAMES) if kind.startswith(name)), "openai")
        return PROVIDERS[_OTHER_NAMES.get(start, start)]
    name = str(said).lower()
    found = PROVIDERS.get(_OTHER_NAMES.get(name, name))
    if found is not None:
        return found
    close = difflib.get_close_matches(name, PROVIDERS, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise ModelChoiceError(
        f"the model configuration {config.get('config_name', '')!r}: there is no provider {said!r}.{guess}"
        f" Known: {', '.join(PROVIDERS)}; any other is reached by its base_url"
    )
