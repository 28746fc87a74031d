"""`gathered`: one toolkit of what somebody lists as tools: functions, objects that bring some, toolkits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exceptions import UsageError
from ._policy import KINDS, RULES, UNSAID, Policy, Rule
from ._toolkit import Toolkit

__all__ = ["gathered"]


def gathered(given: Iterable[Any]) -> Toolkit:
    """Return a toolkit of these: a single `Toolkit` as it is, else all tools of all of them in a new one.

    Among several the strictest rules count, for all: what one toolkit allows its own tools is not allowed to
    the others. So do the narrowest limits.

    >>> def add(a: int, b: int) -> int:
    ...     return a + b
    >>> def halve(number: int) -> float:
    ...     return number / 2
    >>> gathered([add, halve])
    Toolkit(add, halve)

    Raises:
        UsageError: something is no tool, or two tools or groups have the same name.
    """
    found = list(given)
    toolkits = [one for one in found if isinstance(one, Toolkit)]
    if len(found) == 1 and toolkits:
        return toolkits[0]
    together = Toolkit(
        max_output_chars=_least(kit.max_output_chars for kit in [*toolkits, Toolkit()]),
        max_output_bytes=_least(kit.max_output_bytes for kit in [*toolkits, Toolkit()]),
        approve=_strictest(toolkits, alone=len(toolkits) == len(found)),
    )
    for one in found:
        if isinstance(one, Toolkit):
            _take(together, one)
        else:
            together.register_tool_function(one)
    return together


def _take(together: Toolkit, toolkit: Toolkit) -> None:
    for name, group in toolkit.groups.items():
        together.create_tool_group(name, group.description, group.active, group.notes)
    for name, tool in toolkit.tools.items():
        if tool.function == toolkit.reset_equipped_tools:
            together.register_tool_function(together.reset_equipped_tools, namesake_strategy="skip")
            continue
        if name in together.tools:
            raise UsageError(
                f"there are two tools named {name}", hint=f"remove one: remove_tool_function({name!r})"
            )
        together.tools[name] = tool


def _strictest(toolkits: list[Toolkit], *, alone: bool) -> Policy:
    policies = [kit.policy for kit in toolkits] + ([] if alone else [Policy()])
    rules: dict[str, Rule] = {}
    for kind in KINDS:
        rule = max((policy.rules.get(kind, UNSAID[kind]) for policy in policies), key=RULES.index)
        if rule in [policy.rules.get(kind) for policy in policies]:  # else nobody has said it
            rules[kind] = rule
    return Policy(rules)


def _least(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
