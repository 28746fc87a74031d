"""``%agents``: what can be asked of the agents and their servers in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..agents import STOPPED, scheduler
from ..exceptions import UsageError
from ..message import Msg
from ..models import DEMO_MODELS
from ..render import MemoryView, TableView, memory_html, memory_text, table_html, table_text
from ..rpc import damaged_journals
from ..runs import recent_runs
from ..setup import AgentInfo, rewind
from ._apps import app_table
from ._audit import show_audit
from ._conduct import arrived, limits, new_run, shortened, stopped
from ._desk import Desk
from ._index_verb import index_files
from ._jupytext import tell_jupytext
from ._pace import arrival, blocking
from ._panels import chat_panel, show_panel
from ._python import to_python
from ._run_verbs import (
    cost_of_run,
    export_run,
    list_runs,
    numbered,
    show_graph,
    show_run,
    show_timeline,
    stop_run,
    stop_runs,
    wait_for_run,
)
from ._specs import LineSpec
from ._talk import Talk, prompt_message
from ._topics_verb import show_topics
from ._verbs import parse_agents_line

__all__ = ["run_line"]

MAGIC = "%agents"


def run_line(desk: Desk, line: str) -> Any:
    """Do what the words after ``%agents`` say; return the answer of ``ask``, else None.

    Raises:
        UsageError: the line cannot be read, or names what is not there.
    """
    notes: list[str] = []
    spec = parse_agents_line(line, fill=desk.filler([], notes))
    actions: dict[str, Callable[[Desk, LineSpec], Any]] = {
        "status": _status,
        "list": _list,
        "show": _show,
        "ask": _ask,
        "chat": _chat,
        "stop": _stop,
        "server": _server,
        "doctor": _doctor,
        "code": _code,
        "why": _why,
        "config": _config,
        "runs": list_runs,
        "wait": wait_for_run,
        "timeline": show_timeline,
        "cost": cost_of_run,
        "audit": show_audit,
        "export": lambda desk, spec: export_run(desk, spec, _say),
        "graph": show_graph,
        "fork": _fork,
        "rewind": _rewind,
        "clear": _clear,
        "index": index_files,
        "topics": show_topics,
        "use": _use,
    }
    return actions[spec.verb](desk, spec)


def _status(desk: Desk, spec: LineSpec) -> None:
    known = {info.name: info for info in desk.session.agents()}
    people = [name for name in desk.session.names() if name not in known]
    rows = [_row(info) for info in known.values()]
    rows += [(name, "a person", "", "") for name in people]
    rows += [(name, "in this kernel", "", "") for name in desk.own_agents()]
    status = desk.session.status()
    here = f"agents of {desk.where()}" + ("" if desk.mode == "headless" else f" · server {status.server_id}")
    _table(desk, TableView(
        ("agent", "model", "memory", "doing"),
        tuple(rows) or (("none yet", "", "", "define one: `%%agent poet`"),),
        here,
        tuple(info.color for info in known.values()),
    ))  # fmt: skip
    apps = app_table()
    if apps is not None:
        _table(desk, apps)


def _row(info: AgentInfo) -> tuple[str, str, str, str]:
    model = f"{info.model} · not an AI" if info.model in DEMO_MODELS else info.model
    model = "a person" if info.color is None else model
    return (info.name, model, str(info.messages), "busy" if info.busy else "idle")


def _list(desk: Desk, spec: LineSpec) -> None:
    infos = desk.session.agents(everywhere=True)
    rows = tuple((*_row(info), desk.where(info.workspace)) for info in infos)
    _table(desk, TableView(
        ("agent", "model", "memory", "doing", "notebook"),
        rows or (("none", "", "", "", ""),),
        "agents of every notebook",
        tuple(info.color for info in infos),
    ))  # fmt: skip


def _show(desk: Desk, spec: LineSpec) -> None:
    infos = {info.name: info for info in desk.session.agents()}
    for name in spec.targets:
        if name.isdigit():
            show_run(desk, int(name))
            continue
        if desk.mode == "live" and show_panel(desk, desk.agent(name)):
            continue
        info = infos.get(name)
        entries = [*_system(info), *desk.session.memory(name)]
        model = info.model if info is not None else None
        view = MemoryView(name, desk.color(name), model, tuple(entries), model in DEMO_MODELS)
        desk.surface().show(memory_html(view), memory_text(view))


def _chat(desk: Desk, spec: LineSpec) -> None:
    agents = blocking(desk.find(spec.targets, MAGIC))
    if desk.mode == "live" and chat_panel(desk, agents):
        return
    _say(f"a chat needs somebody at a notebook; elsewhere: %%agents {' '.join(agents)}")


def _system(info: AgentInfo | None) -> list[Msg]:
    return [Msg("system", info.sys_prompt, "system")] if info is not None and info.sys_prompt else []


def _ask(desk: Desk, spec: LineSpec) -> Any:
    (name,) = spec.targets

    async def ask() -> Any:
        agent = (await desk.find([name], MAGIC))[name]
        await desk.ready(*([] if spec.options.raw else [spec.text]))
        filled = desk.fill(spec.text, raw=spec.options.raw)
        for note in filled.notes:
            sys.stderr.write(f"{note}\n")
        run = new_run(desk, Talk(name, lambda run: None, spec.options, spec.text, filled.chips, filled.notes))
        with run, limits(desk, run, spec.options):
            reply = agent(prompt_message(filled.text, spec.options))
            try:
                await arrival(reply)
            except KeyboardInterrupt:
                run.stop(STOPPED)
                raise stopped(run) from None
            error = reply._promise.error
            run.claim()
            if error is not None:
                raise shortened(error)
            run.result = arrived(reply)
        return run.result

    return blocking(ask())


def _stop(desk: Desk, spec: LineSpec) -> None:
    if spec.everyone:
        own = [run for run in recent_runs() if not run.over]
        count = sum(run.stop() for run in own)
        left = [call for call in list(scheduler().live.values()) if call.parent is None]
        for call in left:
            call.cancel(STOPPED)
        for told in stop_runs(desk, everyone=True):
            if not told.endswith(("has ended", ": 0 calls stopped")):
                _say(told)
        _say(_counted(count + len(left), "call") + " stopped")
        return
    if not spec.targets:
        _say("\n".join(stop_runs(desk)) or "nothing runs here")
        return
    for target in spec.targets:
        _say(_stop_one(desk, target))


def _stop_one(desk: Desk, target: str) -> str:
    if target.isdigit():
        return stop_run(desk, int(target))
    agent = desk.agent(target)
    calls = [call for call in list(scheduler().live.values()) if call.agent is agent]
    for call in calls:
        call.cancel(STOPPED)
    return f"{target}: {_counted(len(calls), 'call')} stopped"


def _server(desk: Desk, spec: LineSpec) -> None:
    session = desk.session
    if spec.action == "start":
        session.server.reset()
        session.server.ensure()
        aside = [] if session.server.status().found else damaged_journals()
        more = f"; what the one before had kept was damaged and lies in {aside[0]}" if aside else ""
        _say(f"the agent server runs: {session.status().server_id}{more}")
    elif spec.action == "stop":
        mine = session.status().server_id
        if spec.text and spec.text != mine:
            raise UsageError(
                f"{MAGIC}: server {spec.text!r} is not the one of this notebook ({mine or 'none runs'})"
            )
        living = session.agents(everywhere=True) if session.status().state == "ready" else []
        others = [info for info in living if info.workspace != session.workspace]
        if others and not spec.everyone:
            names = ", ".join(f"{info.name} ({desk.where(info.workspace)})" for info in others[:5])
            raise UsageError(
                f"{MAGIC}: {_counted(len(others), 'agent')} of other notebooks would end too: {names}. "
                f"If that is meant: {MAGIC} server stop --all"
            )
        session.server_stop()
        whose = "" if others else " of this notebook"
        _say(f"the agent server has stopped, and {_counted(len(living), 'agent')}{whose} with it")
    else:
        rows = tuple(
            (
                str(each["server_id"]),
                str(each["owner"]),
                str(each["pid"]),
                str(each["version"]),
                "this notebook's" if each["mine"] else f"on {each['host']}" if each["foreign"] else "",
            )
            for each in session.server_list()
        )
        view = TableView(("server", "owner", "process", "version", ""), rows or (("none", "", "", "", ""),))
        _table(desk, view)


def _doctor(desk: Desk, spec: LineSpec) -> None:
    rows = tuple((f.mark, f.text, f"`{f.line}`" if f.line else "") for f in desk.session.doctor())
    _table(desk, TableView(("", "what", "to type"), rows))


def _code(desk: Desk, spec: LineSpec) -> None:
    number = int(spec.targets[0]) if spec.targets else None
    known = [spec for run, spec in desk.specs if number is None or (run is not None and run.number == number)]
    if not known:
        which = "no cell of agents has run yet" if number is None else f"run {number} is not known here"
        raise UsageError(f"{MAGIC}: {which}")
    _say(to_python(known[-1], desk.variables).rstrip("\n"))


def _clear(desk: Desk, spec: LineSpec) -> None:
    for name in spec.targets:
        count = desk.session.clear(name)
        desk.said.pop(name, None)
        _say(f"{name} has forgotten {_counted(count, 'message')}; its prompt stays")


def _fork(desk: Desk, spec: LineSpec) -> None:
    name, known_as = spec.targets
    desk.check_free(known_as)
    if name in desk.own_agents():
        raise UsageError(f"{MAGIC}: {name} lives in this kernel; only agents of %%agent can be forked")
    agent = desk.session.fork(name, known_as, int(spec.text) if spec.text else None)
    desk.said.pop(known_as, None)
    desk.bind(known_as, agent)
    _say(f"{known_as} is like {name} and remembers {_counted(len(desk.session.memory(known_as)), 'message')}")


def _rewind(desk: Desk, spec: LineSpec) -> None:
    (name,) = spec.targets
    count = rewind(desk.agent(name), int(spec.text))
    desk.said.pop(name, None)
    _say(f"{name} has forgotten {_counted(count, 'message')} after number {spec.text}")


def _use(desk: Desk, spec: LineSpec) -> None:
    name, known_as = spec.targets
    desk.check_free(known_as)
    agent = desk.session.use(name, spec.text, known_as)
    desk.bind(known_as, agent)
    _say(f"{known_as} is {name} of {desk.where(spec.text)}; it remembers what it hears in both notebooks")


def _config(desk: Desk, spec: LineSpec) -> None:
    if spec.text == "jupytext":
        _say(tell_jupytext(desk.session.folder))
        return
    values = dict(part.partition("=")[::2] for part in spec.text.split())
    if not all(values.values()):
        raise UsageError(f"{MAGIC}: it goes like this: {MAGIC} config model=NAME budget=0.50 max_calls=50")
    desk.session.configure(**values)
    choice, said = desk.session.choose(), desk.session.defaults()
    parts = [f"model: {choice.label} (by {choice.source})"]
    parts += [f"budget: ${said['budget']:g} a run"] if said["budget"] is not None else []
    parts += [f"max_calls: {said['max_calls']} a run"] if said["max_calls"] is not None else []
    parts += [f"approve: {said['approve']}"] if said["approve"] is not None else []
    _say(" · ".join(parts))


def _why(desk: Desk, spec: LineSpec) -> None:
    target = spec.targets[0] if spec.targets else ""
    runs = [numbered(desk, int(target))] if target else [run for run in recent_runs() if run.traceback()]
    text = runs[-1].traceback() if runs else ""
    _say(f"run {runs[-1].number}\n\n{text}" if text else "nothing has failed here")


def _table(desk: Desk, view: TableView) -> None:
    desk.surface().show(table_html(view), table_text(view))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
