"""Turn what a cell asks for into calls of agents: whom to tell what, and in which order.

A `Talk` is ready to be begun: its agents are found and its text is filled. Beginning it makes the
calls and waits for nothing. How it is shown and waited for is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..agents import AgentBase, scheduler
from ..exceptions import NbAgentsError
from ..hub import msghub
from ..message import Msg
from ..pipelines import ForLoopPipeline, Pipeline
from ..render import content_text
from ..runs import Run
from ._fitted import Fitted
from ._interpolation import Interpolated
from ._names import EVERYONE
from ._plan import Condition, foretold, pipeline_of
from ._shape import Shape
from ._specs import AgentsSpec, CommonOptions, HubSpec, PipelineSpec, Spec, Turn

__all__ = ["Talk", "prompt_message", "talk_of_agents", "talk_of_hub", "talk_of_pipeline"]

Agents = Mapping[str, AgentBase]
Fill = Callable[[str], Interpolated]
JSON_ONLY = "Answer with JSON only, and nothing around it."


@dataclass(slots=True)
class Talk:
    """What is about to be said. ``begin`` makes the calls of a run and returns their placeholders."""

    title: str
    begin: Callable[[Run], Any]
    options: CommonOptions
    prompt: str = ""
    chips: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    preview: Sequence[tuple[str, str]] = ()
    """Who would be sent what, first."""
    audience: Callable[[str], tuple[str, ...]] | None = None
    finish: Callable[[Run, Any], None] = field(default=lambda run, value: None)
    """Called with the value once it is there; may add an outcome to the run or raise."""
    spec: Spec | None = None
    """The cell that asked for it."""
    held: bool = False
    """Are its next steps taken here, so that it cannot go on without this process?"""


def prompt_message(text: str, options: CommonOptions) -> Msg:
    """Return what the person says as a message."""
    only_json = options.json and options.schema is None
    return Msg("user", f"{text}\n\n{JSON_ONLY}" if only_json else text, "user")


def talk_of_agents(spec: AgentsSpec, agents: Agents, fill: Fill, shape: Shape | None = None) -> Talk:
    """Return the talk of a ``%%agents`` cell; ``shape`` is what its answers must have."""
    if spec.turns:
        return _script(spec.turns, agents, spec.options, fill, shape)
    filled, names = fill(spec.body), list(agents)
    message = prompt_message(filled.text, spec.options)
    talk = Talk(
        ", ".join(names),
        lambda run: _one_or_all([_asked(agent, shape, run)(message) for agent in agents.values()]),
        spec.options,
        spec.body,
        filled.chips,
        filled.notes,
        [(name, filled.text) for name in names],
        held=shape is not None,
    )
    if spec.hub:
        talk.title = f"{talk.title}, who hear each other"
        talk.audience = _others(agents)
        talk.begin = lambda run: _in_turn(run, list(agents.values()), message, spec.rounds)
    return talk


def talk_of_pipeline(
    spec: PipelineSpec,
    agents: Agents,
    fill: Fill,
    until: Condition | None = None,
    conditions: Sequence[Condition] = (),
    shape: Shape | None = None,
) -> Talk:
    """Return the talk of a ``%%pipeline`` cell.

    ``until`` is the condition of its loop, ``conditions`` are those of its expression, compiled by IPython;
    ``shape`` is what its last answers must have.
    """
    filled = fill(spec.body)
    message = prompt_message(filled.text, spec.options) if filled.text else None

    def body(run: Run) -> AgentBase | Pipeline:
        last = None if shape is None else (lambda agent: _asked(agent, shape, run))
        return pipeline_of(spec.expr, agents, conditions, run, last)

    arrows = str(spec.expr).replace("->", "→")
    talk = Talk(
        f"pipeline {arrows}" + (f" · up to {spec.passes} passes" if spec.passes > 1 else ""),
        lambda run: _passes(run, body(run), spec.passes, message),
        spec.options,
        spec.body,
        filled.chips,
        filled.notes,
        foretold(spec.expr, filled.text),
        held=bool(conditions) or shape is not None,
    )
    if until is not None or ((conditions or shape) and spec.passes > 1):
        _loop(talk, spec, body, message, until)
    return talk


def talk_of_hub(spec: HubSpec, agents: Agents, fill: Fill) -> Talk:
    """Return the talk of a ``%%msghub`` cell without Python in it: its members speak in turn."""
    filled, names = fill(spec.announce or ""), list(agents)
    message = Msg("user", filled.text, "user") if filled.text else None
    return Talk(
        f"msghub {', '.join(names)}",
        lambda run: _in_turn(run, list(agents.values()), message, spec.rounds or 0),
        spec.options,
        spec.announce or "",
        filled.chips,
        filled.notes,
        [(name, filled.text) for name in names],
        _others(agents),
    )


def _asked(agent: AgentBase, shape: Shape | None, run: Run) -> AgentBase | Pipeline:
    return agent if shape is None else Fitted(agent, shape, run.section)


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _others(agents: Agents) -> Callable[[str], tuple[str, ...]]:
    names = [agent._name for agent in agents.values()]
    return lambda speaker: tuple(name for name in names if name != speaker) if speaker in names else ()


def _in_turn(run: Run, agents: list[AgentBase], message: Msg | None, rounds: int) -> Any:
    last: list[Any] = []
    with msghub(agents, announcement=message):
        for number in range(1, rounds + 1):
            if rounds > 1:
                run.section(f"round {number} of {rounds}")
            last = [agent() for agent in agents]
    return _one_or_all(last) if last else []


def _script(
    turns: Sequence[Turn], agents: Agents, options: CommonOptions, fill: Fill, shape: Shape | None
) -> Talk:
    """Return the talk of a script, which is one call: a turn's text may need what was said before."""

    def begin(run: Run) -> Any:
        async def script() -> Any:
            replies: list[Any] = []
            for turn in turns:
                filled = fill(turn.text)
                run.notes += tuple(note for note in filled.notes if note not in run.notes)
                message = prompt_message(filled.text, options) if filled.text else None
                names = _named(turn, agents)
                run.tell(filled.text, ", ".join(names))
                last = shape if turn is turns[-1] else None
                calls = [_asked(agents[name], last, run)(message) for name in names]
                replies = [await call for call in calls]
            return _one_or_all(replies)

        return scheduler().issue(None, script, (), hold=list(agents.values()))

    preview = [(name, turn.text) for turn in turns for name in _named(turn, agents)]
    return Talk(
        f"script of {len(turns)} turn{'s' if len(turns) > 1 else ''}",
        begin,
        options,
        preview=preview,
        held=len(turns) > 1 or shape is not None,
    )


