"""`Steers`: the part of a client that sees runs and stops them, whichever session began them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import _loop
from .._ids import new_id
from ..exceptions import CallCancelledError, ProtocolError, UsageError
from ._json import read_json

if TYPE_CHECKING:
    from ._attachment import Attachment
    from ._own_runs import RunListener

__all__ = ["Steers", "read"]


class Steers:
    """The requests about runs. All block, but may be made on any thread other than the background loop's."""

    @property
    def attachment(self) -> Attachment:
        """The connection to the server."""
        raise NotImplementedError

    def _ask(self, method: str, timeout: float | None = 60.0, **fields: Any) -> Any:
        raise NotImplementedError

    def _steer(self, method: str, **asked: Any) -> Any:
        given = {name: value for name, value in asked.items() if value is not None}
        return read_json(self._ask(method, value=json.dumps(given)).message, f"the answer of {method}")

    # ---- runs that this session begins

    def begin_run(
        self,
        run_id: str,
        *,
        title: str,
        prompt: str = "",
        workspace: str = "",
        number: int | None = None,
        held: bool = False,
        limits: Mapping[str, Any] | None = None,
    ) -> int:
        """Tell the server of a run that begins here; return its number, counted in its workspace.

        ``number`` is the one that it should have, where that is free. A run that is ``held`` takes its next
        steps here: should this process end, it ends too; another goes on to the end of its calls.
        """
        attachment = self.attachment
        _loop.background().post(attachment.runs.begun.add, run_id)
        about = {"title": title, "prompt": prompt, "workspace": workspace, "number": number, "held": held}
        said = dict(limits) if limits else None
        return int(self._steer("begin_run", run=run_id, limits=said, **about))

    def note_run(self, run_id: str, label: str) -> None:
        """Tell how far a run has come, for example "pass 2 of 3".

        Raises:
            RunNotFoundError: the server knows no such run.
        """
        self._steer("note_run", run=run_id, label=label)

    def end_run(self, run_id: str, state: str, outcome: str = "") -> None:
        """Tell that a run is over: ``state`` is "done", "failed" or "stopped". Raises as `note_run` does."""
        _loop.background().post(self.attachment.runs.begun.discard, run_id)
        self._steer("end_run", run=run_id, state=state, outcome=outcome)

    # ---- all runs

    def runs(self, workspace: str | None = None) -> list[dict[str, Any]]:
        """Return what the server tells of the runs of a workspace, or of all, the newest last.

        Each is a dictionary of ``run`` (its id), ``number``, ``title``, ``prompt``, ``workspace``, ``state``
        ("running", "done", "failed" or "stopped"), ``outcome``, ``started`` (seconds of the epoch),
        ``elapsed``, ``messages`` (how many), ``open`` (how many calls), ``note`` (how far it has come),
        ``here``: is the session that began it still there? and ``alone``: was it gone when the run ended?
        """
        listed = read(self._ask("runs", value=json.dumps({"workspace": workspace})).message, list)
        if not all(isinstance(about, dict) for about in listed):
            raise ProtocolError("the agent server told something else than a list of runs")
        return list(listed)

    def run_events(self, run_id: str) -> list[dict[str, Any]]:
        """Return what has happened in a run, as plain data, enough for `nbagents.runs.Run.replay`.

        Each is a dictionary of ``seq``, which grows, ``kind``, ``call``, ``agent``, ``parent``, ``data`` and
        ``at``, in seconds since the run began. The kinds are those of `nbagents.events` and "note" (how far
        the run has come), "you" (what a person said), "ended", "missed" (how much is no longer kept). What
        streamed of a call that is over is not there: its message is.

        Raises:
            RunNotFoundError: the server knows no such run.
        """
        answer = self._ask("run_events", value=json.dumps({"run": run_id}))
        listed = read(answer.message, list)
        if not all(isinstance(each, dict) and isinstance(each.get("data"), dict) for each in listed):
            raise ProtocolError("the agent server told something else than the events of a run")
        return list(listed)

    def watch_run(self, run_id: str, listener: RunListener) -> Callable[[], None]:
        """Call ``listener`` with whatever happens in a run from now on; return the function that ends this.

        It gets dictionaries as `run_events` returns them, of what streams fast several pieces as one, on the
        background loop, and must be quick. Watch first and read the events then: ``seq`` tells which are
        both. When the server goes away, it gets one of the kind "lost".

        Raises:
            RunNotFoundError: the server knows no such run.
        """
        attachment = self.attachment
        _loop.background().post(attachment.runs.watch, run_id, listener)

        def stop() -> None:
            _loop.background().post(over)

        def over() -> None:
            if attachment.runs.unwatch(run_id, listener):
                attachment.ask("watch_run", value=json.dumps({"run": run_id, "over": True}))

        try:
            self._steer("watch_run", run=run_id)
        except BaseException:
            _loop.background().post(attachment.runs.unwatch, run_id, listener)
            raise
        return stop

    # ---- stopping

    def stop_run(self, run_id: str, why: str = "stopped by you") -> int:
        """End the open calls of a run, wherever they are; return how many there were.

        The session that began it ends its own part of it at once, also while its cell blocks. What was said
        is kept. Calls made in the run afterwards are refused.
        """
        return int(self._steer("stop_run", run=run_id, why=why))

    def stop_call(self, call_id: str, why: str = "stopped by you") -> bool:
        """End one call; return whether it was open."""
        return bool(self._steer("stop_call", call=call_id, why=why))

    # ---- questions

    def questions(self, workspace: str | None = None) -> list[dict[str, Any]]:
        """Return the questions that wait for an answer, in a workspace or in all, the oldest first.

        Each is what `nbagents.asking.Question.to_dict` tells of it, and ``shown``: has a page said that it
        shows it?
        """
        listed = read(self._ask("questions", value=json.dumps({"workspace": workspace})).message, list)
        if not all(isinstance(each, dict) for each in listed):
            raise ProtocolError("the agent server told something else than a list of questions")
        return list(listed)

    def answer(
        self,
        question_id: str,
        text: str | None,
        fields: Mapping[str, Any] | None = None,
        *,
        absent: bool = False,
    ) -> bool:
        """Answer a question, whoever asked it; return False if it is not open any more.

        ``absent`` or no text says that nobody will: its default stands for an answer, or it fails.

        Raises:
            AnswerRefusedError: the fields do not fit; the question stays open.
        """
        given = {
            "id": question_id,
            "text": text,
            "absent": absent,
            "fields": dict(fields) if fields else None,
        }
        return bool(self._steer("answer", **given))

    def show_question(self, question_id: str) -> bool:
        """Say that a page shows a question, so that whoever asks need not look for another way.

        Returns False if it is not open any more.
        """
        return bool(self._steer("show_question", id=question_id))

    def is_shown(self, question_id: str) -> bool:
        """Has a page said that it shows this question, and is it open?"""
        return any(told.get("id") == question_id and told.get("shown") for told in self.questions())

    def ask(
        self, question: Mapping[str, Any], *, run: str = "", timeout: float | None = None
    ) -> dict[str, Any]:
        """Ask a person of this user, through the server, and wait for the answer.

        ``question`` is a dictionary as `nbagents.asking.Question.to_dict` makes it. Returns ``text``,
        ``fields``, ``url`` and ``how``: "answered", or "default" where nobody did.

        Raises:
            TimeoutError: nobody answered in time, and there is no default.
            UsageError: somebody said that nobody will answer, and there is no default.
            CallCancelledError: it was ended otherwise.
        """
        about = {"run": run, **question}
        about["id"] = about.get("id") or new_id()
        if timeout is not None:
            about["timeout"] = about["left"] = timeout
        body = json.dumps({"question": about})
        told = read(self._ask("ask", timeout=None, value=body).message, dict)
        how, why = told.get("how"), str(told.get("why") or "nobody answered")
        if how in ("answered", "default"):
            return dict(told)
        raise {"timeout": TimeoutError, "absent": UsageError}.get(str(how), CallCancelledError)(why)

    # ---- memories, and the log

    def edit_memory(self, agent_id: str, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Change what an agent remembers, in a turn of its own; return its entries, the oldest first.

        Both are as `nbagents.agents.revise` has them: ``operation`` is ``{"op": "edit", "id": ...,
        "content": ...}``, or an ``op`` of "mute", "unmute", "delete" and "rewind" (forget what came after)
        with an ``id``, or "undo" or "clear".

        Raises:
            AgentNotFoundError: no such agent.
            UsageError: it remembers no such message, or has no memory that can be changed.
        """
        body = json.dumps({"agent": agent_id, "operation": dict(operation)})
        return list(read(self._ask("edit_memory", value=body).message, list))

    def fork_agent(self, agent_id: str, name: str, after: str | None = None) -> dict[str, Any]:
        """Make an agent ``name`` beside another one that has become what that one is; return what it is.

        It remembers what came up to the message of the id ``after``, "" for nothing, None for all. The
        dictionary is one of those of `RpcAgentClient.get_agent_list`.

        Raises:
            AgentNotFoundError: no such agent.
            UsageError: the name is taken, or no such message is remembered.
        """
        asked = {"agent": agent_id, "name": name} | ({} if after is None else {"after": after})
        return dict(read(self._ask("fork_agent", value=json.dumps(asked)).message, dict))

    def sent_to_model(self, agent_id: str) -> list[dict[str, Any]]:
        """Return exactly what an agent's model would be sent now, after what the agent was asked before.

        Raises:
            AgentNotFoundError, AgentCallError: no such agent, or it has no model.
        """
        return list(read(self._ask("sent_to_model", value=json.dumps({"agent": agent_id})).message, list))

    def log(self, lines: int = 200) -> str:
        """Return the last lines of the server's log, in which keys are masked."""
        return str(self._steer("log", lines=lines))


def read(text: str, kind: type) -> Any:
    """Return what an answer holds; raises ProtocolError if that is of another kind."""
    found = read_json(text, "what the agent server answered")
    if not isinstance(found, kind):
        raise ProtocolError(f"the agent server answered with a {type(found).__name__}, not a {kind.__name__}")
    return found
