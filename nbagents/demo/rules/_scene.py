"""What a rule needs to know to speak next: who am I, who spoke last, what is asked, how long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ._conversation import Conversation, Turn
from ._limits import Limits
from ._role import Role
from ._text import sentences

__all__ = ["Scene", "core", "is_question", "is_request"]

_ORDERS = """
    add announce answer begin brainstorm build calculate check choose compare compose compute conclude
    continue convert count create criticise criticize cut debate decide define describe design discuss
    draft echo evaluate explain extract find give help imagine improve include introduce investigate
    let's lengthen list make mention name order organise organize pick plan please prepare propose rank
    read refactor remember remove repeat replace reply research respond reverse review revise rewrite
    say shorten show solve sort start suggest sum summarise summarize tally tell test topic translate
    vote work write
"""
_QUESTIONS = """
    am are can could did do does had has have how is may might shall should was were what when where
    which who whom whose why will would
"""
_VERBS = frozenset(_ORDERS.split())
_ASKS = frozenset(_QUESTIONS.split())
_OPENING = re.compile(
    r"^(?:please|now|then|so|ok(?:ay)?|hi|hello|dear all|everyone|all)[,!:]?\s+", re.IGNORECASE
)
_MEASURE = re.compile(r"^(?:in|with|using|within)\s[^:,.?!]{1,40}[:,]\s+", re.IGNORECASE)


def core(text: str, names: Sequence[str] = ()) -> str:
    """Return a request without the names it calls, a greeting or a leading measure.

    >>> core("@poet In one sentence: what makes a good poem?")
    'what makes a good poem?'
    """
    rest = re.sub(r"^(?:@[\w-]+[,:]?\s+)+", "", text.strip())
    for name in names:
        rest = re.sub(rf"^{re.escape(name)}\s*[,:]\s*", "", rest, flags=re.IGNORECASE)
    for _ in range(2):
        rest = _MEASURE.sub("", _OPENING.sub("", rest))
    return rest.strip()


def is_question(text: str) -> bool:
    """Does ``text`` ask something, rather than order or tell it?"""
    bare = core(text)
    first = re.match(r"[\w']+", bare)
    return bool(first) and bare.rstrip().endswith("?") and first is not None and first[0].lower() in _ASKS


def is_request(text: str) -> bool:
    """Does ``text`` order or ask something, judged by its first word and its last mark?"""
    bare = core(text)
    first = re.match(r"[\w']+", bare)
    return is_question(text) or bool(first and first[0].lower() in _VERBS) or bare.endswith("?")


@dataclass(frozen=True)
class Scene:
    """A conversation seen by the one who speaks next.

    Attributes:
        talk: The whole conversation.
        seed: The request's; what a rule decides by dice differs with it.
    """

    talk: Conversation
    seed: int = 0

    @classmethod
    def of(cls, messages: Sequence[Mapping[str, Any]], *, seed: int = 0) -> Scene:
        """Read chat messages in OpenAI's form."""
        return cls(Conversation.of(messages), seed)

    @cached_property
    def role(self) -> Role:
        """The part I play."""
        return Role.of(self.talk.prompt, self.talk.me)

    @cached_property
    def mine(self) -> tuple[Turn, ...]:
        """What I said so far."""
        return tuple(turn for turn in self.talk.turns if self.talk.is_mine(turn))

    @cached_property
    def heard(self) -> tuple[Turn, ...]:
        """What the others said since I spoke last; if nothing, their last turn."""
        fresh: list[Turn] = []
        for turn in reversed(self.talk.turns):
            if self.talk.is_mine(turn):
                break
            fresh.append(turn)
        if fresh:
            return tuple(reversed(fresh))
        return tuple(turn for turn in self.talk.turns if not self.talk.is_mine(turn))[-1:]

    @cached_property
    def last(self) -> Turn | None:
        """The newest turn of somebody else; a trailing instruction on the form is not one."""
        spoken = [turn for turn in self.heard if turn.role != "system"]
        return next(reversed(spoken or list(self.heard)), None)

    @cached_property
    def agents(self) -> tuple[Turn, ...]:
        """The newest turns of other agents since I spoke last, one for each, in order of speaking."""
        newest = {turn.name: turn for turn in self.heard if not turn.by_person and turn.role != "tool"}
        return tuple(turn for turn in self.heard if newest.get(turn.name) is turn)

    @cached_property
    def task(self) -> Turn | None:
        """The newest turn that orders or asks something, mine excluded; else the first of all."""
        others = [turn for turn in self.talk.turns if not self.talk.is_mine(turn)]
        for turn in reversed(others):
            if turn.role != "tool" and is_request(core(turn.text, [self.talk.me] if self.talk.me else [])):
                return turn
        for turn in reversed(others):
            if turn.by_person:
                return turn
        return others[0] if others else None

    @cached_property
    def request(self) -> str:
        """What is asked of me by the newest turn; empty where that turn is another agent's statement."""
        if self.last is None:
            return ""
        text = core(self.last.text, [self.talk.me] if self.talk.me else [])
        return text if self.last.by_person or is_request(text) else ""

    @cached_property
    def limits(self) -> Limits:
        """The measures that prompt, task and newest turns set for the reply, later ones on top."""
        limits = Limits.read(self._own_rules())
        if self.role in {Role.POET, Role.WRITER}:
            limits = replace(
                limits, lines=None, sentences=None
            )  # these shape what is written, not what is said
        if self.task is not None and (self.last is self.task or not (self.last and self.last.by_person)):
            limits = limits.then(Limits.read(self.task.text))
        if self.last is not None and self.last is not self.task:
            remark = Limits.read(self.last.text) if self.last.by_person else Limits.complaint(self.last.text)
            limits = limits.then(remark)
        for turn in self.heard:
            if turn.role == "system" and turn is not self.task:
                limits = limits.then(Limits.read(turn.text))
        return limits

    def _own_rules(self) -> str:
        # A critic's prompt measures the others' texts; only what tells how to reply binds the critic.
        if self.role is not Role.CRITIC:
            return self.talk.prompt
        own = re.compile(
            r"(?:reply|answer|respond|be|keep your|in|use)\b|.*\byour (?:reply|answer)", re.IGNORECASE
        )
        return " ".join(part for part in sentences(self.talk.prompt) if own.match(part))

    @cached_property
    def task_text(self) -> str:
        """The task without names and measures; empty where there is none."""
        return core(self.task.text, [self.talk.me] if self.talk.me else []) if self.task else ""

    def by_name(self, name: str) -> Turn | None:
        """Return the newest turn of the speaker so called, or None."""
        for turn in reversed(self.talk.turns):
            if turn.name and turn.name.lower() == name.lower():
                return turn
        return None

    def meant(self, request: str) -> Turn | None:
        """Return the turn a request speaks of: of a named speaker, else the newest that carries a text."""
        for word in re.findall(r"[\w-]+", request):
            turn = self.by_name(word)
            if turn is not None and turn is not self.last:
                return turn
        earlier = [
            turn for turn in self.talk.turns if turn is not self.last and turn.text and turn.role != "system"
        ]
        if re.search(r"\b(?:i|my)\b", request, re.IGNORECASE):
            earlier = [turn for turn in earlier if turn.by_person] or earlier
        elif any(not turn.by_person for turn in earlier):
            earlier = [turn for turn in earlier if not turn.by_person]
        return earlier[-1] if earlier else None