def _named(turn: Turn, agents: Agents) -> Sequence[str]:
    return list(agents) if EVERYONE in turn.names else turn.names


def _passes(run: Run, body: AgentBase | Pipeline, passes: int, message: Any) -> Any:
    """Submit all passes at once, each with the placeholder of the one before."""
    value = message
    for number in range(1, passes + 1):
        if passes > 1:
            run.section(f"pass {number} of {passes}")
        value = body(value)
    return value


def _loop(
    talk: Talk,
    spec: PipelineSpec,
    body: Callable[[Run], AgentBase | Pipeline],
    message: Any,
    until: Condition | None,
) -> None:
    """Let the talk go pass by pass, since what a pass comes to decides about the next."""
    loops: list[ForLoopPipeline] = []

    def begin(run: Run) -> Any:
        def on_pass(number: int) -> None:
            run.section(f"pass {number} of {spec.passes}")

        loop = ForLoopPipeline(body(run), spec.passes, until, on_pass=on_pass)
        loops.append(loop)
        return loop(message)

    def finish(run: Run, value: Any) -> None:
        loop = loops[-1]
        if until is None:
            return
        if loop.broke:
            run.outcome = f"stopped by --until after pass {loop.passes}"
            return
        where = f"`{spec.options.output}`" if spec.options.output else "`_`"
        times = "1 pass" if spec.passes == 1 else f"{spec.passes} passes"
        raise NbAgentsError(
            f"--until never became true in {times}. Last value: {_last(value)}. The draft is in {where}."
        )

    talk.begin, talk.finish, talk.held = begin, finish, True


def _last(value: Any) -> str:
    last = value[-1] if isinstance(value, (list, tuple)) and value else value
    text = content_text(last.content) if isinstance(last, Msg) else str(last)
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
