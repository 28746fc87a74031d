"""`RpcServerSideWrapper`: what AgentScope called `AgentServerServicer` before."""

from __future__ import annotations

import warnings
from typing import Any

from ._servicer import AgentServerServicer

__all__ = ["RpcServerSideWrapper"]


class RpcServerSideWrapper(AgentServerServicer):
    """The former name of `AgentServerServicer`, which it is; using it warns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "RpcServerSideWrapper is deprecated: it is called AgentServerServicer now",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)
