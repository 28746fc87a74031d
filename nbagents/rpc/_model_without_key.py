"""`ModelWithoutKey`: what an agent that was brought back has for a model, until somebody brings the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..exceptions import ModelAuthError
from ..message import Msg
from ..models import ModelResponse, ModelWrapperBase

__all__ = ["ModelWithoutKey"]


class ModelWithoutKey(ModelWrapperBase):
    """Stands for a model whose key died with the server that had it; is that model once the key is back."""

    def __init__(self, config: Mapping[str, Any], whose: str) -> None:
        name = config.get("model_name") or config.get("model")
        label = config.get("label")
        super().__init__(
            str(config["config_name"]),
            name if isinstance(name, str) else None,
            label=label if isinstance(label, str) else None,
        )
        self.model_type = str(config.get("model_type") or "")
        self.kept, self.whose = dict(config), whose
        self.real: ModelWrapperBase | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, once its key is back."""
        return self._found().config

    def format(self, *msgs: Msg | Iterable[Any] | None, speaker: str | None = None) -> list[dict[str, Any]]:
        """Return these messages as the model takes them."""
        if self.real is not None:
            return self.real.format(*msgs, speaker=speaker)
        return super().format(*msgs, speaker=speaker)

    def __call__(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Ask the model.

        Raises:
            ModelAuthError: nobody has brought the key back.
        """
        return self._found()(*args, **kwargs)

    def _found(self) -> ModelWrapperBase:
        if self.real is None:
            raise ModelAuthError(
                f"{self.whose} was brought back after its server had died, and its model {self.label} has no"
                " key now, since keys are never written down: run the cell that defines"
                f" {self.whose} again, or call set_model_configs; it keeps what it remembers",
                hint="run the cell that defines the agent again",
            )
        return self.real
