"""`Hosted`: one agent of a server, with what the server knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import tools
from ..agents import AgentBase, scheduler
from ..memory import is_awaited

if TYPE_CHECKING:
    from ._model_without_key import ModelWithoutKey

__all__ = ["Hosted"]


@dataclass(slots=True)
class Hosted:
    """One agent that lives here. ``color`` is its place in the order of creation of its workspace."""

    agent: AgentBase
    agent_id: str
    settings: dict[str, Any]
    workspace: str = ""
    name: str = ""
    color: int = 0
    defined: bool = False
    """Is it found by its name in its workspace, rather than by its id alone?"""
    without_key: Sequence[ModelWithoutKey] = ()
    """Its models whose keys died with an earlier server."""

    def about(self) -> dict[str, Any]:
        """Describe it, for lists. Holds no key and waits for nothing.

        ``state`` is "idle", "busy", or "stuck" in a call that was stopped and runs on; ``blocked`` is for
        how many seconds it held the server's loop when it last did so for more than two, 0 if never.
        """
        own = self.agent.__dict__
        memory, model = own.get("memory"), own.get("model")
        return (
            self.agent._describe()
            | _tools_of(own)
            | {
                "agent_id": self.agent_id,
                "workspace": self.workspace,
                "color": self.color,
                "messages": _size(memory),
                "model_name": getattr(model, "model_name", "") or "",
                "busy": bool(own.get("_open")),
                "state": scheduler().stops.state(self.agent),
                "blocked": own.get("_blocked", 0.0),
                "needs_key": bool(self.without_key),
            }
        )


def _tools_of(own: dict[str, Any]) -> dict[str, Any]:
    toolkit, policy = own.get("toolkit"), own.get("policy")
    if toolkit is None or not isinstance(toolkit, tools.Toolkit) or not toolkit.tools:
        return {}
    approve = policy.to_dict() if isinstance(policy, tools.Policy) else {}
    return {"tools": list(toolkit.tools), "approve": approve}


def _size(memory: Any) -> int:
    try:
        told = memory is not None and not is_awaited(memory, "size")
        return int(memory.size()) if told else 0
    except Exception:  # noqa: BLE001  # a class of the agent's own: no reason to tell nothing of it
        return 0
