"""An agent for servers."""

from __future__ import annotations

import os
from typing import Any

from nbagents import AgentBase, Msg


class Tells(AgentBase):
    """Tells what its process's environment knows of the collector."""

    async def reply(self, x: Any = None) -> Msg:
        return Msg(self.name, str([name for name in os.environ if name.startswith("OTEL_")]), "assistant")
