"""`Approval`: a tool's call that a person is asked to allow, and the reading of what the person says.

A yes is only a yes if it names the very call that was asked about, by its hash. All else is a no.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..exceptions import AnswerRefusedError

__all__ = ["ALL", "EDITED", "NO", "YES", "Approval", "read_approval", "said_in_words"]

YES, ALL, NO = "approve", "approve all", "deny"
EDITED = "arguments"
"""The field of an answer with other arguments, as JSON; "binding" names the call, "reason" says why not."""
LONGEST_REASON = 1000
_SHORT = {"y": YES, "yes": YES, YES: YES, "a": ALL, "all": ALL, ALL: ALL, "n": NO, "no": NO, NO: NO, "": NO}


@dataclass(frozen=True, slots=True)
class Approval:
    """What is to be allowed: ``tool`` with ``arguments``, JSON in which nothing is invisible.

    ``binding`` is the hash of this one call, which an answer repeats. ``shown`` has each argument and its
    value as they are shown; ``effects`` what the tool does; ``grants`` whether its later calls in this run
    may be allowed too; ``note`` what the person should know besides; ``fixed`` what the tool is given at each
    call, which nobody changes here, keys left out.
    """

    tool: str
    arguments: str
    binding: str
    effects: tuple[str, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    grants: bool = False
    note: str = ""
    fixed: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "tool": self.tool,
            "arguments": self.arguments,
            "binding": self.binding,
            "effects": list(self.effects),
            "shown": [list(pair) for pair in self.shown],
            "grants": self.grants,
            "note": self.note,
            "fixed": [list(pair) for pair in self.fixed],
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Approval:
        """Return the approval that `to_dict` told of.

        >>> asked = Approval("add", '{"a": 1}', "00", ("write",), (("a", "1"),), True)
        >>> Approval.from_dict(asked.to_dict()) == asked
        True
        """
        return cls(
            str(tree["tool"]),
            str(tree["arguments"]),
            str(tree["binding"]),
            tuple(map(str, tree.get("effects") or ())),
            tuple((str(name), str(value)) for name, value in tree.get("shown") or ()),
            tree.get("grants") is True,
            str(tree.get("note") or ""),
            tuple((str(name), str(value)) for name, value in tree.get("fixed") or ()),
        )


def read_approval(approval: Approval, text: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return what a person has decided, `YES`, `ALL` or `NO`, and the fields that count.

    Any other text is a no, with the text as its reason.

    Raises:
        AnswerRefusedError: it is a yes to another call, or with arguments that are none.
    """
    said = text.strip()
    if said not in (YES, ALL):
        reason = said if said != NO else str(fields.get("reason") or "")
        return NO, {"reason": reason.strip()[:LONGEST_REASON]}
    binding = fields.get("binding")
    if not (isinstance(binding, str) and hmac.compare_digest(binding.encode(), approval.binding.encode())):
        raise AnswerRefusedError("this is not the call that was asked about; look at it again")
    kept = {"binding": binding}
    edited = fields.get(EDITED)
    if edited is not None:
        try:
            tree = json.loads(edited) if isinstance(edited, str) else None
        except (ValueError, RecursionError) as error:
            raise AnswerRefusedError(f"{EDITED}: this is no JSON: {error}") from None
        if not isinstance(tree, dict):
            raise AnswerRefusedError(f"{EDITED}: a JSON object is wanted, with a value for each argument")
        kept[EDITED] = str(edited)
    return (YES if edited is not None or not approval.grants else said), kept


def said_in_words(text: str) -> tuple[str, str]:
    """Return what a typed line means: `YES`, `ALL`, `NO` or "edit"; and the reason, where it is a no.

    >>> said_in_words("Yes"), said_in_words("not today")
    (('approve', ''), ('deny', 'not today'))
    """
    line = text.strip()
    if line.lower() in ("e", "edit"):
        return "edit", ""
    known = _SHORT.get(line.lower())
    return (known, "") if known is not None else (NO, line[:LONGEST_REASON])
