"""`Policy`: which tools a model may have called: at once, once a person has said so, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import context
from ..exceptions import UsageError
from ._effects import Effect

__all__ = [
    "RULES",
    "UNDECLARED",
    "Policy",
    "Rule",
    "policies_here",
    "rule_for",
    "set_policy",
    "standing_policy",
]

Rule = Literal["auto", "ask", "deny"]
RULES: tuple[Rule, ...] = ("auto", "ask", "deny")
"""From the mildest to the strictest."""
UNDECLARED = "undeclared"
"""What stands in a policy for tools that say nothing of their effects."""
KINDS = (*(effect.value for effect in Effect), UNDECLARED)
UNSAID: Mapping[str, Rule] = {
    UNDECLARED: "auto",  # its author is who has added it
    "read": "auto",
    "write": "ask",
    "execute": "ask",
    "network": "ask",
    "spend": "ask",
}
"""What counts where nobody has said anything."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What somebody has said about tools, by effect: "auto", "ask" or "deny"; it need not be all effects.

    >>> Policy.of({"write": "auto"}).rules["write"], Policy.of("deny").rules["read"]
    ('auto', 'deny')
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Any, whose: str = "approve") -> Policy:
        """Read what was given as ``approve=``: one rule for all, a mapping by effect, a policy or None.

        Raises:
            UsageError: it is none of these.
        """
        if isinstance(said, Policy):
            return said
        if said is None:
            return cls()
        given = dict.fromkeys(KINDS, said) if isinstance(said, str) else said
        if not isinstance(given, Mapping):
            raise UsageError(
                f"{whose} is one of {', '.join(RULES)}, or says that for each effect: {said!r:.80}"
            )
        for kind, rule in given.items():
            if kind not in KINDS:
                raise UsageError(f"{whose}: there is no effect {kind!r:.40}; there are {', '.join(KINDS)}")
            if rule not in RULES:
                raise UsageError(f"{whose}: {kind} is one of {', '.join(RULES)}, not {rule!r:.40}")
        rules: dict[str, Rule] = {str(kind): rule for kind, rule in given.items()}  # type: ignore[misc]
        return cls(rules)

    @classmethod
    def strictest(cls, *policies: Policy) -> Policy:
        """Return a policy that is as strict as these together.

        >>> Policy.strictest(Policy.of({"write": "auto"}), Policy.of({"write": "deny", "read": "ask"})).rules
        {'write': 'deny', 'read': 'ask'}
        """
        rules: dict[str, Rule] = {}
        for policy in policies:
            for kind, rule in policy.rules.items():
                rules[kind] = max(rules.get(kind, rule), rule, key=RULES.index)
        return cls(rules)

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON can hold it; `of` reads that."""
        return dict(self.rules)


def rule_for(effects: Iterable[str], declared: bool, *policies: Policy) -> Rule:
    """Return what counts for a tool: the strictest of what was said about any of its effects.

    An effect about which nobody has said anything counts as usual: reading is allowed, all else is asked.

    >>> rule_for({"read", "write"}, True, Policy.of({"write": "auto"}))
    'auto'
    >>> rule_for({"write"}, True, Policy.of("auto"), Policy.of("deny"))
    'deny'
    """
    kinds = [str(effect) for effect in effects] or ([] if declared else [UNDECLARED])
    found: list[Rule] = ["auto"]
    for kind in kinds:
        said: list[Rule] = [policy.rules[kind] for policy in policies if kind in policy.rules]
        found += said or [UNSAID[kind]]
    return max(found, key=RULES.index)


_standing = Policy()


def set_policy(said: Any) -> None:
    """Say what tools may do in this process, and in the calls that it makes elsewhere; None takes that back.

    Raises:
        UsageError: it is no policy.
    """
    global _standing
    _standing = Policy.of(said)


def standing_policy() -> Policy:
    """Return what `set_policy` was told last; nothing, if nothing was."""
    return _standing


def policies_here() -> list[Policy]:
    """Return what was said for the code that runs here: for its call, its run, and this process."""
    frame = context.frame.get()
    said = [context.approve.get(), None if frame is None else frame.approve]
    return [*map(Policy.of, said), _standing]
