"""`summarization`: a text made shorter by a model; a long one in parts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..._loop import background
from ...exceptions import ModelError
from ...message import Msg
from .._effects import effects
from .._reserved import reserved
from .._service import ServiceExecStatus, ServiceResponse

__all__ = ["summarization"]

PROMPT = "You summarise texts. Keep all key information of the text that you are given in the summary."
LIMIT = " Limit the summary to {} tokens."
PART = 24_000
"""Characters that a model is given at once; about 6,000 tokens."""
AT_ONCE = 4
"""Parts that are summed up at the same time."""
MOST_PARTS = 100
_ENDS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?。！？])\s*"), re.compile(r"\s+"))


@effects("spend")
@reserved("system_prompt", "token_limit_prompt", "part_length")
def summarization(
    model: Callable[..., Any],
    text: str,
    system_prompt: str = PROMPT,
    max_return_token: int = -1,
    token_limit_prompt: str = LIMIT,
    *,
    part_length: int = PART,
) -> ServiceResponse:
    """Sum up a text.

    ``model`` is a model, or any function that takes a list of messages (dictionaries of ``role`` and
    ``content``) and returns a text or something with a ``text``, perhaps when it is awaited. A text of more
    than ``part_length`` characters is summed up in parts, and so are the summaries, until one is left.
    Blocking: an interrupt ends it.

    >>> summarization(lambda messages: messages[-1]["content"].split(".")[0], "Rain. It fell all day.")
    {'status': <ServiceExecStatus.SUCCESS: 1>, 'content': 'Rain'}

    Args:
        model: The model that does it.
        text: The text.
        system_prompt: What the model is told to do.
        max_return_token: How long the summary may be, in tokens; below 1 nothing is said of it.
        token_limit_prompt: How that is said; ``{}`` stands for the number.
        part_length: Characters that the model is given at once.
    """
    if max_return_token > 0:
        system_prompt += token_limit_prompt.replace("{}", str(max_return_token))
    try:
        return ServiceResponse(ServiceExecStatus.SUCCESS, _summed_up(model, text, system_prompt, part_length))
    except (ModelError, _TooLong) as error:
        return ServiceResponse(ServiceExecStatus.ERROR, str(error))


class _TooLong(Exception):
    """The text is too long for it."""


def _summed_up(model: Callable[..., Any], text: str, prompt: str, length: int) -> str:
    while True:
        parts = list(_parts(text, max(length, 100)))
        if len(parts) > MOST_PARTS:
            raise _TooLong(
                f"the text has {len(text)} characters, and at most {MOST_PARTS * length} can be summed up"
            )
        if len(parts) == 1:
            return _text_of(_asked(model, parts[0], prompt))
        told: list[str] = []
        for at in range(0, len(parts), AT_ONCE):
            answers = [_asked(model, part, prompt) for part in parts[at : at + AT_ONCE]]
            told += map(_text_of, answers)
        shorter = "\n\n".join(told)
        if len(shorter) > 0.9 * len(text):
            raise _TooLong(
                "the model does not make the text shorter, so that it cannot be summed up in parts"
            )
        text = shorter


def _asked(model: Callable[..., Any], text: str, prompt: str) -> Any:
    """Ask; a model of ours returns at once, and several work at the same time."""
    if hasattr(model, "format"):
        return model(model.format([Msg("system", prompt, "system"), Msg("user", text, "user")]))
    return model([{"role": "system", "content": prompt}, {"role": "user", "content": text}])


def _text_of(answer: Any) -> str:
    if inspect.iscoroutine(answer):
        answer = background().run(answer)
    text = answer if isinstance(answer, str) else getattr(answer, "text", None)
    if text is None:
        text = getattr(answer, "content", answer)
    return str(text).strip()


def _parts(text: str, length: int) -> Iterator[str]:
    """Yield a text in parts, each ending where a paragraph does, a line, a sentence, or at least a word."""
    at = 0
    while len(text) - at > length:
        end = at + length
        for pattern in _ENDS:
            found = [match.end() for match in pattern.finditer(text, at + length // 2, at + length)]
            if found:
                end = found[-1]
                break
        yield text[at:end]
        at = end
    yield text[at:]
