"""`TextToImageAgent`: answers with pictures that its model makes of what it is told."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from .. import recording
from ..exceptions import ModelResponseError, NbAgentsError, UsageError
from ..fetch import fetch
from ..memory import arrived
from ..message import Msg
from ..models import ModelWrapperBase
from ..render import content_text
from ._asking import called, whole
from ._base import AgentBase
from ._unused import warn_unused

__all__ = ["TextToImageAgent"]

log = logging.getLogger(__name__)
FETCH_SECONDS = 20.0
SAID = "This is the generated image"


class TextToImageAgent(AgentBase):
    """An agent that paints: the content of a message goes to an image model, the pictures come as ``url``.

    ``model_config_name`` names a loaded configuration of an image model (``openai_dall_e``, say), is one,
    or is a model whose response has ``image_urls``. Endpoints keep a picture for an hour or so: one that is
    small enough to be shown in a card is fetched at once and kept in the message itself, unless it is on a
    machine of a private network that is not the endpoint's own.
    """

    model: ModelWrapperBase

    def __init__(
        self,
        name: str,
        model_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        use_memory: bool = True,
        memory_config: Mapping[str, Any] | None = None,
        *,
        sys_prompt: str | None = None,
        agent_id: str | None = None,
        **unused: Any,
    ) -> None:
        warn_unused(type(self), name, unused)
        if model_config_name is None:
            raise UsageError(f"{name} needs a model that makes pictures: give it a model_config_name")
        super().__init__(name, sys_prompt, model_config_name, use_memory, memory_config, agent_id=agent_id)
        if self.model.model_type.endswith("_chat"):
            raise UsageError(
                f"{name} needs a model that makes pictures, and {self.model.label} is one for chats",
                hint='model_type="openai_dall_e"',
            )

    async def reply(self, x: Msg | Sequence[Msg] | str | None = None) -> Msg:
        """Paint what ``x`` says, or the last of several messages.

        Raises:
            UsageError: there is nothing to paint.
            ModelResponseError: the model makes no pictures.
        """
        if isinstance(x, str):
            x = Msg("user", x, "user")
        if self.memory is not None:
            await arrived(self.memory.add(x))
        last = x[-1] if isinstance(x, (list, tuple)) and x else x
        if not isinstance(last, Msg) or not content_text(last.content).strip():
            raise UsageError(f"{self.name} paints what a message says, and was given none")
        # A picture's model takes the words themselves.
        response = await whole(await called(self.model, content_text(last.content)))
        urls = response.image_urls
        if not urls:
            raise ModelResponseError(
                f"{self.model.label} gave no picture to {self.name}; use a model that makes some",
                hint='model_type="openai_dall_e"',
            )
        near = _host(self.model)
        kept = await asyncio.gather(*(_kept(str(url), near) for url in urls))
        message = Msg(self.name, SAID, "assistant", url=kept, metadata={"model": self.model.model_name})
        self.speak(message)
        if self.memory is not None:
            await arrived(self.memory.add(message))
        return message


async def _kept(url: str, near: str | None) -> str:
    """Return a picture in the web as an address that holds it; its own where that cannot be done."""
    place = recording.here()
    replays = place is not None and place.replays  # then nothing is fetched
    if replays or not url.lower().startswith(("http://", "https://")):
        return url
    from ..render import PICTURE_BYTES, picture_type

    try:
        found = await fetch(
            url,
            headers={"accept": "image/*"},
            most=PICTURE_BYTES,
            seconds=FETCH_SECONDS,
            allow=[near] if near else [],
        )
    except NbAgentsError as error:  # its address can be shown
        log.warning("a picture could not be fetched: %s", error)
        return url
    kind = picture_type(found.body)
    if kind is None or not found.ok:
        return url
    return f"data:{kind};base64,{base64.b64encode(found.body).decode()}"


def _host(model: ModelWrapperBase) -> str | None:
    """Return the host of a model's endpoint, as far as its configuration tells; it may be private."""
    try:
        config = model.config
    except UsageError:
        return None
    host = urlsplit(str(config.get("base_url") or config.get("api_url") or "")).hostname
    return f"[{host}]" if host and ":" in host else host
