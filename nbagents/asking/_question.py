"""`Question`, its `Field`s and an `Answer`: what is asked of a person, and what comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._approval import Approval

__all__ = ["Answer", "Field", "Question"]


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is asked for by name.

    ``type`` is "string", "integer", "number", "boolean" or, for anything else, "json".
    """

    name: str
    type: str = "string"
    title: str = ""
    required: bool = True
    default: Any = None
    enum: tuple[Any, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return dataclasses.asdict(self) | {"enum": None if self.enum is None else list(self.enum)}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Field:
        """Return the field that `to_dict` told of."""
        enum = tree.get("enum")
        return cls(
            str(tree["name"]),
            str(tree.get("type") or "string"),
            str(tree.get("title") or ""),
            bool(tree.get("required", True)),
            tree.get("default"),
            None if enum is None else tuple(enum),
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: by whom, in which words, for how many seconds, and what an absent person says.

    ``choices`` are answers to pick from; any other text may be given too. ``fields`` are asked for by
    name, and with ``wants_url`` an address or a file's path. ``kind`` is "turn" where the agent is the
    person, whose turn it is, else "ask"; ``said`` is what the person answers to. With an ``approval`` a
    tool's call is to be allowed: nothing stands for an answer then, and only who is a person's own answerer
    is asked. ``id`` names it while it is open; ``run``, ``call`` and ``workspace`` tell where it was asked.
    `open_question` fills these in.
    """

    agent: str
    prompt: str
    timeout: float | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    wants_url: bool = False
    kind: str = "ask"
    said: str = ""
    id: str = ""
    run: str = ""
    call: str = ""
    workspace: str = ""
    approval: Approval | None = None

    def to_dict(self, left: float | None = None) -> dict[str, Any]:
        """Return it as JSON can hold it; ``left`` are the seconds that remain to answer it."""
        return {
            "id": self.id,
            "agent": self.agent,
            "prompt": self.prompt,
            "choices": list(self.choices) or None,
            "fields": [field.to_dict() for field in self.fields] or None,
            "wants_url": self.wants_url,
            "kind": self.kind,
            "said": self.said,
            "timeout": self.timeout,
            "left": self.timeout if left is None else left,
            "default": self.default,
            "run": self.run,
            "call": self.call,
            "workspace": self.workspace,
        } | ({} if self.approval is None else {"approval": self.approval.to_dict()})

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Question:
        """Return the question that `to_dict` told of; its time is what was left then.

        >>> asked = Question("editor", "Keep it?", choices=("yes", "no"))
        >>> Question.from_dict(asked.to_dict()) == asked
        True
        """
        left = tree.get("left", tree.get("timeout"))
        default, approval = tree.get("default"), tree.get("approval")
        return cls(
            str(tree["agent"]),
            str(tree["prompt"]),
            None if left is None else float(left),
            None if default is None else str(default),
            tuple(map(str, tree.get("choices") or ())),
            tuple(map(Field.from_dict, tree.get("fields") or ())),
            bool(tree.get("wants_url")),
            "turn" if tree.get("kind") == "turn" else "ask",
            str(tree.get("said") or ""),
            str(tree.get("id") or ""),
            str(tree.get("run") or ""),
            str(tree.get("call") or ""),
            str(tree.get("workspace") or ""),
            None if approval is None else Approval.from_dict(approval),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person has answered: a text, the fields by name, an address.

    ``how`` is "answered" by a person, or "default": nobody did, and this is what stands for that.
    """

    text: str
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    url: str | None = None
    how: str = "answered"
