"""An app that serves, as a card in the notebook: joins what `app` knows and what `widgets` and `render` show.

Nothing here loads `app`, which takes as long as all the rest: where an app serves it is there already.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..render import (
    ErrorView,
    FoldView,
    RowView,
    ServingView,
    latency_words,
    serving_html,
    serving_text,
    wall_time,
)
from ._desk import Desk
from ._panels import shows_widgets

if TYPE_CHECKING:
    from ..app import Asked, Serving
    from ..widgets._serving_widget import ServingSource

__all__ = ["ServingCards", "served_here", "source_of"]

HELD = 1.0
"""Seconds after which it is said that something holds an app's loop up."""
MOST_USERS = 64
"""Users whose colors are remembered."""
AGAIN = "this app is shown again further down"
HERE = "it serves as long as this kernel runs"


def served_here() -> tuple[Serving, ...]:
    """Return what serves in this process; asks nobody, and loads nothing."""
    module = sys.modules.get("nbagents.app._serving")
    return () if module is None else module.served()


def source_of(serving: Serving) -> ServingSource:
    """Return an app as a card sees it."""
    return _Source(serving)


class ServingCards:
    """The cards of one notebook's apps: one for each that is live, where it was shown last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._cards: dict[Serving, Any] = {}
        self._shown: weakref.WeakSet[Any] = weakref.WeakSet()

    def show(self, serving: Serving) -> None:
        """Show an app in the running cell."""
        self._shown.add(serving)
        for ended in [known for known in self._cards if known.state == "ended"]:
            del self._cards[ended]
        source, surface = source_of(serving), self._desk.surface()
        earlier = self._cards.pop(serving, None)
        if earlier is not None:
            earlier.retire(AGAIN)
        if not source.is_over and self._desk.mode == "live" and shows_widgets(self._desk):
            from ..widgets import ServingWidget

            card = self._cards[serving] = ServingWidget(source)
            card.put(surface)
            return
        view = source.view()
        surface.show(serving_html(view), serving_text(view))
        if not source.is_over and surface.mode != "terminal":
            _UntilItEnds(source, lambda view: surface.show(serving_html(view), serving_text(view)))

    def show_new(self) -> None:
        """Show each app that has begun to serve, and that its cell has not shown by itself."""
        for serving in served_here():
            if serving not in self._shown:
                self.show(serving)


class _UntilItEnds:
    """Redraws a card that nobody watches once, when its app is over."""

    def __init__(self, source: ServingSource, draw: Callable[[ServingView], None]) -> None:
        self._source, self._draw = source, draw
        self._once = threading.Lock()
        self._unwatch = source.watch(self._look)

    def _look(self) -> None:
        if self._source.is_over and self._once.acquire(blocking=False):
            self._draw(self._source.view())
            self._unwatch()


class _Source:
    """One app as its card sees it: `ServingSource`."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._users: dict[str, int] = {}
        """Each user's color: of those who are shown, and some of those who were."""
        self._colors = itertools.count()

    @property
    def is_over(self) -> bool:
        return self._serving.state == "ended"

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        return self._serving.watch(changed)

    def stop(self) -> None:
        self._serving.stop()

    def stop_request(self, key: str) -> bool:
        return self._serving.stop_request(key)

    def view(self) -> ServingView:
        serving, activity = self._serving, self._serving.activity()
        app, over = serving.app, self.is_over
        counts = [f"{activity.running} under way"] if not over else []
        counts += [f"{activity.answered} answered"]
        counts += [
            f"{number} {word}"
            for number, word in ((activity.stopped, "stopped"), (activity.failed, "failed"))
            if number
        ]
        facts = [("address", f"`{serving.url}`"), ("health", f"{self._health()} · {', '.join(counts)}")]
        if latency := latency_words(activity.first, activity.whole):
            facts.append(("latency", latency))
        facts.append(("code", _code(app.code_since, app.replaced, serving.state)))
        total = activity.running + activity.answered + activity.stopped + activity.failed
        ending = "it takes no more requests; what is being answered gets some seconds to end"
        return ServingView(
            app.app_name or "an app",
            "stopped" if over else "running",
            tuple(facts),
            line=serving.curl if serving.state == "serving" else "",
            rows=tuple(self._row(asked) for asked in activity.requests),
            hidden=max(0, total - len(activity.requests)),
            notes=("it serves everybody who reaches it, without a token",) if app.insecure else (),
            outcome={"serving": HERE, "ending": ending}.get(serving.state, "it has ended"),
            is_ending=serving.state == "ending",
            began=None if over else serving.began,
            elapsed=(serving.over_at or time.monotonic()) - serving.began,
        )

    def _health(self) -> str:
        state = self._serving.state
        if state != "serving":
            return {"ending": "is ending"}.get(state, "has ended")
        held = self._serving.held()
        if held < HELD:
            return "answers"
        return f"held up for {held:.0f} s: something blocks in an `async def` of its own"

    def _row(self, asked: Asked) -> RowView:
        over = asked.state != "running"
        user = "" if asked.user == asked.session else asked.user
        if (color := self._users.get(asked.user)) is None:
            color = next(self._colors)
            while len(self._users) >= MOST_USERS:  # many more than are shown, so that none of these goes
                del self._users[next(iter(self._users))]
        else:
            del self._users[asked.user]
        self._users[asked.user] = color
        return RowView(
            " · ".join(filter(None, (user[:30], _short(asked.session)))),
            asked.text,
            color,
            asked.state,
            asked.elapsed,
            live=not over,
            key=asked.id,
            asked=asked.question,
            error=ErrorView("it failed", asked.failure) if asked.state == "failed" else None,
            folds=tuple(
                FoldView(
                    "call",
                    call.name,
                    call.arguments,
                    call.arguments,
                    call.answer or "",
                    state="running" if call.answer is None and not over else "done",
                )
                for call in asked.calls
            ),
            began=None if over else asked.began,
        )


def _short(session: str) -> str:
    """Return a session's name; one that was made up here is long, and its begin tells it from others."""
    return session if len(session) <= 24 else f"{session[:8]}…"


def _code(since: float, replaced: int, state: str) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(wall_time(since)))
    if replaced:
        return f"replaced at {clock}" + (f", {replaced} times so far" if replaced > 1 else "")
    again = "; run the cell of its functions again, and it uses the new ones" if state == "serving" else ""
    return f"of {clock}{again}"
