"""Conduct a talk: within its limits, in front of its card, and to an end that is always one of three.

It is done, it has failed with an error that says who and why, or a person has stopped it. Whatever
happens, the card is frozen and what was said is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

from .. import asking, context
from ..agents import STOPPED
from ..config import HEADLESS_TIMEOUT, redact
from ..exceptions import CallCancelledError
from ..message import PlaceholderMessage
from ..recording import Recorder, Replayer
from ..render import RowView, RunView, run_html, run_text
from ..runs import Run, put_on_tape
from ..tools import Policy
from ..widgets import RunCard
from ._desk import Desk
from ._interrupt import interrupted
from ._pace import apart, arrival, ended, promised
from ._person import answerer
from ._specs import CommonOptions
from ._talk import Talk

__all__ = [
    "conduct",
    "finish_run",
    "halt",
    "limits",
    "new_card",
    "new_run",
    "preview",
    "shortened",
    "stopped",
]


async def conduct(desk: Desk, talk: Talk) -> Any:
    """Have the talk and return what was said: a message or a list; with ``-b``, their placeholders.

    Raises:
        KeyboardInterrupt: a person stopped it.
        Exception: a call failed, or the talk did not reach its end.
    """
    options = talk.options
    background = options.background and desk.mode != "headless"
    run = new_run(desk, talk)
    value: Any = None
    with new_card(desk, run, options, background=background):
        try:
            with run, limits(desk, run, options):
                value = talk.begin(run)
                if background:
                    await apart(desk.session.teller.reached)  # from now on it goes on without this kernel
                else:
                    value = await _to_its_end(run, talk, value)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise stopped(run) from None
        except Exception as error:  # noqa: BLE001  # raised on, in fewer lines
            raise shortened(error) from None
        finally:
            # A cell in the background keeps its placeholders, so that it reads the same with nobody there.
            run.result = value if options.background else arrived(value)
            if value is not None:
                desk.give(run.result, options.output)
    return run.result


async def _to_its_end(run: Run, talk: Talk, value: Any) -> Any:
    try:
        for message in promised(value):
            await arrival(message)
        await finish_run(run)
    except (KeyboardInterrupt, asyncio.CancelledError):
        halt(run)
        raise
    run.claim()
    failed = next(_failures(value), None)
    if failed is not None:
        if isinstance(failed, CallCancelledError):
            if run.halted:  # from another page, or another notebook
                halt(run)
                raise stopped(run)
            alone = _stopped_alone(value)
            run.end("stopped", outcome=alone)
            if alone:
                return value
        run.end("failed", error=failed)
        raise failed
    talk.finish(run, arrived(value))
    run.end()
    return value


def new_run(desk: Desk, talk: Talk) -> Run:
    """Return the run of a talk, not begun."""
    run = Run(
        talk.title,
        prompt=talk.prompt,
        chips=talk.chips,
        notes=(*talk.notes, *desk.notices()),
        color_of=desk.color,
        audience=talk.audience,
        teller=desk.session.teller,
        held=talk.held,
    )
    run.limits, run.approve = desk.limits(talk.options), Policy.of(talk.options.approve)
    if talk.options.record is not None:
        put_on_tape(run, Recorder(talk.options.record, overwrite=talk.options.overwrite))
    elif talk.options.replay is not None:
        put_on_tape(run, Replayer(talk.options.replay))
    if talk.spec is not None:
        desk.specs.append((run, talk.spec))
    return run


def new_card(desk: Desk, run: Run, options: CommonOptions, *, background: bool = False) -> RunCard:
    """Return the card of a run, not shown yet."""
    return RunCard(
        run,
        desk.shell,
        quiet=options.quiet or options.view == "none",
        background=background,
        view=options.view,
        server=desk.session.status().server_id,
    )


async def finish_run(run: Run) -> None:
    """Wait until no call of a run is open."""
    while pending := run.pending():
        for call in pending:
            await ended(call)


def halt(run: Run) -> None:
    """Stop a run because a person said so."""
    run.stop(STOPPED)
    run.end("stopped", outcome=f"{STOPPED} after {run.elapsed:.1f} s; what was said is kept")


def arrived(value: Any) -> Any:
    """Return a value with messages in place of their placeholders; one that failed stays a placeholder."""
    if isinstance(value, PlaceholderMessage):
        promise = value._promise
        return promise.value if promise.done and promise.error is None else value
    if isinstance(value, (list, tuple)):
        return [arrived(item) for item in value]
    return value


def _stopped_alone(value: Any) -> str:
    """Say who was stopped by a person while the others had their say; empty if something else failed."""
    messages = list(promised(value))
    failed = [message for message in messages if message._promise.error is not None]
    by_person = all(
        isinstance(error := message._promise.error, CallCancelledError) and str(error).endswith(STOPPED)
        for message in failed
    )
    if not failed or not by_person or len(failed) == len(messages):
        return ""
    names = ", ".join(dict.fromkeys(message._promise.label() for message in failed))
    return f"{names} {'was' if len(failed) == 1 else 'were'} {STOPPED}; the others went on"


def _failures(value: Any) -> Iterator[BaseException]:
    for message in promised(value):
        error = message._promise.error
        if error is not None:
            yield error


# ---- limits


@contextlib.contextmanager
def limits(desk: Desk, run: Run, options: CommonOptions) -> Iterator[None]:
    """Set by when the calls made inside must end, and who answers when an agent asks a person."""
    seconds = options.timeout or (HEADLESS_TIMEOUT if desk.mode == "headless" else None)
    before = context.deadline.get()
    by = before if seconds is None else min(time.monotonic() + seconds, before or float("inf"))
    token = context.deadline.set(by)
    try:
        with asking.answering(answerer(desk, options.default), approves=True):
            yield
    finally:
        with contextlib.suppress(ValueError):  # a hub is closed in another context than it was opened in
            context.deadline.reset(token)


# ---- ends


def stopped(run: Run) -> KeyboardInterrupt:
    """Return the interrupt that a stopped run ends its cell with, worded in one line."""
    return interrupted(f"run {run.number} was {STOPPED}; what was said is kept")


def shortened(error: BaseException) -> BaseException:
    """Return an error that shows itself in two lines: the card above says more, ``%agents why`` all."""
    first = redact(str(error)).strip().split("\n")[0]
    hint = redact(getattr(error, "hint", None) or "").split("\n")[0]
    more = f"Try: {hint}   " if hint else ""
    _word(error, [f"{type(error).__name__}: {first}", f"{more}The whole traceback: %agents why"])
    return error


def _word(error: Any, lines: list[str]) -> None:
    with contextlib.suppress(AttributeError):  # a class with __slots__ shows itself as it likes
        error._render_traceback_ = lambda: lines


# ---- instead of talking


def preview(desk: Desk, talk: Talk) -> None:
    """Show what would be sent, and send nothing."""
    rows = [
        RowView(
            name,
            text,
            desk.color(name),
            "waiting",
            note="would be sent this, after what it remembers",
        )
        for name, text in talk.preview
    ]
    view = RunView(
        f"dry run · {talk.title}",
        rows=tuple(rows),
        prompt=talk.prompt,
        chips=talk.chips,
        notes=talk.notes,
        outcome="nothing was sent",
    )
    desk.surface().show(run_html(view), run_text(view))
