"""Playing Werewolf by a fixed rule: whoever has a role in that game plays it, by what was said and a seed.

The rule reads what a person would: its role and the players from the prompt, who is alive and what is wanted
from the moderator's words, who suspects whom from the talk. It knows no roles but its own.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ._conversation import Turn
from ._scene import Scene
from ._text import join

__all__ = ["werewolf"]

_GAME = re.compile(r"\bwerewol(?:f|ves)\b", re.IGNORECASE)
_ROLE = re.compile(
    r"\byour role(?: is|:)\s*(?:an?\s+|the\s+)?(werewolf|villager|seer|witch)\b", re.IGNORECASE
)
_PLAYERS = re.compile(r"\b(?:players|with|among)(?: are)?:?\s+([A-Z]\w*(?:(?:, and |, | and )[A-Z]\w*)+)")
_PARTNER = re.compile(r"\bother werewolf is ([A-Z]\w*)")
_LIVING = re.compile(r"\b(?:living|alive)(?: are)?:\s*([\w, ]+)", re.IGNORECASE)
_FOUND = re.compile(r"\b([A-Z]\w*) is (a werewolf|no werewolf|not a werewolf)\b")
_CLAIM = re.compile(r"\bI am the seer\b.*?\b([A-Z]\w*) is a werewolf\b", re.DOTALL)
_SUSPECTED = re.compile(
    r"\b(?:suspect|accuse|distrust|against)\s+([A-Z]\w*)|\b([A-Z]\w*) (?:is|looks) suspicious"
)
_PREY = re.compile(r"\bwerewolves,.*\b(?:attack|bite|kill)\b", re.IGNORECASE)

_REASONS = (
    "{name} has been very quiet",
    "{name} agrees with everybody",
    "{name} was quick to point at others",
    "{name} has not said a word about the night",
    "{name} talks much and says little",
)
_PLANS = ("nobody will expect it", "a quiet one is missed last", "that one thinks too much")
_DEFENCES = ("I slept all night", "I have nothing to hide", "that is what a werewolf would say")


def werewolf(scene: Scene) -> str | None:
    """Play my part in the game; None for whoever is in no such game, or is asked something else."""
    role = _ROLE.search(scene.talk.prompt)
    if role is None or not _GAME.search(scene.talk.prompt):
        return None
    game = _Game(scene, role[1].lower())
    wish = game.wish
    if not game.living or not wish:
        return None
    if re.search(r"\bpoison\b", wish, re.IGNORECASE):
        return game.poison()
    if re.search(r"\b(?:heal|save|resurrect)\b", wish, re.IGNORECASE):
        return game.heal()
    if re.search(r"\b(?:check|look at|identity)\b", wish, re.IGNORECASE):
        return game.check()
    if game.role == "werewolf" and _PREY.search(wish):
        return game.attack()
    if re.search(r"\bvote\b", wish, re.IGNORECASE):
        return game.vote()
    return game.discuss() if re.search(r"\bdiscuss|\blast words\b", wish, re.IGNORECASE) else None


@dataclass(frozen=True)
class _Game:
    scene: Scene
    role: str

    @cached_property
    def me(self) -> str:
        return self.scene.talk.me

    @cached_property
    def wishes(self) -> list[Turn]:
        """What the moderator said, newest first."""
        return [turn for turn in reversed(self.scene.talk.turns) if turn.by_person]

    @cached_property
    def wish(self) -> str:
        """What is wanted of me now: the newest words of the moderator."""
        return self.wishes[0].text if self.wishes else ""

    @cached_property
    def living(self) -> list[str]:
        """The others who are alive, as the moderator told last."""
        told = next((found[1] for turn in self.wishes if (found := _LIVING.search(turn.text))), "")
        if not told:
            found = _PLAYERS.search(self.scene.talk.prompt)
            told = found[1] if found else ""
        return [name for name in re.findall(r"[A-Z]\w*", told) if name != self.me]

    @cached_property
    def partner(self) -> str:
        found = _PARTNER.search(self.scene.talk.prompt)
        return found[1] if found and self.role == "werewolf" else ""

    @cached_property
    def known(self) -> dict[str, bool]:
        """Who is a werewolf, as the moderator told me."""
        told = [_FOUND.findall(turn.text) for turn in reversed(self.wishes)]
        return {name: what == "a werewolf" for found in told for name, what in found}

    @cached_property
    def talk(self) -> list[Turn]:
        """What was said since the moderator opened the discussion, by me too."""
        said: list[Turn] = []
        for turn in reversed(self.scene.talk.turns):
            if turn.by_person and re.search(r"\bdiscuss\b", turn.text, re.IGNORECASE):
                break
            said += [] if turn.by_person else [turn]
        return said[::-1]

    @cached_property
    def claims(self) -> dict[str, str]:
        """Whom somebody who says to be the seer calls a werewolf, of those alive."""
        found = {turn.name: claim[1] for turn in self.scene.talk.turns if (claim := _CLAIM.search(turn.text))}
        alive = {*self.living, self.me}
        return {name: whom for name, whom in found.items() if whom in alive and name in alive}

    @cached_property
    def suspected(self) -> Counter[str]:
        """How often each of the others was suspected since the last night."""
        names = [one or other for turn in self.talk for one, other in _SUSPECTED.findall(turn.text)]
        return Counter(name for name in names if name in self.living)

    def dice(self, sides: int, what: str = "") -> int:
        """Throw dice that fall the same for the same seed, player and conversation."""
        thrown = f"{self.scene.seed}\n{self.me}\n{what}\n{len(self.scene.talk.turns)}\n{self.wish}"
        return zlib.crc32(thrown.encode()) % 9973 % sides

    def pick(self, names: Sequence[str], what: str = "") -> str:
        """Pick one by the dice; nobody where there is none."""
        return names[self.dice(len(names), what)] if names else ""

    def suspect(self) -> str:
        """Return whom I am against: a werewolf that I know, one that a seer names, else by the dice."""
        if self.role == "werewolf":
            others = [name for name in self.living if name != self.partner]
            claimant = next(
                (name for name, whom in self.claims.items() if whom in (self.me, self.partner)), ""
            )
            popular = [name for name, _ in self.suspected.most_common() if name in others]
            return claimant or (popular[0] if popular and self.dice(3) else self.pick(others, "suspect"))
        wolves = [name for name in self.living if self.known.get(name)]
        if wolves:
            return wolves[0]
        trusted = {name for name, bad in self.known.items() if not bad}
        open_ = [name for name in self.living if name not in trusted] or self.living
        named = [whom for name, whom in self.claims.items() if name != self.me and whom in open_]
        against = [name for name, whom in self.claims.items() if whom == self.me]
        if against:
            return against[0]
        if named and self.dice(4, "believe"):
            return named[0]
        popular = [name for name, _ in self.suspected.most_common() if name in open_]
        return popular[0] if popular and self.dice(3, "follow") else self.pick(open_, "suspect")

    # ---- what is wanted

    def discuss(self) -> str:
        whom = self.suspect()
        if self.role == "seer" and self.known.get(whom) and self.dice(5, "dare"):
            return f"I am the seer, and I have seen that {whom} is a werewolf! Vote with me."
        if self.role == "werewolf" and whom in self.claims and self.dice(3, "lie"):
            return f"{whom} lies: I am the seer, and {whom} is a werewolf."
        reason = self.pick(_REASONS, "reason").format(name=whom)
        accusers = [turn.name for turn in self.talk if self.me in _named(turn.text)]
        if accusers:
            return f"{accusers[-1]}, {self.pick(_DEFENCES, 'defence')}. I suspect {whom}: {reason}."
        with_me = [turn.name for turn in self.talk if whom in _named(turn.text) and turn.name != whom]
        if with_me:
            return f"I am with {join(with_me[-2:])}: {reason}. I suspect {whom} too."
        good = [name for name, bad in self.known.items() if not bad and name in self.living]
        if self.role == "seer" and good:
            return f"I trust {good[-1]}. I suspect {whom}: {reason}."
        return f"I suspect {whom}: {reason}."

    def vote(self) -> str:
        said = [turn.text for turn in self.talk if self.scene.talk.is_mine(turn)]
        meant = [name for text in said for name in _named(text) if name in self.living]
        changed = self.claims.keys() - {self.me} and self.role != "werewolf"
        return f"I vote for {self.suspect() if changed or not meant else meant[-1]}."

    def attack(self) -> str:
        prey = [name for name in self.living if name != self.partner]
        said = [name for turn in self.talk for name in _named(turn.text) if name in prey]
        if re.search(r"\bvote\b", self.wish, re.IGNORECASE):
            return f"I vote for {said[-1] if said else self.pick(prey, 'attack')}."
        if said:
            return f"Agreed, {said[-1]} it is."
        hunted = [name for name in self.claims if name in prey]
        return f"Let us take {hunted[0]}: the one who sees too much." if hunted else self.hunt(prey)

    def hunt(self, prey: Sequence[str]) -> str:
        return f"Let us take {self.pick(prey, 'attack')}: {self.pick(_PLANS, 'plan')}."

    def check(self) -> str:
        unseen = [name for name in self.living if name not in self.known] or self.living
        return f"I look at {self.pick(unseen, 'check')}."

    def heal(self) -> str:
        return "Yes, I heal." if self.dice(5, "heal") < 3 else "No, not yet."

    def poison(self) -> str:
        named = [whom for whom in self.claims.values() if whom != self.me]
        if named and self.dice(2, "believe"):
            return f"Yes, I poison {named[0]}."
        return f"Yes, I poison {self.suspect()}." if self.dice(4, "poison") == 0 else "No."


def _named(text: str) -> list[str]:
    """Return the names in a text, and other words that begin like one."""
    return re.findall(r"\b[A-Z]\w*", text)
