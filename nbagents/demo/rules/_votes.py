"""Casting a vote by a fixed rule, and counting the votes that others cast."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass

from ._debate import SIDES
from ._proposal import Proposal
from ._role import Role
from ._scene import Scene
from ._text import count_words, gist, items, join, operand, plural, quote, upper_first

__all__ = ["judge", "tally", "vote"]

LONGEST_ACCEPTED = 12
"""Words of a proposal that the fixed rule still accepts."""

_VOTE = re.compile(r"\b(?:vote|choose|pick|decide)\b", re.IGNORECASE)
_FOR_OR_AGAINST = re.compile(
    r"\b(?:for or against|yes or no|approve or reject|agree or disagree)\b", re.IGNORECASE
)
_OPTIONS = re.compile(
    r"\b(?:between|one of|among|from|options(?: are)?|candidates(?: are)?)\b[:\s]+(.+)", re.I | re.DOTALL
)
_TALLY = re.compile(
    r"\b(?:most votes|tally|count (?:all )?the votes|majority|who (?:won|wins)|result of the vote"
    r"|which (?:\w+ )?won)\b",
    re.IGNORECASE,
)
_BALLOT = re.compile(
    r"\b(?:my vote(?: is| goes to)?|i(?: now)? vote|vote(?=:))\s*(?:(?:is|goes to|for)\s+|:\s*)?[“\"'*]*"
    r"([\w-]+(?: (?!because|since|as|and|but|for|with)[\w-]+){0,2})",
    re.IGNORECASE,
)
_STANCE = re.compile(
    r"[“\"'*\s]*(?:still\s+)?(yes|no|for|against|agree|disagree|approved?|reject(?:ed)?|abstain)\b(?!\s+vote)",
    re.IGNORECASE,
)
_YES = frozenset({"yes", "for", "agree", "approve", "approved"})
_NO = frozenset({"no", "against", "disagree", "reject", "rejected"})
_TOLD = re.compile(
    r"\b([^\W\d_][\w-]*)\s+(?:votes?|voted|chose|picks?|picked|says?|said)\s+(?:for\s+)?[“\"']?([\w-]+)", re.I
)
_LINE = re.compile(r"(?:^|[\n;,?!.:])\s*([^\W\d_][\w-]*)\s*:\s*([\w-]+)(?=\s*(?:[\n;,.?]|$))")


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote: whose, for what, and in which words."""

    name: str
    choice: str
    reason: str


def vote(scene: Scene) -> list[str] | None:
    """Cast my vote where the request asks for one; None where it does not."""
    text = scene.request
    asked = _VOTE.search(text)
    if _FOR_OR_AGAINST.search(text):
        return _for_or_against(scene, text)
    if not asked or _TALLY.search(text):
        return None
    if re.search(r"\bvote\b", text, re.IGNORECASE) and (proposal := Proposal.of(text)) is not None:
        word = _side(scene) or ("yes" if _fixed(scene, text) % 2 else "no")
        words = proposal.yes if word == "yes" else proposal.no
        return [
            f"My vote: {word}, {words}. A fixed rule chose this; I have no opinion.",
            f"My vote: {word}.",
            upper_first(word),
        ]
    options = _options(text)
    if not options:
        return None
    chosen = options[_fixed(scene, ",".join(options)) % len(options)]
    return [f"My vote: {chosen}. A fixed rule picked it; I have no opinion.", f"My vote: {chosen}.", chosen]


def _for_or_against(scene: Scene, text: str) -> list[str]:
    words = ("yes", "no") if re.search(r"\byes or no\b", text, re.IGNORECASE) else ("for", "against")
    side = _side(scene)
    told = re.search(r":\s+(\S.*)", text, re.DOTALL)
    subject = told[1] if told and Proposal.of(told[1]) is None else ""
    if side:
        chosen = words[0] if side == "yes" else words[1]
        reason = f"by rule I take the {SIDES[scene.role]} side"
    elif subject:
        size = count_words(subject)
        chosen = words[0] if size <= LONGEST_ACCEPTED else words[1]
        reason = (
            f"{quote(subject, 8)} has {plural(size, 'word')}, and my rule accepts up to {LONGEST_ACCEPTED}"
        )
    else:
        chosen = words[_fixed(scene, text) % 2]
        reason = "a fixed rule chose this, not an opinion"
    return [f"{upper_first(chosen)}: {reason}.", f"{upper_first(chosen)}.", upper_first(chosen)]


def _side(scene: Scene) -> str:
    return "" if scene.role not in SIDES else "no" if scene.role is Role.PESSIMIST else "yes"


def _fixed(scene: Scene, text: str) -> int:
    return zlib.crc32(f"{scene.talk.prompt}\n{scene.talk.me}\n{text}".encode())


def _options(text: str) -> list[str]:
    listed = _OPTIONS.search(text)
    body = listed[1] if listed else operand(text) or ""
    if not body:
        either = re.search(
            r"\b(?:vote(?: for)?|choose|pick)\s+([\w' -]{1,60}?\s+or\s+[\w' -]{1,60})", text, re.IGNORECASE
        )
        body = either[1] if either else ""
    found = items(re.split(r"[.?!](?:\s|$)", body)[0]) if body else []
    return found if len(found) > 1 else []


