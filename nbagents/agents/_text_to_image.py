"""`TextToImageAgent`: answers with pictures that its model makes of what it is told."""

from __future__ import annotations

import asyncio
import base64
import logging
import urllib.request
from collections.abc import Sequence
from typing import Any

from ..exceptions import ModelResponseError, UsageError
from ..memory import arrived
from ..message import Msg
from ..models import ModelWrapperBase
from ..render import PICTURE_BYTES, content_text, picture_type
from ._asking import called, whole
from ._base import AgentBase

__all__ = ["TextToImageAgent"]

log = logging.getLogger(__name__)
FETCH_SECONDS = 20.0
SAID = "This is the generated image"


class TextToImageAgent(AgentBase):
    """An agent that paints: the content of a message goes to an image model, the pictures come as ``url``.

    ``model_config_name`` names a loaded configuration of an image model (``openai_dall_e``, say), is one,
    or is a model whose response has ``image_urls``. Endpoints keep a picture for an hour or so: one that is
    small enough to be shown in a card is fetched at once and kept in the message itself.
    """

    model: ModelWrapperBase

    def __init__(
        self,
        name: str,
        model_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        use_memory: bool = True,
        *,
        sys_prompt: str | None = None,
        agent_id: str | None = None,
    ) -> None:
        if model_config_name is None:
            raise UsageError(f"{name} needs a model that makes pictures: give it a model_config_name")
        super().__init__(name, sys_prompt, model_config_name, use_memory, agent_id=agent_id)

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
        kept = [await asyncio.to_thread(_kept, str(url)) for url in urls]
        message = Msg(self.name, SAID, "assistant", url=kept, metadata={"model": self.model.model_name})
        self.speak(message)
        if self.memory is not None:
            await arrived(self.memory.add(message))
        return message


def _kept(url: str) -> str:
    """Return a picture in the web as an address that holds it; its own where that cannot be done."""
    if not url.lower().startswith(("http://", "https://")):
        return url
    try:
        request = urllib.request.Request(url, headers={"accept": "image/*"})  # noqa: S310  # http, as seen above
        with urllib.request.urlopen(request, timeout=FETCH_SECONDS) as answer:  # noqa: S310
            data = answer.read(PICTURE_BYTES + 1)
    except (OSError, ValueError) as error:
        log.warning("a picture could not be fetched: %s", getattr(error, "reason", error))
        return url
    kind = picture_type(data)
    if kind is None or len(data) > PICTURE_BYTES:
        return url
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
