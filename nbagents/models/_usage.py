"""`ModelUsage`: what one answer of a model cost, in tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ModelUsage"]


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens that one request took.

    ``estimated`` says that the endpoint did not count them: then they are a quarter of the
    characters, which is right to within a third for English and too low for Chinese.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    estimated: bool = False

    @property
    def input_tokens(self) -> int:
        """The same as ``prompt_tokens``, under the name that AgentScope 1.x has for it."""
        return self.prompt_tokens

    @property
    def output_tokens(self) -> int:
        """The same as ``completion_tokens``, under the name that AgentScope 1.x has for it."""
        return self.completion_tokens

    @classmethod
    def reported(cls, usage: Mapping[str, Any]) -> ModelUsage:
        """Take over what the endpoint reported; what is missing or odd counts as none."""
        prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
        return cls(prompt, completion, _count(usage.get("total_tokens")) or prompt + completion)

    @classmethod
    def estimate(cls, prompt_chars: int, completion_chars: int) -> ModelUsage:
        """Guess from the number of characters.

        >>> ModelUsage.estimate(8, 5)
        ModelUsage(prompt_tokens=2, completion_tokens=2, total_tokens=4, estimated=True)
        """
        prompt, completion = -(-prompt_chars // 4), -(-completion_chars // 4)
        return cls(prompt, completion, prompt + completion, True)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
