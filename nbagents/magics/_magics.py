"""The magics, as IPython knows them: thin doors to what the modules beside this one do.

Cells come in by two ways. In a notebook the input transformer has made ordinary code of them, which
awaits `NbAgentsMagics.cell`; where a magic is called as a function, as ``%%time`` does, it blocks and
returns its value.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from IPython.core.error import UsageError as ShellUsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from ..exceptions import AgentServerError, ModelChoiceError, NbAgentsError, UsageError
from ..hub import MsgHubManager
from ._commands import run_line
from ._conduct import conduct, preview, shortened
from ._define import define_agent
from ._desk import Desk
from ._grammar import is_blank_code, parse_agent_cell, parse_agents_cell, parse_hub_cell, parse_pipeline_cell
from ._help import help_text
from ._hub_cell import OpenHub
from ._interpolation import Interpolated
from ._interrupt import interrupted, interruptible
from ._nodes import agent_names, conditions_of
from ._options import LINE
from ._pace import blocking, in_ticks
from ._plan import Condition
from ._shape import shape_of
from ._specs import AgentsSpec, HubSpec, PipelineSpec
from ._talk import Talk, talk_of_agents, talk_of_hub, talk_of_pipeline

__all__ = ["NbAgentsMagics"]

ALONE = "needs the magic on the first line of the cell, alone"
Method = TypeVar("Method", bound=Callable[..., Any])


def _magic(kind: Any, magic: str) -> Callable[[Method], Method]:
    """Make a method a magic: IPython leaves its line as it is, and shows our help for it."""

    def mark(method: Method) -> Method:
        method.__doc__ = help_text(magic)
        marked: Method = no_var_expand(kind(magic.lstrip("%"))(method))
        return marked

    return mark


@magics_class
class NbAgentsMagics(Magics):
    """``%%agent``, ``%%agents``, ``%%pipeline``, ``%%msghub`` and ``%agents``."""

    def __init__(self, shell: Any, desk: Desk) -> None:
        super().__init__(shell)
        self.desk = desk
        self.hub: OpenHub | None = None

    # ---- what a rewritten cell calls

    async def cell(
        self,
        kind: str,
        line: str,
        body: str = "",
        until: Condition | None = None,
        conditions: Sequence[Condition] = (),
    ) -> None:
        """Run a cell; its value is in ``_``, and its card is its output."""
        work = self._work(kind, line, body, until, conditions)
        if self.desk.mode == "terminal":  # an interrupt there does not reach a coroutine that awaits
            blocking(work)
            return
        try:
            await in_ticks(work)
        except asyncio.CancelledError:  # how a kernel interrupts a cell that awaits
            raise interrupted() from None

    def open_hub(self, line: str, code: str) -> MsgHubManager:
        """Open the hub in which the rest of the cell runs."""
        with interruptible(), usage_errors("%%msghub"):
            taken = self.desk.variables.get("hub")
            if taken is not None and not isinstance(taken, MsgHubManager):
                kind = type(taken).__name__
                raise UsageError(
                    f"%%msghub: it binds the hub to `hub`, which is a variable of yours ({kind}); "
                    "rename it, or `del hub` first"
                )
            self.hub = blocking(self._hub(line, code))
            return self.hub.enter()

    async def close_hub(self) -> None:
        """Close it after the last line of the cell."""
        hub, self.hub = self.hub, None
        if hub is None:
            return
        if self.desk.mode == "terminal":
            blocking(hub.close())
        else:
            await in_ticks(hub.close())

    def abandon_hub(self, error: BaseException | None) -> None:
        """Close the hub if the cell has ended without doing so."""
        hub, self.hub = self.hub, None
        if hub is not None:
            hub.abandon(error)

    def refuse(self, message: str) -> NoReturn:
        """Say what is wrong with a cell that could not be rewritten."""
        raise ShellUsageError(message)

    # ---- what IPython knows

    @_magic(cell_magic, "%%agent")
    def agent_cell(self, line: str, cell: str) -> Any:
        """Define an agent."""
        return self._block("agent", line, cell)

    @_magic(cell_magic, "%%agents")
    def agents_cell(self, line: str, cell: str) -> Any:
        """Talk to agents."""
        return self._block("agents", line, cell)

    @_magic(cell_magic, "%%pipeline")
    def pipeline_cell(self, line: str, cell: str) -> Any:
        """Run a pipeline."""
        if "--until" in line:
            raise ShellUsageError(f"%%pipeline: --until {ALONE}")
        return self._block("pipeline", line, cell)

    @_magic(cell_magic, "%%msghub")
    def msghub_cell(self, line: str, cell: str) -> Any:
        """Let agents hear each other."""
        if is_blank_code(cell):
            return self._block("msghub", line, cell)
        self.desk.bind("hub", self.open_hub(line, cell))
        result = self.desk.shell.run_cell(cell, store_history=False, silent=True)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            self.abandon_hub(error)
            raise shortened(error)
        hub, self.hub = self.hub, None
        return None if hub is None else blocking(hub.close())

    @_magic(line_magic, "%agents")
    def agents_line(self, line: str) -> Any:
        """Look after agents."""
        with interruptible(), usage_errors(LINE):
            return run_line(self.desk, line)

    # ---- the work

    def _block(self, kind: str, line: str, body: str) -> Any:
        with interruptible():
            return blocking(self._work(kind, line, body))

    async def _work(
        self,
        kind: str,
        line: str,
        body: str,
        until: Condition | None = None,
        conditions: Sequence[Condition] = (),
    ) -> Any:
        with usage_errors(f"%%{kind}"):
            if kind == "agent":
                await self._define(line, body)
                return None
            talk = await self._talk(kind, line, body, until, conditions)
            if talk.options.dry_run:
                preview(self.desk, talk)
                return None
        return await conduct(self.desk, talk)

    async def _define(self, line: str, body: str) -> None:
        chips: list[tuple[str, str]] = []
        notes: list[str] = []
        await self.desk.ready(line)
        spec = parse_agent_cell(line, body, fill=self.desk.filler(chips, notes))
        self.desk.specs.append((None, spec))
        await define_agent(self.desk, spec, notes, chips)

    async def _talk(
        self, kind: str, line: str, body: str, until: Condition | None, conditions: Sequence[Condition]
    ) -> Talk:
        desk = self.desk
        chips: list[tuple[str, str]] = []
        notes: list[str] = []
        await desk.ready(line)
        fill = desk.filler(chips, notes)
        spec: AgentsSpec | PipelineSpec | HubSpec
        if kind == "agents":
            spec, names = (said := parse_agents_cell(line, body, fill=fill)), said.everyone
        elif kind == "pipeline":
            spec, names = (piped := parse_pipeline_cell(line, body, fill=fill)), agent_names(piped.expr)
            if len(conditions_of(piped.expr)) != len(conditions):
                raise UsageError(f"%%pipeline: a condition {ALONE}")
        else:
            spec, names = (hub := parse_hub_cell(line, body, fill=fill)), hub.names
        agents = await desk.find(names, f"%%{kind}")
        desk.check_priced(list(agents.values()), spec.options, f"%%{kind}")
        raw, schema = spec.options.raw, spec.options.schema
        shape = None if schema is None else shape_of(schema, desk.variables, f"%%{kind}")

        def filled(text: str) -> Interpolated:
            return desk.fill(text, raw=raw)

        if not raw:
            await desk.ready(*([spec.announce or ""] if isinstance(spec, HubSpec) else _texts(spec)))
        if isinstance(spec, AgentsSpec):
            talk = talk_of_agents(spec, agents, filled, shape)
        elif isinstance(spec, PipelineSpec):
            talk = talk_of_pipeline(spec, agents, filled, until, conditions, shape)
        else:
            talk = talk_of_hub(spec, agents, filled)
        talk.spec = spec
        talk.chips, talk.notes = (*chips, *talk.chips), (*notes, *talk.notes)
        return talk

    async def _hub(self, line: str, code: str) -> OpenHub:
        desk = self.desk
        await desk.ready(line)
        chips: list[tuple[str, str]] = []
        notes: list[str] = []
        spec = parse_hub_cell(line, code, fill=desk.filler(chips, notes))
        found = await desk.find(spec.names, "%%msghub")
        desk.check_priced(list(found.values()), spec.options, "%%msghub")
        desk.bind_agents(spec.names, "%%msghub")
        return OpenHub(desk, spec, Interpolated(spec.announce or "", tuple(chips), tuple(notes)))


def _texts(spec: AgentsSpec | PipelineSpec) -> list[str]:
    turns = [turn.text for turn in spec.turns] if isinstance(spec, AgentsSpec) else []
    return [spec.body, *turns]


@contextlib.contextmanager
def usage_errors(magic: str) -> Iterator[None]:
    """Show what is wrong with a cell in one line, as IPython shows its own; other errors in two."""
    try:
        yield
    except (UsageError, ModelChoiceError) as error:
        text = str(error) if str(error).startswith("%") else f"{magic}: {error}"
        raise ShellUsageError(text + (f"   Try: {error.hint}" if error.hint else "")) from None
    except (AgentServerError, NbAgentsError) as error:
        raise shortened(error) from None
