"""`Asked`: what a model, a tool or a person was asked, as a recording knows it again.

Two are the same if who speaks, what is said and what is looked at are. Not looked at: which model it is and
its settings, the ids of calls of tools and what these returned, how an endpoint wants names to be written,
and in all texts what is another each time: dates and times of day, UUIDs, long numbers and hexadecimal ids.
What looks like a key is masked first, since what was answered with one in it is replayed masked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._surrogates import well_formed
from ..config import redact

__all__ = ["WHAT", "Asked", "asked_of_model", "asked_of_person", "asked_of_tool", "difference"]

BEGINS = 80
"""Characters of the last thing that was said which a recording keeps, for people to know it by."""
MOST_PARTS = 400
"""Messages of one call that are told apart where two differ; the last ones count."""
LONGEST_PART = 60
WHAT = {"model": "call of a model", "tool": "call of a tool", "human": "question to a person"}
"""The kinds of what is asked, in words."""
_CHANGING = re.compile(
    r"""\d{4}-\d{2}-\d{2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?(?:Z|[+-]\d{2}:?\d{2})\b)?)?
    | \b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\b
    | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b
    | \b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}\b
    | \b\d{9,}(?:\.\d+)?\b""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """``digest`` is the hash of all of it, ``parts`` have one for each message, after its role.

    ``kind`` is "model", "tool" or "human"; ``begins`` is how the last thing that was said begins.
    """

    kind: str
    digest: str
    parts: tuple[str, ...] = ()
    begins: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"kind": self.kind, "asked": self.digest, "parts": list(self.parts), "begins": self.begins}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Asked:
        """Return what `to_dict` told of.

        >>> Asked.from_dict(asked_of_tool("add", {"a": 1}).to_dict()) == asked_of_tool("add", {"a": 1})
        True

        Raises:
            ValueError: it is none.
        """
        kind, digest, parts = tree.get("kind"), tree.get("asked"), tree.get("parts", [])
        if kind not in ("model", "tool", "human"):
            raise ValueError(f'its kind is "model", "tool" or "human", not {str(kind)[:40]!r}')
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{32}", digest):
            raise ValueError("`asked` is no hash of 32 hexadecimal digits")
        if not isinstance(parts, list) or len(parts) > MOST_PARTS:
            raise ValueError(f"`parts` is no list of at most {MOST_PARTS} texts")
        if not all(isinstance(part, str) and len(part) <= LONGEST_PART for part in parts):
            raise ValueError("`parts` holds what is no short text")
        return cls(kind, digest, tuple(parts), str(tree.get("begins", ""))[: 2 * BEGINS])


def asked_of_model(operation: str, given: Any) -> Asked:
    """Return what a model was asked: messages of a chat, texts, or anything else that JSON can hold.

    >>> at_ten = asked_of_model("chat", [{"role": "user", "name": "ann", "content": "It is 10:00. Rain?"}])
    >>> at_six = asked_of_model("chat", [{"role": "user", "content": "ann: It is 18:30. Rain?"}])
    >>> at_ten.digest == at_six.digest
    True
    """
    entries = given if isinstance(given, Sequence) and not isinstance(given, str | bytes) else [given]
    told = [_entry(each) for each in entries]
    return _asked("model", operation, told)


def asked_of_tool(name: str, arguments: Any) -> Asked:
    """Return what a tool was called with."""
    return _asked("tool", name, [(name[:20], _json(arguments))])


def asked_of_person(prompt: str, said: str, wanted: Sequence[str]) -> Asked:
    """Return what a person was asked: in which words, in answer to what, and what is ``wanted`` by name."""
    return _asked("human", "ask", [("said", said), ("wanted", _json(list(wanted))), ("asked", prompt)])


def nearest(now: Asked, known: Sequence[Asked]) -> Asked:
    """Return the one of the known that is the most like what is asked now; the first of several."""

    def likeness(then: Asked) -> tuple[int, bool, int]:
        same = sum(here == there for here, there in zip(now.parts, then.parts, strict=False))
        return same, len(now.parts) == len(then.parts), _alike(now.begins, then.begins)

    return max(known, key=likeness)


def difference(now: Asked, then: Asked) -> str:
    """Say how two differ, in words."""
    if now.parts == then.parts:
        return "what is asked for is another"
    if len(now.parts) != len(then.parts) and now.kind == "model":
        counts = f"it is sent {len(now.parts)} messages, and in the recording {len(then.parts)}"
        more = "more" if len(now.parts) > len(then.parts) else "less"
        counts += f", as if it remembered {more} than it did then"
        return f"{counts}; the last begins {now.begins!r}, and there {then.begins!r}"
    pairs = list(zip(now.parts, then.parts, strict=False))
    at = next((n for n, (here, there) in enumerate(pairs) if here != there), len(pairs) - 1)
    if at == len(pairs) - 1:
        if now.begins == then.begins:
            return f"what it is told begins {now.begins!r}, as in the recording, and is another after that"
        return f"what it is told begins {now.begins!r}, and in the recording {then.begins!r}"
    role = now.parts[at].partition(" ")[0]
    if now.kind == "human":
        return "it is asked after something else was said" if role == "said" else "other values are wanted"
    return f"message {at + 1} of {len(pairs)} ({role}) is another than in the recording"


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (here, there) in pairs if here != there), min(len(one), len(other)))


def _asked(kind: str, what: str, told: list[tuple[str, str]]) -> Asked:
    whole = hashlib.sha256(what.encode("utf-8", "replace"))
    parts = []
    for role, text in told:
        one = hashlib.sha256(f"{role}\0{_lasting(text)}".encode("utf-8", "replace"))
        whole.update(one.digest())
        parts.append(f"{role[:20]} {one.hexdigest()[:12]}")
    begins = redact(" ".join(well_formed(told[-1][1])[: 4 * BEGINS].split())) if told else ""
    begins = begins if len(begins) <= BEGINS else f"{begins[: BEGINS - 1]}…"
    return Asked(kind, whole.hexdigest()[:32], tuple(parts[-MOST_PARTS:]), begins)


def _lasting(text: str) -> str:
    return _CHANGING.sub("#", redact(well_formed(text)))


def _entry(entry: Any) -> tuple[str, str]:
    """Return the role and the text of an entry of a chat, or of anything else."""
    if not isinstance(entry, Mapping):
        return "text", entry if isinstance(entry, str) else _json(entry)
    role, name = str(entry.get("role", "")), entry.get("name")
    if role == "tool":  # what it returned: the recording returns the same, or the agent sees to it itself
        return role, ""
    text = _text(entry.get("content")) if "content" in entry else _json(dict(entry))
    if role == "user" and name and not text.startswith(f"{name}: "):
        text = f"{name}: {text}"
    calls = entry.get("tool_calls") or ()
    return role, text + "".join(f"\0{_call(call)}" for call in calls)


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, Sequence):
        return _json(content)
    parts = []
    for part in content:
        is_text = isinstance(part, Mapping) and part.get("type") == "text"
        parts.append(str(part.get("text")) if is_text else f"[{_short(_json(part))}]")
    return "\n".join(parts)


def _call(call: Any) -> str:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        return _json(call)
    arguments = function.get("arguments")
    with contextlib.suppress(ValueError):
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return f"{function.get('name')} {_json(arguments)}"


def _short(text: str) -> str:
    """Return a picture or a sound as its hash."""
    return text if len(text) <= 200 else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr)