def tally(scene: Scene) -> list[str] | None:
    """Count the votes that were cast or are listed in the request; None where nothing asks for it."""
    text = scene.request
    if not _TALLY.search(text):
        return None
    body = _TALLY.sub(" ", text)
    told = [Ballot(name, choice, "") for name, choice in [*_TOLD.findall(body), *_LINE.findall(body)]]
    told = _one_spelling([ballot for ballot in told if ballot.name.lower() not in {"who", "which", "what"}])
    if told and all(ballot.choice.isdigit() for ballot in told):
        best = max(told, key=lambda ballot: int(ballot.choice))
        return [f"{best.name} has the most votes: {best.choice}.", best.name]
    return _result(told or _ballots(scene, everyone=True)) or ["I count votes, and found none.", "No votes."]


def judge(scene: Scene) -> list[str] | None:
    """Decide by majority among those who spoke since my last turn; None for other roles."""
    if scene.role is not Role.JUDGE or not scene.agents:
        return None
    ballots = _ballots(scene, everyone=False)
    opinions = [turn.text for turn in scene.agents]
    if not ballots:
        heard = "; ".join(f"{turn.who}: “{gist(turn.text)}”" for turn in scene.agents)
        names = join([turn.who for turn in scene.agents])
        return [
            f"I heard {heard}. I decide by counting votes, and found none.",
            f"I heard {names} and found no vote to count.",
            "No vote, no verdict.",
        ]
    subject = _shared(opinions) if len(opinions) > 1 else ""
    said = ", ".join(f"{one.name} says {one.choice} ({_said(one, subject)})" for one in ballots)
    silent = [turn.who for turn in scene.agents if turn.who not in {one.name for one in ballots}]
    tail = f" {join(silent)} cast no vote." if silent else ""
    verdict = _verdict(ballots, subject)
    counted = ", ".join(f"{choice} from {join(names)}" for choice, names in _voters(ballots).items())
    return [
        f"{said}.{tail} {verdict}",
        f"{verdict.rstrip('.')}; {said}.",
        f"{verdict.rstrip('.')}; {counted}.",
        verdict,
        f"{upper_first(verdict.rsplit(': ', 1)[-1])}",
        _winner(ballots),
    ]


def _said(ballot: Ballot, subject: str) -> str:
    return f"“{ballot.reason}”" if ballot.reason and ballot.reason.lower() != subject else "without a reason"


def _verdict(ballots: list[Ballot], subject: str) -> str:
    best, votes = _winner(ballots).lower(), max(len(names) for names in _voters(ballots).values())
    if best == "a tie":
        return f"A tie of {votes} to {votes}: by rule a tie changes nothing."
    words = {"yes": subject, "no": f"do not {subject}" if subject else ""}.get(best, "")
    return f"By {votes} of {len(ballots)} votes: {best}{', ' + words if words else ''}."


def _voters(ballots: list[Ballot]) -> dict[str, list[str]]:
    voters: dict[str, list[str]] = {}
    for ballot in ballots:
        voters.setdefault(ballot.choice, []).append(ballot.name)
    return dict(sorted(voters.items(), key=lambda pair: -len(pair[1])))


def _winner(ballots: list[Ballot]) -> str:
    (best, votes), *others = Counter(ballot.choice for ballot in ballots).most_common()
    return "A tie" if others and others[0][1] == votes else upper_first(best)


def _result(ballots: list[Ballot]) -> list[str] | None:
    if not ballots:
        return None
    ranked = list(_voters(ballots).items())
    listed = "; ".join(f"{choice}: {plural(len(names), 'vote')} ({join(names)})" for choice, names in ranked)
    best, names = ranked[0]
    if len(ranked) > 1 and len(ranked[1][1]) == len(names):
        ties = [choice for choice, those in ranked if len(those) == len(names)]
        return [
            f"A tie between {join(ties)}. {upper_first(listed)}.",
            f"A tie between {join(ties)}.",
            "A tie.",
        ]
    best = upper_first(best)
    return [f"{best} has the most votes. {upper_first(listed)}.", f"{best} has the most votes.", best]


def _ballots(scene: Scene, *, everyone: bool) -> list[Ballot]:
    turns = scene.agents
    if everyone:
        newest = {turn.who: turn for turn in scene.talk.turns if turn.role not in {"system", "tool"}}
        turns = tuple(turn for turn in newest.values() if turn is not scene.last or not scene.request)
    found = [Ballot(turn.who, choice, gist(turn.text)) for turn in turns if (choice := _choice(turn.text))]
    return _one_spelling(found)


def _one_spelling(ballots: list[Ballot]) -> list[Ballot]:
    spelled: dict[str, str] = {}
    return [
        Ballot(one.name, spelled.setdefault(one.choice.lower(), one.choice), one.reason) for one in ballots
    ]


def _choice(text: str) -> str:
    stance, ballot = _STANCE.match(text), _BALLOT.search(text[:2000])
    word = ballot[1] if ballot else stance[1] if stance else ""
    first = word.split()[0].lower() if word else ""
    if first in _YES:
        return "yes"
    return "no" if first in _NO else word


def _shared(opinions: list[str]) -> str:
    # The longest run of words that all opinions have in common is what they are about.
    shown = re.findall(r"[\w'-]+", opinions[0])[:60]
    first = [word.lower() for word in shown]
    rest = [re.findall(r"[\w'-]+", text.lower())[:60] for text in opinions[1:]]
    others = [f" {' '.join(one)} " for one in rest]
    best = slice(0, 0)
    for start in range(len(first)):
        for end in range(start + 1 + best.stop - best.start, len(first) + 1):
            run = f" {' '.join(first[start:end])} "
            if not all(run in other for other in others):
                break
            best = slice(start, end)
    return " ".join(shown[best]) if best.stop - best.start > 2 else ""
