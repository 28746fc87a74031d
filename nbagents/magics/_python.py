"""Write the Python that does what a cell does, with the public names of the package.

For ``%agents code``: to learn from, and to take along when a notebook becomes a program. The text
is read by people and never run here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import assert_never

from ..exceptions import UsageError
from ..tools import READY_TOOLS
from ._condition import wrapped
from ._literals import f_string, indented, literal
from ._names import EVERYONE
from ._nodes import Agent, Branch, Choice, FanOut, Node, Repeat, Sequence, Value
from ._specs import AgentSpec, AgentsSpec, CommonOptions, HubSpec, LineSpec, PipelineSpec, Spec, Turn

__all__ = ["to_python"]

_INDENT = "    "


def to_python(spec: Spec, known: Collection[str] = ()) -> str:
    r"""Return source that does the same as ``spec``.

    ``known`` are the notebook's variables: their ``{fields}`` become those of an f-string.

    >>> print(to_python(AgentSpec("poet", "You write four lines.", model="demo")), end="")
    import nbagents
    <BLANKLINE>
    poet = nbagents.agent("poet", "You write four lines.", model="demo")

    Raises:
        UsageError: It is a command that only a notebook has.
    """
    match spec:
        case AgentSpec():
            return _agent(spec, known)
        case AgentsSpec():
            return _unwritten(spec.options) + _on_tape(spec.options, _agents(spec, known))
        case PipelineSpec():
            return _unwritten(spec.options) + _on_tape(spec.options, _pipeline(spec, known))
        case HubSpec():
            return _unwritten(spec.options) + _on_tape(spec.options, _hub(spec, known))
        case LineSpec("ask", (name,), text):
            return _module(["Msg"], [f"{name}({_message(text, _filled(spec.options, known))})"])
        case LineSpec(verb):
            raise UsageError(f"%agents: {verb} is for notebooks and has no Python equivalent")
        case _:
            assert_never(spec)


def _unwritten(options: CommonOptions) -> str:
    """Say what of a cell has no form of its own in Python."""
    said = []
    if options.schema is not None:
        said.append(f"# --schema {options.schema}: JSON of this shape is asked for and checked")
    if options.budget is not None:
        said.append(f"# --budget {options.budget:g}: the run pauses at this cost")
    if options.max_calls is not None:
        said.append(f"# --max-calls {options.max_calls}: the run pauses after so many calls of models")
    if options.approve is not None:
        said.append(f"# --approve {options.approve}: who allows the calls of tools")
    return "".join(f"{line}; only a cell has this\n" for line in said)


def _on_tape(options: CommonOptions, code: str) -> str:
    """Put code below a ``with`` that records or replays it, if that is asked for."""
    if options.record is not None:
        name, more = "record", ", overwrite=True" if options.overwrite else ""
    elif options.replay is not None:
        name, more = "replay", ""
    else:
        return code
    imports, _, body = code.partition("\n\n")
    opening = f"with {name}({literal(options.record or options.replay or '')}{more}):"
    return "\n".join([f"{imports}, {name}", "", opening, *indented(body)]) + "\n"


def _agent(spec: AgentSpec, known: Collection[str]) -> str:
    arguments = [literal(spec.name)]
    if spec.body:
        arguments.append(f_string(spec.body, None if spec.raw else known))
    kind = spec.kind if spec.kind not in ("chat", "react", "user") else literal(spec.kind)
    ours = sorted(tool for tool in spec.tools if tool not in known and tool in READY_TOOLS)
    options = {
        "model": spec.model and literal(spec.model),
        "kind": None if spec.kind == "chat" else kind,
        "temperature": spec.temperature,
        "seed": spec.seed,
        "tools": f"[{', '.join(spec.tools)}]" if spec.tools else None,
        "approve": spec.approve and literal(spec.approve),
        "fresh": spec.fresh or None,
    }
    arguments += [f"{key}={value}" for key, value in options.items() if value is not None]
    imports = "import nbagents\n" + (f"from nbagents.tools import {', '.join(ours)}\n" if ours else "")
    return f"{imports}\n{spec.name} = nbagents.agent({', '.join(arguments)})\n"


def _agents(spec: AgentsSpec, known: Collection[str]) -> str:
    fields = _filled(spec.options, known)
    result = spec.options.output
    if EVERYONE in spec.everyone:
        raise UsageError("%agents: name the agents to see the Python equivalent; 'all' is for notebooks")
    if spec.turns:
        return _script(spec.turns, fields, result)
    if spec.hub:
        body = _speaking_in_turn(spec.names, spec.rounds)
        return _module(["Msg", "msghub"], [_with_hub(spec.names, spec.body, fields), *body])
    if len(spec.names) == 1:
        return _module(["Msg"], [f"{_kept(result)}{spec.names[0]}({_message(spec.body, fields)})"])
    calls = ", ".join(f"{name}(task)" for name in spec.names)
    return _module(["Msg"], [f"task = {_message(spec.body, fields)}", f"{result or 'replies'} = [{calls}]"])


def _script(turns: Iterable[Turn], known: Collection[str] | None, result: str | None) -> str:
    """Write the turns; what an agent said last stands for it in the texts that follow."""
    lines: list[str] = []
    said: dict[str, str] = {}
    for turn in turns:
        fields = None if known is None else {*known, *said}
        text = _message(turn.text, fields, said) if turn.text else ""
        if len(turn.names) > 1 and text:
            lines.append(f"task = {text}")
            text = "task"
        lines += [f"{name}_said = {name}({text})" for name in turn.names]
        said |= {name: f"{name}_said.content" for name in turn.names}
    if result:
        last = [f"{name}_said" for name in turn.names]
        lines.append(f"{result} = {last[0] if len(last) == 1 else '[' + ', '.join(last) + ']'}")
    return _module(["Msg"], lines)


def _pipeline(spec: PipelineSpec, known: Collection[str]) -> str:
    used: set[str] = set()
    if spec.passes > 1:
        condition = f", {wrapped(spec.until, '%agents')}" if spec.until else ""
        pipeline = f"ForLoopPipeline({_operators(spec.expr, used)}, {spec.passes}{condition})"
        used.add("ForLoopPipeline")
    else:
        pipeline = _node(spec.expr, used)
    message = _message(spec.body, _filled(spec.options, known)) if spec.body else ""
    call = f"{_kept(spec.options.output)}pipeline({message})"
    return _module(sorted({*used, *(["Msg"] if message else [])}), [f"pipeline = {pipeline}", call])


def _node(node: Node, used: set[str]) -> str:
    match node:
        case Agent(name):
            return name
        case Sequence(steps):
            used.add("SequentialPipeline")
            return f"SequentialPipeline([{', '.join(_node(step, used) for step in steps)}])"
        case FanOut(branches):
            used.add("FanOutPipeline")
            return f"FanOutPipeline([{', '.join(_node(branch, used) for branch in branches)}])"
        case Repeat(step, times):
            used.add("ForLoopPipeline")
            return f"ForLoopPipeline({_operators(step, used)}, {times})"
        case Branch(condition, then, other):
            used.add("IfElsePipeline")
            ways = [then] if other is None else [then, other]
            parts = [_function(condition), *(_operators(way, used) for way in ways)]
            return f"IfElsePipeline({', '.join(parts)})"
        case Choice(subject, cases, other):
            used.add("SwitchPipeline")
            written = [f"{_value(value)}: {_operators(way, used)}" for value, way in cases]
            last = [] if other is None else [_operators(other, used)]
            parts = [_function(subject), f"{{{', '.join(written)}}}", *last]
            return f"SwitchPipeline({', '.join(parts)})"


def _function(condition: str) -> str:
    return wrapped(condition, "%agents", "the condition")


def _value(value: Value) -> str:
    return literal(value) if isinstance(value, str) else repr(value)


def _operators(node: Node, used: set[str]) -> str:
    """Write what a loop repeats: the steps of a sequence need no pipeline of their own."""
    if isinstance(node, Sequence):
        return f"[{', '.join(_node(step, used) for step in node.steps)}]"
    return _node(node, used)


def _hub(spec: HubSpec, known: Collection[str]) -> str:
    opening = _with_hub(spec.names, spec.announce, _filled(spec.options, known))
    if spec.body:
        body = indented(spec.body)
    else:
        body = _speaking_in_turn(spec.names, spec.rounds) if spec.rounds else [f"{_INDENT}pass"]
    return _module(["Msg", "msghub"] if spec.announce else ["msghub"], [opening, *body])


def _with_hub(names: Iterable[str], announce: str | None, known: Collection[str] | None) -> str:
    announcement = f", announcement={_message(announce, known)}" if announce else ""
    return f"with msghub([{', '.join(names)}]{announcement}) as hub:"


def _speaking_in_turn(names: Iterable[str], rounds: int) -> list[str]:
    speakers = [f"{name}()" for name in names]
    return [f"{_INDENT}for _ in range({rounds}):", *(f"{_INDENT * 2}{speaker}" for speaker in speakers)]


def _module(names: Iterable[str], lines: Iterable[str]) -> str:
    needed = ", ".join(names)
    start = f"from nbagents import {needed}\n\n" if needed else ""
    return start + "".join(f"{line}\n" for line in lines)


def _kept(variable: str | None) -> str:
    return f"{variable} = " if variable else ""


def _filled(options: CommonOptions, known: Collection[str]) -> Collection[str] | None:
    return None if options.raw else known


def _message(text: str, known: Collection[str] | None, instead: dict[str, str] | None = None) -> str:
    return f'Msg("user", {f_string(text, known, instead)})'
