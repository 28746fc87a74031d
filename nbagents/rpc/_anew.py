"""Makes an agent that lives anew where it is to have other tools; it keeps its id, memory and mailbox."""

from __future__ import annotations

from typing import Any

from .. import tools
from ..agents import AgentBase, peek
from ..models import MODEL_KEYWORDS

__all__ = ["CHANGES", "become", "is_made_anew", "put_in_place"]

CHANGES = frozenset({"sys_prompt", "input_hint"})
"""What can be changed of an agent that lives, besides its model."""
TALKING = frozenset({"DialogAgent", "ReActAgent"})
"""The classes whose agents are nothing but a prompt, a model, tools and what they remember."""


def is_made_anew(before: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Does bringing such an agent up to date take another object, and is its memory all that must stay?"""
    if not {before["class_name"], settings["class_name"]} <= TALKING:
        return False
    return bool(_fixed(before) != _fixed(settings))


def _fixed(settings: dict[str, Any]) -> Any:
    from ._unit import Unit

    source = settings.get("source")
    kwargs = {
        key: value for key, value in settings["kwargs"].items() if key not in (*CHANGES, *MODEL_KEYWORDS)
    }
    # The same functions of another cell are the same.
    return settings["class_name"], settings["args"], kwargs, None if source is None else Unit.of(source).key


def become(old: AgentBase, new: AgentBase) -> None:
    """Put the new agent in the old one's place, in a turn of its own; groups that are active stay so."""
    own = new.__dict__["_init_settings"]
    put_in_place(old, new)
    new._init_settings = own
    before, toolkit = old.__dict__.get("toolkit"), new.__dict__.get("toolkit")
    if before is None or toolkit is None:
        return
    if isinstance(before, tools.Toolkit) and isinstance(toolkit, tools.Toolkit) and before.groups:
        toolkit.load_state_dict(before.state_dict(), strict=False)


def put_in_place(old: AgentBase, new: AgentBase) -> None:
    """Give another object an agent's id, memory and mailbox, with the calls that wait. In a turn alone."""
    for name in ("agent_id", "name", "memory", "_box", "_open", "_audience", "_init_settings", "_kept"):
        if name in old.__dict__:
            new.__dict__[name] = old.__dict__[name]
    for call in old._mailbox.queue:
        call.agent = new
        method = call.fn
        if method is not None and getattr(method, "__self__", None) is old:  # it came when that was there
            call.fn = peek(new, method.__name__)
