"""`ReActAgent`: reasons, calls tools, looks at what they answered, and goes on until it can reply."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from ..exceptions import ResponseParsingError, SchemaMismatchError, UsageError
from ..memory import arrived
from ..message import Msg, is_muted
from ..models import ModelWrapperBase, load_model
from ..tools import Policy, ServiceToolkit, Toolkit, told_blocks
from ._asking import called, until_read, whole
from ._base import AgentBase
from ._finish import Finish
from ._hooks import hooked
from ._in_words import InWords, calls_tools
from ._lasting import Lasting
from ._react_forms import by_names, either_form
from ._tool_talk import asked, own_ids, result_block

__all__ = ["ReActAgent"]

STEPS = ("pre_reasoning", "post_reasoning", "pre_acting", "post_acting")
"""Hooks around its steps: around asking the model, and around each call of a tool."""
STOPPED = "The tool call was stopped before it answered."
FORCED = "You have used all your steps. Answer now, as well as you can with what you know, and call no tool."
TRIES = 3
"""How often a model that calls tools in words is asked for one step."""
UNSHAPED = "Call {tool} now, to give your answer in the form that is asked for."


class ReActAgent(AgentBase):
    """An agent that uses tools: its model calls them natively, as often as it needs, then replies.

    As in AgentScope 1.x: ``model`` (a model, the name of a configuration, or one), ``formatter`` (by default
    the model formats for itself), ``toolkit``, ``memory``. As in 0.x: ``model_config_name``,
    ``service_toolkit``, and ``verbose``, which shows what the model says between its calls. Without any
    model it is chosen as `choose_model` says.

    A model that cannot be given tools (``calls_tools`` of it is false) is told of them in its prompt and
    calls them by writing JSON, as in AgentScope 0.x.

    With ``long_term_memory`` it remembers beyond its conversations: "static_control" looks up what is like
    the message before each reply, and records both afterwards; "agent_control" gives the model the tools
    ``record_to_memory`` and ``retrieve_from_memory``; the ``long_term_memory_mode`` is "both" by default.

    After ``max_iters`` questions to its model without a reply it must reply with what it knows.
    ``parallel_tool_calls`` runs the calls of one step at the same time. ``enable_meta_tool`` lets the model
    choose the groups of tools that it needs. ``approve`` says which tools may be called, as that of a
    `Toolkit` does; what both say counts, the strictest first. However a turn ends, each tool call
    that is remembered has a result: one that was stopped says so.

    >>> def add(a: int, b: int) -> int:
    ...     '''Add two numbers.'''
    ...     return a + b
    >>> toolkit = Toolkit()
    >>> toolkit.register_tool_function(add)
    >>> agent = ReActAgent("calc", "You calculate.", "demo", toolkit=toolkit)
    >>> agent(Msg("user", "Please add 2 and 3")).content
    calc: add returned “5”.
    'add returned “5”.'

    Raises:
        UsageError: arguments of both versions, one that is not here, or something that is no toolkit.
    """

    supported_hook_types = (*AgentBase.supported_hook_types, *STEPS)
    model: ModelWrapperBase

    @either_form
    def __init__(
        self,
        name: str,
        sys_prompt: str | None = None,
        model: Any = None,
        formatter: Any = None,
        toolkit: Toolkit | None = None,
        memory: Any = None,
        parallel_tool_calls: bool = False,
        max_iters: int = 10,
        *,
        long_term_memory: Any = None,
        long_term_memory_mode: str = "both",
        enable_meta_tool: bool = False,
        approve: str | Mapping[str, str] | None = None,
        model_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        service_toolkit: ServiceToolkit | None = None,
        verbose: bool | None = None,
        agent_id: str | None = None,
    ) -> None:
        newer = {"model": model, "formatter": formatter, "toolkit": toolkit}
        older = {
            "model_config_name": model_config_name,
            "service_toolkit": service_toolkit,
            "verbose": verbose,
        }
        given = [[f"{key}=" for key, value in each.items() if value is not None] for each in (newer, older)]
        if all(given):
            raise UsageError(
                f"{name} is given {', '.join(given[0])}, as in AgentScope 1.x, and"
                f" {', '.join(given[1])}, as in 0.x:"
                " use model= and toolkit=, or model_config_name= and service_toolkit="
            )
        tools = toolkit if toolkit is not None else service_toolkit
        if tools is not None and not isinstance(tools, Toolkit):
            raise UsageError(
                f"the toolkit of {name} is a Toolkit or a ServiceToolkit, not {type(tools).__name__}"
            )
        if memory is not None and not (hasattr(memory, "add") and hasattr(memory, "get_memory")):
            raise UsageError(
                f"the memory of {name} has add and get_memory, as an InMemoryMemory has; it is no"
                f" {type(memory).__name__}"
            )
        if max_iters < 1:
            raise UsageError(f"max_iters of {name} is {max_iters}; it must ask its model once at least")
        lasting = Lasting(name, long_term_memory, long_term_memory_mode)
        super().__init__(name, sys_prompt, use_memory=memory is None, agent_id=agent_id)
        chosen = model if model is not None else model_config_name
        if chosen is not None and not (callable(chosen) or isinstance(chosen, (str, Mapping))):
            raise UsageError(
                f"the model of {name} is a model, the name of a configuration or one, not"
                f" {type(chosen).__name__}"
            )
        self.model = load_model("") if chosen is None else chosen if callable(chosen) else load_model(chosen)
        if memory is not None:
            self.memory = memory
        self.formatter, self.toolkit = formatter, tools if tools is not None else Toolkit()
        self.long_term_memory, self._lasting = long_term_memory, lasting
        self.parallel_tool_calls, self.max_iters = parallel_tool_calls, max_iters
        self.policy = Policy.of(approve, f"approve of {name}")
        """Which tools may be called, besides what its toolkit says."""
        if enable_meta_tool and "reset_equipped_tools" not in self.toolkit.tools:
            self.toolkit.register_tool_function(self.toolkit.reset_equipped_tools)
        self.verbose = verbose if verbose is not None else True

    @staticmethod
    def named(*args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments of the constructor by their names, those of 0.x by theirs.

        >>> ReActAgent.named("calc", "demo", ServiceToolkit(), "You calculate.", 4)["max_iters"]
        4
        """
        places, given = by_names(args, kwargs)
        bound = dict(inspect.signature(ReActAgent.__init__).bind(None, *places, **given).arguments)
        del bound["self"]
        return bound

    @staticmethod
    def model_key(given: Mapping[str, Any]) -> str:
        """Return the keyword of the model, next to these others."""
        return "model_config_name" if given.keys() & {"service_toolkit", "verbose"} else "model"

    async def reply(
        self,
        msg: Msg | Sequence[Msg] | str | None = None,
        structured_model: Any = None,
        *,
        x: Msg | Sequence[Msg] | str | None = None,
    ) -> Msg:
        """Answer ``msg`` (or ``x``, its older spelling); it, the steps on the way and the reply are kept.

        What a long-term memory tells stands in the memory before it.

        ``structured_model``, a pydantic class or the JSON schema of an object, is the form of an answer that
        the reply's ``metadata`` holds then; ``parsed`` is an instance of the class, or
        that same data.

        Raises:
            SchemaMismatchError: the model has not given its answer in that form.
            ResponseParsingError: a model that calls tools in words has not written what can be read.
        """
        msg = x if msg is None else msg
        msg = Msg("user", msg, "user") if isinstance(msg, str) else msg
        await self._remember(await self._lasting.recalled(msg))
        await self._remember(msg)
        reply = await self._steps(structured_model)
        await self._lasting.keep(msg, reply)
        return reply

    async def _steps(self, structured_model: Any) -> Msg:
        """Think and act until there is a reply."""
        taken = {**self.toolkit.tools, **self._lasting.toolkit.tools}
        finish = None if structured_model is None else Finish(structured_model, taken)
        said, forced = "", False
        for _ in range(self.max_iters):
            step = await self._reason(finish, forced)
            said = step.get_text_content() or said
            calls = step.get_content_blocks("tool_use")
            if not calls and finish is None:
                return await self._say(step)
            if calls:
                await self._act(step, finish)
            if finish is not None and finish.value is not None:
                return await self._say(self._finished(finish, said))
            forced = not calls
        return await self._summarizing(finish, said)

    # ---- thinking

    async def _reason(self, finish: Finish | None, forced: bool = False) -> Msg:
        step: Msg = await hooked(self, "reasoning", self._reasoning)(finish, forced)
        return step

    async def _reasoning(self, finish: Finish | None, forced: bool = False) -> Msg:
        """Ask the model for the next step; remember what it only says, unless that is the reply itself.

        ``forced``, it is told to end now, which is not remembered, and shown no tool but the one to finish.
        """
        hint = "" if not forced else FORCED if finish is None else UNSHAPED.format(tool=finish.tool)
        schemas = [] if forced else [schema for kit in self._toolkits() for schema in kit.get_json_schemas()]
        if finish is not None:
            schemas.append(finish.json_schema)
        shown = ""

        async def told(answer: Any) -> None:
            nonlocal shown
            shown = await self._print_as_it_comes(answer)

        said = await arrived(self.memory.get_memory()) if self.memory is not None else ()
        heard = [message for message in said if not is_muted(message)]
        if calls_tools(self.model):
            more: dict[str, Any] = {"tools": schemas} if schemas else {}
            if finish is not None and len(schemas) == 1:
                more["tool_choice"] = "required"
            answer = await asked(self.model, await self._conversation(heard, hint), told, **more)
            blocks = own_ids(answer.content, said)
        else:
            blocks = await self._in_words(heard, hint, schemas)
        if not schemas:  # it has been shown no tool, and will not be
            blocks = [block for block in blocks if block["type"] != "tool_use"]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        content: Any = "".join(texts) if len(texts) == len(blocks) else blocks
        step = Msg(self.name, content, "assistant", metadata={"model": _label(self.model)})
        step._id = shown or step._id
        if finish is not None and not step.has_content_blocks("tool_use"):
            await self._remember(step)
        return step

    async def _in_words(
        self, heard: Sequence[Msg], hint: str, schemas: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Ask a model that calls tools in words only; return what it answers as content blocks."""
        words = InWords(self.name, schemas)

        async def ask(again: list[Msg]) -> str:
            talk = [*words.shown(heard), *words.form, *again]
            answer = await asked(self.model, await self._conversation(talk, hint, words.told), whole)
            return answer.text or ""

        async def read(text: str) -> list[dict[str, Any]]:
            return words.read(text)

        try:
            return await until_read(self.name, ask, read, TRIES)
        except ResponseParsingError as error:
            label = getattr(self.model, "label", _label(self.model))
            error.args = (
                f"{self.name}: {label} gave no answer that can be read: {error} (asked {TRIES} times)",
            )
            error.hint = "take a model that can be given tools"
            raise

    async def _conversation(self, said: Sequence[Msg], hint: str, told: str = "") -> Any:
        """Return what the model is sent; each call of a tool with its result, or a word for it."""
        prompt = "\n\n".join(filter(None, [self.sys_prompt, self.toolkit.get_activated_notes(), told]))
        # No endpoint takes a conversation without a message: whoever speaks first knows at least who it is.
        prompt = prompt or ("" if said or hint else f"You are {self.name}.")
        system = [Msg("system", prompt, "system")] if prompt else []
        messages = [*system, *said, *([Msg("user", hint, "user")] if hint else [])]
        if self.formatter is None:
            return await arrived(await called(self.model.format, *messages, speaker=self.name))
        return await arrived(await called(self.formatter.format, messages))

    async def _summarizing(self, finish: Finish | None, said: str) -> Msg:
        """Reply at the end of all steps."""
        step = await self._reason(finish, forced=True)
        if finish is None:
            if not step.get_text_content():
                step.content = said or f"No answer within {self.max_iters} steps."
            return await self._say(step)
        if step.has_content_blocks("tool_use"):
            await self._act(step, finish)
        if finish.value is None:
            raise SchemaMismatchError(
                f"{self.name} has not given its answer as {finish.name} within {self.max_iters} steps"
                + (f": {finish.problem}" if finish.problem else ""),
                hint="take a larger max_iters, or a model that calls tools better",
            )
        return await self._say(self._finished(finish, step.get_text_content() or said))

    def _finished(self, finish: Finish, said: str) -> Msg:
        text = said or json.dumps(finish.value, ensure_ascii=False)
        reply = Msg(self.name, text, "assistant", metadata=finish.value)
        reply._parsed = finish.made
        return reply

    # ---- acting

    async def _act(self, step: Msg, finish: Finish | None) -> None:
        """Call the tools of a step; remember it and what each has answered, also if this is stopped."""
        calls = step.get_content_blocks("tool_use")
        left = {call["id"]: call for call in calls}

        async def one(call: dict[str, Any]) -> None:
            await self._remember(await hooked(self, "acting", self._acting)(call, finish))
            del left[call["id"]]

        try:
            await self._remember(step)
            await self._show(step)
            if self.parallel_tool_calls:
                await _all(one(call) for call in calls)
            else:
                for call in calls:
                    await one(call)
        finally:
            for call in left.values():
                await self._remember(self._result(call, STOPPED))

    async def _acting(self, tool_call: dict[str, Any], finish: Finish | None) -> Msg:
        """Call one tool and return its result as a message."""
        if finish is not None and tool_call["name"] == finish.tool:
            return self._result(tool_call, await finish.take(tool_call))
        result = self._result(tool_call, "")
        toolkit = next((kit for kit in self._toolkits() if tool_call["name"] in kit.tools), self.toolkit)
        said: dict[str, Any] = {"approve": self.policy} if self.policy.rules else {}
        async with contextlib.aclosing(aiter(toolkit.call_tool_function(tool_call, **said))) as answers:
            async for answer in answers:
                told = told_blocks(answer)
                plain = len(told) == 1 and told[0]["type"] == "text"
                result.content[0]["output"] = told[0]["text"] if plain else told
                await self._show(result, last=answer.is_last)
        return result

    def _toolkits(self) -> tuple[Toolkit, Toolkit]:
        return self.toolkit, self._lasting.toolkit

    def _result(self, call: dict[str, Any], output: Any) -> Msg:
        return Msg("system", [result_block(call, output)], "system")

    # ---- remembering and showing

    async def _show(self, step: Msg, last: bool = True) -> None:
        """Show a step on the way, if these are to be seen."""
        if self.verbose:
            await self.print(step, last)

    async def _say(self, reply: Msg) -> Msg:
        await self.print(reply)
        await self._remember(reply)
        return reply

    # ---- what it has become

    def state_dict(self) -> dict[str, Any]:
        """Return what any agent does, and which groups of its tools are active."""
        return {**super().state_dict(), "toolkit": self.toolkit.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become what `state_dict` told of; a group of tools that is not here stays away."""
        own = dict(state)
        self.toolkit.load_state_dict(own.pop("toolkit", {}), strict=False)
        super().load_state_dict(own)


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _label(model: Any) -> str:
    return str(getattr(model, "model_name", type(model).__name__))
