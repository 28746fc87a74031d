"""Names that mean something to several modules here."""

from __future__ import annotations

__all__ = ["AUTO_MODEL", "CHAT_TYPES", "DEFAULT_OPENAI_MODEL", "DEMO_MODELS"]

AUTO_MODEL = "auto"
"""As ``model_name``: the first model that the endpoint lists."""
CHAT_TYPES = frozenset({"OpenAIChatWrapper", "openai", "openai_chat"})
"""As ``model_type``: a chat model behind an endpoint that speaks OpenAI's protocol."""
DEFAULT_OPENAI_MODEL = "gpt-4o-mini"
DEMO_MODELS = ("demo", "demo-fast", "demo-slow", "demo-flaky", "demo-error", "demo-long")
"""The offline demo model and its kin."""
