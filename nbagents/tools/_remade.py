"""Make toolkits again from what `Toolkit.described` told, in another process. Imports nothing by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _ports
from ._groups import ToolGroup
from ._policy import Policy
from ._service_toolkit import ServiceToolkit
from ._tool import Tool
from ._toolkit import Toolkit

__all__ = ["parts_from"]

KINDS: dict[str, type[Toolkit]] = {"ServiceToolkit": ServiceToolkit, "Toolkit": Toolkit}


def parts_from(described: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of an agent that are toolkits, its formatter, and memories.

    ``values`` are the functions and classes by the names that the descriptions use.
    """
    made: dict[str, Any] = {}
    for key, about in described.items():
        if "made_by" in about:
            given = dict(about["given"])
            given |= {name: values[own] for name, own in about.get("values", {}).items()}
            given |= {name: _ports.embedding_model(own) for name, own in about.get("models", {}).items()}
            made[key] = values[about["made_by"]](**given)
            continue
        toolkit = made[key] = KINDS.get(about["kind"], Toolkit)()
        for most in ("max_output_chars", "max_output_bytes"):
            setattr(toolkit, most, about.get(most, getattr(toolkit, most)))
        toolkit.policy = Policy.of(about.get("approve"))
        toolkit.groups = {one["name"]: ToolGroup(**one) for one in about["groups"]}
        for settings in about["tools"]:
            if "meta" in settings:
                toolkit.register_tool_function(toolkit.reset_equipped_tools, func_name=settings["meta"])
                continue
            known = {name: values[own] for name, own in settings["values"].items()}
            more = {name: value for name, value in settings.items() if name != "values"}
            tool = Tool(known["function"], **more, after=known.get("after"))
            tool.extension = known.get("extension")
            toolkit.tools[tool.name] = tool
    return made
