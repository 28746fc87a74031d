"""`PostAPIModelWrapperBase`: a model behind any address that takes JSON and gives JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import budget, events
from ..config import redact, wrap_secrets
from ..exceptions import UsageError
from ..message import Msg
from ._address import checked_url
from ._again import Reading, tapes
from ._answer import Answer
from ._base import ModelWrapperBase
from ._endpoint import Endpoint
from ._failure import unusable
from ._format import chat_messages
from ._path import MISSING, first_at, found_at, outline
from ._post_request import Post, post
from ._price import price_in
from ._request import Request
from ._response import ModelResponse
from ._story import story
from ._taped import taped
from ._usage import ModelUsage

__all__ = ["PostAPIModelWrapperBase"]

_TEXT_PATHS = (
    "data.response.choices.0.message.content",
    "choices.0.message.content",
    "choices.0.text",
    "0.generated_text",
    "generated_text",
    "message.content",
    "response",
    "text",
)


class PostAPIModelWrapperBase(ModelWrapperBase):
    """A model behind an address of its own: what it is told goes there as JSON, by POST.

    The body is ``{messages_key: what it is told, **json_args}``; ``headers`` go along, and are shown to
    nobody. ``response_path`` says where in the answer the text stands, such as
    ``data.response.choices.0.message.content`` or ``0.generated_text``; without one the usual places of
    OpenAI, ModelScope and Hugging Face are looked at, and if nothing is there, the text is the whole answer.
    ``raw`` is always the whole. Where ``messages_key`` is not "messages", a conversation goes as one text.

    The whole answer must be there within ``timeout`` seconds. It is asked for ``max_retries`` times where
    the endpoint is busy, broken or cannot be reached, after ``retry_interval`` seconds, then twice that, and
    so on, or as its ``Retry-After`` says. ``post_args`` are ``params``, ``auth`` and ``allow_redirects``.
    ``max_length`` is kept for those who read it.

    Raises:
        ModelChoiceError: the address is none.
        UsageError: another argument is wrong.
    """

    model_type = "post_api"
    calls_tools = False
    messages_default = "messages"
    """Under which name in the body it is told what it is told, if nothing else is said."""
    _paths: tuple[str, ...] = _TEXT_PATHS
    _operation = "chat"

    def __init__(
        self,
        config_name: str,
        api_url: str,
        headers: dict[str, Any] | None = None,
        max_length: int = 2048,
        timeout: float = 30,
        json_args: dict[str, Any] | None = None,
        post_args: dict[str, Any] | None = None,
        max_retries: int = 3,
        messages_key: str | None = None,
        retry_interval: float = 1,
        *,
        response_path: str | None = None,
        model_name: str | None = None,
        label: str | None = None,
        price: Sequence[float] | float | None = None,
    ) -> None:
        super().__init__(config_name, model_name, label=label)
        messages_key = messages_key or self.messages_default
        whose = f"the model configuration {config_name!r}"
        url = checked_url(str(api_url), f"{whose}: api_url")
        for name, given in (("headers", headers), ("json_args", json_args), ("post_args", post_args)):
            if given is not None and not isinstance(given, Mapping):
                raise UsageError(f"{whose}: {name} must be a dictionary")
        numbers = (("timeout", timeout), ("max_retries", max_retries), ("retry_interval", retry_interval))
        for name, number in numbers:
            if isinstance(number, bool) or not isinstance(number, int | float) or number < 0:
                raise UsageError(f"{whose}: {name} must be a number of at least 0, not {number!r}")
        if price is not None:
            budget.Price.of(price, repr(config_name))
        config = {
            "config_name": config_name,
            "model_type": self.model_type,
            "api_url": url,
            "headers": dict(headers or {}),
            "max_length": max_length,
            "timeout": timeout,
            "json_args": dict(json_args or {}),
            "post_args": dict(post_args or {}),
            "max_retries": max_retries,
            "messages_key": messages_key,
            "retry_interval": retry_interval,
            "response_path": response_path,
            "model_name": model_name,
            "label": label,
            "price": price,
        }
        self._config: dict[str, Any] = wrap_secrets(
            {name: value for name, value in config.items() if value not in (None, {})}
        )
        self.max_length, self.timeout, self.messages_key = max_length, timeout, messages_key
        self.max_retries, self.retry_interval = max_retries, retry_interval
        self.response_path = response_path
        self._endpoint = Endpoint(url, headers=self._config.get("headers", {}))
        self._post = Post(
            url, self._config.get("headers", {}), self._config.get("post_args", {}), timeout,
            max(int(max_retries), 1), retry_interval, whose,
        )  # fmt: skip

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration; the keys in it are `Secret`."""
        return dict(self._config)

    @property
    def price(self) -> budget.Price | None:
        """What it costs, as far as it knows itself: nothing on this machine, else what ``price`` says."""
        return price_in(self._config)

    def format(self, *msgs: Msg | Iterable[Any] | None, speaker: str | None = None) -> Any:
        """Return these messages as the endpoint takes them: entries of a chat, or one text."""
        entries = chat_messages(msgs, speaker=speaker, names_are_shown=False)
        return entries if self.messages_key == "messages" else story(entries, speaker=speaker)

    @tapes
    def __call__(
        self,
        input_: Any,
        *,
        parse_func: Any = None,
        fault_handler: Any = None,
        max_retries: int | None = None,
        **json_args: Any,
    ) -> ModelResponse:
        """Ask the model; return at once. Safe from any thread. ``json_args`` go into the body.

        ``parse_func``, ``fault_handler`` and ``max_retries`` are those of `OpenAIChatWrapper`.

        Raises:
            UsageError: what a model for pictures or embeddings is told is no text.
        """
        reading = Reading.of(parse_func, fault_handler, max_retries)
        body = {self.messages_key: self._told(input_), **self._config.get("json_args", {}), **json_args}
        told = body[self.messages_key]

        async def once(request: Request) -> Answer:
            return await taped(request, self._operation, told, lambda: self._answer(request, body))

        return reading.begin(self.label, once, price=self.price)

    def _told(self, input_: Any) -> Any:
        """Return what it is told as it is sent; messages of agents are formatted. A subclass may check it."""
        if isinstance(input_, Msg):
            return self.format(input_)
        is_talk = isinstance(input_, list | tuple) and any(isinstance(one, Msg) for one in input_)
        return self.format(input_) if is_talk else input_

    # ---- on the background loop

    async def _answer(self, request: Request, body: dict[str, Any]) -> Answer:
        events.emit("model", model=self.label, operation=self._operation, provider=self.model_type)
        request.asked = body
        raw = await post(self._post, body, endpoint=self._endpoint, label=self.label)
        answer = self._read(raw)
        if answer.text:
            request.say(answer.text)
        usage = raw.get("usage") if isinstance(raw, dict) else None
        if isinstance(usage, dict):
            counted = ModelUsage.reported(usage)
        else:
            counted = ModelUsage.estimate(len(str(body[self.messages_key])), len(answer.text or ""))
        cost = budget.after_call(self.label, counted.prompt_tokens, counted.completion_tokens, self.price)
        told = {"images": len(answer.image_urls)} if answer.image_urls else {}
        events.emit(
            "usage",
            model=self.label,
            prompt_tokens=counted.prompt_tokens,
            completion_tokens=counted.completion_tokens,
            total_tokens=counted.total_tokens,
            estimated=counted.estimated,
            cost=cost,
            **told,
        )
        return replace(answer, usage=counted)

    def _read(self, raw: Any) -> Answer:
        """Make an answer of the JSON that came; a subclass writes this for another kind of model."""
        text = self._part(raw, str, strict=False)
        return Answer(text=json.dumps(raw, ensure_ascii=False) if text is MISSING else text, raw=raw)

    def _part(self, raw: Any, kind: type, *, strict: bool = True) -> Any:
        """Return the part of an answer that is meant, of that kind; `MISSING` if none need be there.

        Raises:
            ModelResponseError: it is not there; the message says what is.
        """
        if self.response_path is not None:
            part, looked = found_at(raw, self.response_path), f"nothing at {self.response_path!r}"
            if isinstance(part, kind):
                return part
            if part is not MISSING:
                looked = f"at {self.response_path!r} stands {type(part).__name__}, not {kind.__name__}"
        else:
            part, looked = first_at(raw, self._paths, kind), "nothing in the usual places"
            if part is not MISSING or not strict:
                return part
        problem = f"{looked}; it has {outline(raw)}" + _complaint(raw)
        failure = unusable(self._endpoint, self.label, redact(problem))
        failure.hint = "a response_path in the model configuration, such as data.response.text"
        raise failure


def _complaint(raw: Any) -> str:
    """Return what an answer says of its own failure, as some do with status 200."""
    said = first_at(raw, ("error.message", "error", "message", "Message", "detail"), str)
    return "" if said is MISSING else f"; it says: {' '.join(said.split())[:200]}"
