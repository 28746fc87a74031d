"""``%%agent``: define an agent, or show the one there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..exceptions import UsageError
from ..models import DEMO_MODELS
from ..render import AgentCardView, agent_line_html, agent_line_text
from ..setup import Definition
from ._desk import Desk
from ._faults import unavailable
from ._pace import apart
from ._specs import AgentSpec
from ._tools import tools_called

__all__ = ["define_agent"]

MAGIC = "%%agent"
KINDS = ("chat", "react", "user")
PROMPT = 200
"""How much of a system prompt the one line about an agent shows."""


async def define_agent(desk: Desk, spec: AgentSpec, notes: list[str], chips: list[tuple[str, str]]) -> None:
    """Make the agent, bind its name, and show one line about it.

    Raises:
        UsageError: the name is taken, the kind or model cannot be had, or there is no prompt.
    """
    if spec.kind not in KINDS:
        raise unavailable(MAGIC, f"--kind {spec.kind}")
    desk.check_free(spec.name)
    asked = (spec.model, spec.temperature, spec.seed, spec.approve)
    changes = spec.fresh or bool(spec.tools) or any(each is not None for each in asked)
    if spec.kind == "user" and (spec.tools or spec.approve):
        raise UsageError(f"{MAGIC}: {spec.name} is a person, who calls no tools")
    if spec.approve and not spec.tools:
        raise UsageError(f"{MAGIC}: --approve is about tools; name them too: --tools f,g")
    tools = tools_called(spec.tools, desk.variables, MAGIC)
    if not spec.body and spec.kind != "user":
        if changes or not await _is_there(desk, spec.name):
            raise UsageError(
                f"{MAGIC}: what is {spec.name} to do? Write its system prompt below the first line"
            )
        await _show(desk, spec)
        return
    await desk.ready(*([] if spec.raw else [spec.body]))
    filled = desk.fill(spec.body, raw=spec.raw)
    arguments = {
        key: value
        for key, value in (("temperature", spec.temperature), ("seed", spec.seed))
        if value is not None
    }

    def define() -> Definition:
        return desk.session.define(
            spec.name,
            filled.text,
            model=spec.model,
            kind=spec.kind,
            fresh=spec.fresh,
            generate_args=arguments or None,
            tools=tools,
            approve=spec.approve,
        )

    definition = await apart(define)
    desk.take_in(definition, spec.name)
    if not spec.quiet:
        _ready(desk, spec, definition, [*chips, *filled.chips], [*notes, *filled.notes, *desk.notices()])


async def _is_there(desk: Desk, name: str) -> bool:
    def look() -> bool:
        try:
            desk.session.find(name)
        except UsageError:
            return False
        return True

    return bool(await apart(look))


async def _show(desk: Desk, spec: AgentSpec) -> None:
    """Bind and show the agent there is: its prompt, model and memory."""
    agent = desk.session.find(spec.name)
    desk.bind(spec.name, agent)
    infos = await apart(lambda: [info for info in desk.session.agents() if info.name == spec.name])
    info = infos[0]
    prompt = " ".join(info.sys_prompt.split())
    shown = prompt if len(prompt) <= PROMPT else f"{prompt[:PROMPT]}…"
    facts = ["a person" if info.color is None else f"model {info.model}", _kept(info.messages)]
    facts += [_told(info.tools) + _allowed(info.approve)] if info.tools else []
    facts += [f"“{shown}”"] if shown else []
    _line(desk, AgentCardView(spec.name, info.color, " · ".join(facts), info.model in DEMO_MODELS))


def _ready(
    desk: Desk, spec: AgentSpec, definition: Definition, chips: list[tuple[str, str]], notes: list[str]
) -> None:
    choice = definition.choice
    is_demo = choice is not None and choice.config.get("endpoint") == "demo"
    kept = definition.kept
    if definition.change == "unchanged":
        first = ["unchanged", f"{_counted(kept)} kept"]
    elif definition.change == "updated":
        first = [
            f"{definition.what or 'prompt'} updated",
            f"{_counted(kept)} kept (`--fresh` to empty)" if kept else "memory 0",
        ]
    else:
        first = ["ready"]
    facts = [*first, f"model {choice.label}" if choice is not None else "a person"]
    facts += [_told(definition.tools)] if definition.tools else []
    if definition.change == "created":
        facts.append(f"memory {kept}")
    facts += [f"‹{name}: {value}›" for name, value in chips]
    facts += [f"⚠ {note}" for note in notes]
    color = None if choice is None else definition.color
    _line(desk, AgentCardView(spec.name, color, " · ".join(facts), is_demo))


def _line(desk: Desk, view: AgentCardView) -> None:
    desk.surface().show(agent_line_html(view), agent_line_text(view))


def _told(tools: Sequence[str]) -> str:
    return f"tools {', '.join(tools)}"


def _allowed(approve: Mapping[str, str]) -> str:
    """Say what was said of them: one word for all, or one for each effect."""
    rules = set(approve.values())
    said = approve.values() if len(rules) == 1 else (f"{kind} {rule}" for kind, rule in approve.items())
    return f" (approve: {', '.join(dict.fromkeys(said))})" if rules else ""


def _kept(count: int) -> str:
    return f"memory {count}"


def _counted(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
