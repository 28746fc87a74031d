"""`passed`: may this call of a tool be made? By its policy, or by a person who sees the very call.

What a person has allowed is JSON text: it is what was shown, its hash is what the answer repeats, and
the tool is called with what is read from it. A yes counts for one call; "all" for the same tool of the same
agent in the same run, as long as what the tool is said to be and to do, whose it is and what it is given
each time do not change.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import asking, context, events
from .._ids import new_id
from .._threads import on_thread
from ..asking import ALL, EDITED, NO, Approval, Question
from ..exceptions import (
    AnswerRefusedError,
    FunctionCallError,
    NbAgentsError,
    StorageError,
    ToolNotAllowedError,
    UsageError,
)
from . import _audit
from ._effects import Effect
from ._fixed import fixed_of, identity
from ._nobody import nobody_there
from ._policy import Policy, policies_here, rule_for
from ._told import told
from ._tool import Tool

__all__ = ["Passage", "grant_all", "passed"]

SECONDS = 600.0
"""How long a question stays open, and how long its answer counts."""
LONGEST = 100_000
"""Characters of arguments that a person can be shown; nobody is asked about longer ones."""
REMEMBERED = 1000
"""Runs whose grants are kept."""
_SECRET = secrets.token_hex(16)
"""This process: what was asked in another one is not what is asked here."""

_grants: OrderedDict[str, set[tuple[str, str]]] = OrderedDict()
_lock = threading.Lock()


@dataclass(slots=True)
class Passage:
    """One call of a tool on its way: who makes it, what was decided, and how."""

    tool: str
    id: str
    run: str = ""
    agent: str = ""
    effects: frozenset[Effect] = frozenset()
    decision: str = ""
    """See `nbagents.store.AuditRow`; "" where there is nothing to decide."""
    edited: Mapping[str, Any] | None = None
    arguments: str = field(default="", repr=False)
    """What it is called with, as JSON."""
    key: str = field(default_factory=new_id)
    """Its own id; a model may give the same one twice."""
    written: bool = False
    """Does the audit know of it?"""

    @classmethod
    def of(cls, tool: str, call_id: str) -> Passage:
        """Return one for the code that runs here."""
        frame = context.frame.get()
        run, agent = (context.run.get(), "") if frame is None else (frame.run, frame.agent_name)
        return cls(tool, call_id, run, agent)

    @property
    def denied(self) -> bool:
        """Was it not allowed?"""
        return self.decision in ("denied", "expired", "headless", "refused")

    def tell(self, state: str, **more: Any) -> None:
        """Tell of it as an event."""
        events.emit("approval", id=self.id, name=self.tool, state=state, **more)


async def passed(
    passage: Passage, tool: Tool, given: Mapping[str, Any], policies: tuple[Policy, ...]
) -> Mapping[str, Any]:
    """Return what the tool may be called with, which a person may have changed; wait for the person.

    ``given`` fits the tool. What was decided is in ``passage``, and in the audit before this returns.

    Raises:
        ToolNotAllowedError: the policy or a person says no, nobody is there, or it cannot be written down.
    """
    passage.effects = tool.effects
    rule = rule_for(tool.effects, tool.declared, *policies_here(), *policies)
    changed = bool(tool.origin) and rule != "deny" and await _has_changed(tool)
    if not tool.effects and rule == "auto" and not changed:
        return given
    allowed: Mapping[str, Any] = given
    try:
        if rule == "deny":
            passage.decision = "denied"
            raise ToolNotAllowedError(f"{tool.name} was not allowed: {_by_policy(tool)}")
        if rule == "auto" and not changed:
            passage.decision = "policy"
        elif not changed and _granted(passage, tool):
            passage.decision = "run"
            passage.tell("granted")
        else:
            allowed = await _asked(passage, tool, given, changed)
        passage.arguments = _json(allowed)
        await _noted(passage)
        if tool.origin:
            await _audit.remember(tool)
    except ToolNotAllowedError as error:
        passage.arguments = _json(given)
        await _noted(passage, refused=True)
        why: dict[str, str] = {"why": str(error).partition(" was not allowed: ")[2]}
        if passage.decision == "headless":
            why["hint"] = nobody_there(tool.name, tool.effects, in_a_run=bool(passage.run))
        passage.tell("denied", **why)
        raise
    return allowed


async def _asked(passage: Passage, tool: Tool, given: Mapping[str, Any], changed: bool) -> dict[str, Any]:
    """Ask a person; return the arguments that were allowed."""
    from ..render import visible_arguments, visible_object  # here, since importing tools is quick

    def no(decision: str, why: str) -> ToolNotAllowedError:
        passage.decision = decision
        return ToolNotAllowedError(f"{tool.name} was not allowed: {why}")

    try:
        text = visible_object(given)
    except (TypeError, ValueError, RecursionError):
        raise no("refused", "its arguments cannot be shown to a person") from None
    if len(text) > LONGEST:
        raise no("refused", f"its arguments are longer than a person can be shown, {len(text)} characters")
    same = identity(tool)
    binding = _binding(passage, same, text)
    note = "What it is said to do has changed since it was allowed last." if changed else ""
    approval = Approval(
        tool.name,
        text,
        binding,
        tuple(sorted(tool.effects)),
        tuple(visible_arguments(json.loads(text))),
        grants=bool(passage.run),
        note=note,
        fixed=fixed_of(tool),
    )
    until = time.monotonic() + SECONDS
    question = Question(passage.agent or "an agent", _prompt(passage, approval), SECONDS, approval=approval)
    passage.tell("asked")

    def check(fields: Mapping[str, Any]) -> None:
        if EDITED in fields:
            try:
                tool.check(json.loads(fields[EDITED]))
            except FunctionCallError as error:
                raise AnswerRefusedError(f"{EDITED}: {error}") from None

    try:
        answer = await asking.fill(question, check)
    except TimeoutError:
        raise no("expired", f"nobody answered within {SECONDS / 60:.0f} minutes") from None
    except UsageError as error:
        if isinstance(error, AnswerRefusedError):
            raise no("denied", str(error)) from None
        raise no("headless", "nobody is there to be asked") from None
    except (EOFError, OSError):
        raise no("headless", "nobody is there to be asked") from None
    reason = str(answer.fields.get("reason") or "")
    if answer.how != "answered" or answer.text == NO:
        raise no("denied", reason or "a person has said no")
    if answer.text not in (asking.YES, ALL) or answer.fields.get("binding") != binding:
        raise no("denied", "what came was no yes to this call")
    if time.monotonic() > until:
        raise no("expired", "the yes came too late")
    if identity(tool) != same:
        raise no("denied", "what it is, or what it is given each time, has changed meanwhile")
    edited = answer.fields.get(EDITED)
    allowed: dict[str, Any] = json.loads(text if edited is None else edited)
    try:
        await tool.checked(allowed)
        is_other = edited is not None and visible_object(allowed) != text
    except (FunctionCallError, ValueError, RecursionError) as error:
        raise no("denied", f"what a person has changed does not fit: {error}") from None
    passage.decision = "person"
    if is_other:
        passage.decision, passage.edited = "edited", allowed
    elif answer.text == ALL and approval.grants:
        grant_all(passage.run, passage.agent, tool)
    passage.tell("edited" if passage.edited is not None else "approved", arguments=told(allowed))
    return allowed


def _binding(passage: Passage, tool: str, text: str) -> str:
    """Return the hash of one call: of which tool, with what, by whom, where, and a number used once."""
    frame = context.frame.get()
    parts = [tool, text, passage.agent, passage.run, passage.id]
    parts += [frame.id if frame is not None else "", _SECRET, secrets.token_hex(16)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _prompt(passage: Passage, approval: Approval) -> str:
    """Return what is asked where there is no form: the call in full, each of its lines set in."""
    from ..render import visible_text

    who = visible_text(passage.agent or "an agent")
    lines = [f"{name} = {value}" for name, value in approval.shown] or ["(no arguments)"]
    told = "\n".join(lines).replace("\n", "\n    ")
    does = f" ({', '.join(approval.effects)})" if approval.effects else ""
    choices = "yes, all in this run, edit, or why not" if approval.grants else "yes, edit, or why not"
    note = f"\n{approval.note}" if approval.note else ""
    if approval.fixed:
        note = f"\n  fixed: {', '.join(f'{name} = {value}' for name, value in approval.fixed)}{note}"
    return (
        f"{who} wants to run {visible_text(approval.tool)}{does}:\n    {told}{note}\nAllow it? [{choices}] "
    )


def _by_policy(tool: Tool) -> str:
    does = ", ".join(sorted(tool.effects))
    return f"no tools that {does} may be called here" if does else "no tools may be called here"


# ---- all calls of one tool in a run


def grant_all(run: str, agent: str, tool: Tool) -> None:
    """Allow an agent's later calls of a tool in a run."""
    with _lock:
        _grants.setdefault(run, set()).add((agent, identity(tool)))
        while len(_grants) > REMEMBERED:
            _grants.popitem(last=False)


def _granted(passage: Passage, tool: Tool) -> bool:
    return bool(passage.run) and (passage.agent, identity(tool)) in _grants.get(passage.run, ())


async def _has_changed(tool: Tool) -> bool:
    """Is a tool of a server that is not ours said to be another than when it was allowed last?"""
    try:
        return await _audit.has_changed(tool)
    except StorageError:
        return True  # nobody knows, so somebody is asked


# ---- the audit


async def _noted(passage: Passage, *, refused: bool = False) -> None:
    try:
        await on_thread(_audit.write, dataclasses.replace(passage), "denied" if refused else "", 0, "call")
        passage.written = True
    except NbAgentsError as error:
        if refused or passage.effects <= {Effect.READ}:
            _audit.log.warning("the audit: %s", error)
            return
        passage.decision = "refused"
        raise ToolNotAllowedError(
            f"{passage.tool} was not allowed: its call cannot be written down ({error})"
        ) from None


def _json(given: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(given), ensure_ascii=True, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(given)
