"""`ParserBase`: what every parser is to a model and an agent."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeVar

from ..exceptions import MethodMissingError

__all__ = ["Answer", "ParserBase"]


class Answer(Protocol):
    """As much of a model's response as a parser needs."""

    parsed: Any

    @property
    def text(self) -> str | None: ...


A = TypeVar("A", bound=Answer)


class ParserBase:
    """A parser. Write ``read`` and ``format_instruction`` for one of your own.

    >>> from types import SimpleNamespace
    >>> class Words(ParserBase):
    ...     format_instruction = "Answer in words."
    ...     def read(self, text):
    ...         return text.split()
    >>> Words().parse(SimpleNamespace(text="grey beads", parsed=None)).parsed
    ['grey', 'beads']
    """

    fields: ClassVar[tuple[str, ...]] = ()
    """The attributes of which `to_dict` tells: what its constructor is given under the same names."""

    @property
    def format_instruction(self) -> str:
        """What a model must be told so that its answer can be read; it ends the prompt."""
        raise MethodMissingError(
            f"{type(self).__name__} has no format_instruction; write one, or give it one"
        )

    def read(self, text: str) -> Any:
        """Return what an answer holds; a subclass writes this.

        Raises:
            ResponseParsingError: it does not hold what was asked for, and cannot be mended.
        """
        raise MethodMissingError(f"{type(self).__name__} is missing the required `read` function")

    def parse(self, response: A) -> A:
        """Put what a model's response holds into its ``parsed`` and return the response.

        Fit to be a model's ``parse_func``. Reading the response's text waits: in ``async`` code await
        the response before.

        Raises:
            ResponseParsingError: as `read` does.
        """
        response.parsed = self.read(response.text or "")
        return response

    def to_dict(self) -> dict[str, Any]:
        """Return how a parser like this one is made, as plain data for `parser_from_dict`."""
        return {"parser": type(self).__name__} | {name: getattr(self, name) for name in self.fields}

    def to_memory(self, parsed: Any) -> Any:
        """Return what an agent remembers of what was read."""
        return parsed

    def to_content(self, parsed: Any) -> Any:
        """Return what an agent says of what was read."""
        return parsed

    def to_metadata(self, parsed: Any) -> Any:
        """Return what goes into the ``metadata`` of an agent's message; None for nothing."""
        return None
