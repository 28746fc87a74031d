"""Which part an agent plays, read from its system prompt, else from its name."""

from __future__ import annotations

import re
from enum import Enum

__all__ = ["Role"]


class Role(Enum):
    """The parts that have rules of their own; everybody else is an ``ASSISTANT``."""

    ASSISTANT = "assistant"
    CRITIC = "critic"
    ECHO = "echo"
    JUDGE = "judge"
    OPTIMIST = "optimist"
    PESSIMIST = "pessimist"
    PLANNER = "planner"
    POET = "poet"
    REALIST = "realist"
    REVISER = "reviser"
    SUMMARISER = "summariser"
    TRANSLATOR = "translator"
    WRITER = "writer"

    @classmethod
    def of(cls, prompt: str, name: str) -> Role:
        """Return the part that the prompt names first, nouns before verbs.

        >>> Role.of("You are a strict editor of poems.", "")
        <Role.CRITIC: 'critic'>
        >>> Role.of("", "judge_2")
        <Role.JUDGE: 'judge'>
        """
        for text in (prompt[:4000], re.sub(r"[_\-\d]+", " ", name)):
            for tier in _TIERS:
                found = [
                    (hit.start(), role) for role, pattern in tier.items() if (hit := pattern.search(text))
                ]
                if found:
                    first = min(found, key=lambda pair: pair[0])[1]
                    return _sharpen(first, text)
        return cls.ASSISTANT


def _tier(**patterns: str) -> dict[Role, re.Pattern[str]]:
    return {Role[name]: re.compile(rf"\b(?:{text})", re.IGNORECASE) for name, text in patterns.items()}


_TIERS = (
    _tier(
        ECHO=r"echo|parrot",
        JUDGE=r"judge\b|arbiter|referee|jury\b|moderator|vote counter",
        CRITIC=r"critic\b|editor|reviewer|proofreader|checker|inspector",
        OPTIMIST=r"optimist|enthusiast|proponent",
        PESSIMIST=r"pessimist|sceptic|skeptic|devil's advocate|opponent",
        REALIST=r"realist\b|pragmatist",
        SUMMARISER=r"summari[sz]er",
        TRANSLATOR=r"translator|interpreter",
        PLANNER=r"planner|organi[sz]er|project manager|coordinator",
        POET=r"poet\b|poetess|lyricist|songwriter|bard\b",
    ),
    _tier(
        ECHO=r"repeat (?:what|everything|back|the)",
        JUDGE=r"verdict|tally|count the votes|decide who|weigh the (?:opinions|arguments|views)",
        CRITIC=r"review|approv|critique|criti[cs]i[sz]|proofread|check (?:that|whether|if|the|texts|poems)",
        OPTIMIST=r"optimistic|argue (?:for|in favou?r)|speak for\b|hopeful",
        PESSIMIST=r"pessimistic|argue against|speak against",
        REALIST=r"realistic|pragmatic|both sides",
        REVISER=r"rewrite|revise|polish|improve (?:the|a) (?:text|draft|poem)",
        SUMMARISER=r"summari[sz]e",
        TRANSLATOR=r"translate",
        PLANNER=r"make (?:a )?plans?\b|you plan\b|break (?:\w+ )+into steps|steps\b",
        POET=r"poem|poetry|verse|haiku|rhym|(?:short|rhyming|\d+|two|three|four|five|six|eight) lines",
    ),
    _tier(WRITER=r"writer|author|storyteller|novelist|you write|write (?:a|an|one|short)\b|stor(?:y|ies)\b"),
)


def _sharpen(role: Role, text: str) -> Role:
    # An editor who is told to rewrite, and not to judge, hands back a text.
    if role is Role.CRITIC and re.search(r"\beditor", text, re.IGNORECASE):
        judging = re.search(r"approv|say what|critici|review|strict|(?-i:[A-Z]{2})", text, re.IGNORECASE)
        rewriting = re.search(
            r"rewrite|revise|polish|improve|shorten|final version|apply", text, re.IGNORECASE
        )
        if rewriting and not judging:
            return Role.REVISER
    return role
