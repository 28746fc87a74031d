"""`DictDialogAgent`: answers in the form that a parser asks for, and asks again when it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._threads import on_thread
from ..exceptions import ResponseParsingError, UsageError
from ..memory import arrived
from ..message import Msg
from ..models import ModelWrapperBase
from ..parsers import MarkdownJsonDictParser, ParserBase, can_travel, parser_from_dict
from ._asking import called, until_read, whole
from ._dialog import DialogAgent
from ._revising import revise
from ._state import UNFIT, freeze, thaw

__all__ = ["DictDialogAgent", "change_parser", "own_parser"]

PARSER = "parser"


class DictDialogAgent(DialogAgent):
    """An agent whose model answers with a dictionary, or whatever else its parser reads.

    `set_parser` says in which form; the model is told so at the end of each prompt. What the parser keeps
    for memory is remembered, what it keeps for content is said, the rest goes into ``metadata``. The model
    is asked at most ``max_retries`` times, each time told what was wrong with its last answer. Then
    ``fault_handler(text)``, if there is one, says what stands for a parsed answer; else the error is raised.

    Without a parser it is as in AgentScope 0.0.1: ``parse_func(text)`` reads the answer (a JSON object, by
    default), the key ``speak`` is what is said and remembered, and every key can be had from the message:
    ``msg["vote"]``, ``msg.get("agreement")``. A text that cannot be read then counts as ``{"speak": text}``.

    A parser of `nbagents.parsers` goes along to a server, a pydantic class in it as its JSON schema.
    `to_dist` takes one of a class of your own along, if its attributes are the arguments that make it
    again. For the functions write a subclass that has them.

    Raises:
        ResponseParsingError: when the reply is read: no answer could be read, and there is no fault handler.
    """

    parser: ParserBase | None = None

    def __init__(
        self,
        name: str,
        sys_prompt: str | None = None,
        model_config_name: str | dict[str, Any] | ModelWrapperBase | None = None,
        use_memory: bool = True,
        max_retries: int = 3,
        *,
        parse_func: Callable[[str], Any] | None = None,
        fault_handler: Callable[[str], Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(name, sys_prompt, model_config_name, use_memory, **more)
        self.max_retries = max_retries
        self._parse_func, self._fault_handler = parse_func, fault_handler

    def set_parser(self, parser: ParserBase) -> None:
        """From the next turn on, answer in the form that this parser asks for.

        Raises:
            UsageError: it is no parser.
        """
        self.parser = _checked(parser)

    def state_dict(self) -> dict[str, Any]:
        """Return what the agent has become, as `AgentBase.state_dict` does, its parser included."""
        state = super().state_dict()
        told = _told(self.__dict__.get("parser"))
        return state if told is UNFIT else state | {"parser": told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become what `state_dict` told of another agent of this class."""
        others = dict(state)
        if "parser" in others:
            self.parser = parser_from_dict(thaw(others.pop("parser")))
        super().load_state_dict(others)

    async def _revise(self, change: Any = None) -> dict[str, Any]:
        if isinstance(change, dict) and change.get("op") == PARSER:
            self.parser = parser_from_dict(thaw(change.get(PARSER)))
            return {}
        return await super()._revise(change)

    async def reply(
        self,
        x: Msg | Sequence[Msg] | str | None = None,
        *,
        msg: Msg | Sequence[Msg] | str | None = None,
    ) -> Msg:
        """Answer ``x``, or ``msg``; what the parser keeps for memory is remembered."""
        x = msg if x is None else x
        if isinstance(x, str):
            x = Msg("user", x, "user")
        said: Any = x
        if self.memory is not None:
            await arrived(self.memory.add(x))
            said = await arrived(self.memory.get_memory())
        parser = self.parser or _Plain(self._parse_func)
        remembered, message = await self._answer(said, parser)
        self.speak(message)
        if self.memory is not None and remembered is not None:
            about = {"model": self.model.model_name}
            await arrived(self.memory.add(Msg(self.name, remembered, "assistant", metadata=about)))
        return message

    async def _answer(self, said: Any, parser: ParserBase) -> tuple[Any, Msg]:
        """Ask until an answer can be read; return what is remembered of it, and the message."""
        system = self._opening(said)
        form = [] if isinstance(parser, _Plain) else [Msg("system", parser.format_instruction, "system")]

        async def ask(again: list[Msg]) -> str:
            prompt = await called(self.model.format, *system, said, form, again, speaker=self.name)
            return (await whole(await called(self.model, prompt))).text or ""

        async def read(text: str) -> tuple[Any, Msg]:
            return await _aside(parser, lambda: self._made(parser.read(text), parser))

        try:
            return await until_read(self.name, ask, read, self.max_retries)
        except ResponseParsingError as error:
            parsed = await self._fault(error.raw_response or "", error)
            return await _aside(parser, lambda: self._made(parsed, parser))

    async def _fault(self, text: str, error: ResponseParsingError) -> Any:
        if self._fault_handler is not None:
            return await on_thread(self._fault_handler, text)
        if self.parser is None and self._parse_func is None:
            return {"speak": text}
        tries = max(self.max_retries, 1)
        asked = "" if tries == 1 else f" (asked {tries} times)"
        error.args = (f"{self.name}: {self.model.label} gave no answer that can be read: {error}{asked}",)
        raise error

    def _made(self, parsed: Any, parser: ParserBase) -> tuple[Any, Msg]:
        metadata = parser.to_metadata(parsed)
        message = Msg(self.name, parser.to_content(parsed), "assistant", metadata=metadata)
        return parser.to_memory(parsed), message


def change_parser(agent: Any, parser: ParserBase) -> None:
    """Have a `DictDialogAgent`, wherever it lives, take a parser after the calls made before.

    Raises:
        UsageError: it is no parser, or one that cannot travel.
    """
    told = _told(_checked(parser))
    if told is UNFIT:
        raise UsageError(
            f"a {type(parser).__name__} like this cannot go to a server: only parsers of nbagents.parsers"
            " can, with hints that JSON can hold; write a subclass that makes its own"
        )
    revise(agent, {"op": PARSER, PARSER: told})


def own_parser(agent: DictDialogAgent) -> ParserBase | None:
    """Return an agent's parser where it is of a class that only its program knows."""
    parser: Any = agent.__dict__.get("parser")
    return None if parser is None or can_travel(parser) else parser


def _checked(parser: ParserBase) -> ParserBase:
    if not (callable(getattr(parser, "read", None)) and hasattr(parser, "to_content")):
        raise UsageError(f"set_parser() takes a parser of nbagents.parsers, not {parser!r:.60}")
    return parser


def _told(parser: Any) -> Any:
    return freeze(parser.to_dict()) if can_travel(parser) else UNFIT


async def _aside(parser: ParserBase, work: Callable[[], tuple[Any, Msg]]) -> tuple[Any, Msg]:
    """Do a part of what a parser does; one that somebody has written, or that checks, may take its time."""
    at_once = can_travel(parser) and getattr(parser, "schema", None) is None
    made: tuple[Any, Msg] = work() if at_once else await on_thread(work)
    return made


class _Plain(ParserBase):
    """Reads with a function, and takes the key ``speak`` of a dictionary for what is said."""

    def __init__(self, parse_func: Callable[[str], Any] | None) -> None:
        self._parse = parse_func or MarkdownJsonDictParser().read

    def read(self, text: str) -> Any:
        try:
            return self._parse(text)
        except ResponseParsingError:
            raise
        except Exception as error:
            raise ResponseParsingError(f"{type(error).__name__}: {error}", text) from error

    def to_content(self, parsed: Any) -> Any:
        return parsed["speak"] if isinstance(parsed, dict) and "speak" in parsed else parsed

    to_memory = to_content

    def to_metadata(self, parsed: Any) -> Any:
        return parsed if isinstance(parsed, dict) else None
