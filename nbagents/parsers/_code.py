"""`MarkdownCodeBlockParser`: code in a fenced block."""

from __future__ import annotations

from ..exceptions import TagNotFoundError
from ._base import ParserBase
from ._fence import fenced

__all__ = ["MarkdownCodeBlockParser"]


class MarkdownCodeBlockParser(ParserBase):
    r"""Reads the code of one language. ``content_hint`` shows the model what it should look like.

    Without a block of that language the first of any is taken, and without any the whole answer.

    >>> parser = MarkdownCodeBlockParser("python")
    >>> parser.read("Try this:\n```python\nprint('rain')\n```\nIt prints.")
    "print('rain')"
    """

    name = "code block"
    fields = ("language_name", "content_hint")

    def __init__(self, language_name: str, content_hint: str | None = None) -> None:
        self.language_name = language_name
        self.content_hint = content_hint or f"your {language_name} code"
        self.tag_begin, self.tag_end = f"```{language_name}", "```"

    @property
    def format_instruction(self) -> str:
        """What a model must be told."""
        return (
            f"Answer with {self.language_name} code in a fenced block, like this:\n"
            f"{self.tag_begin}\n{self.content_hint}\n{self.tag_end}"
        )

    def read(self, text: str) -> str:
        """Return the code, without the lines' ends around it.

        Raises:
            TagNotFoundError: there is nothing in the answer, or in its block.
        """
        code = fenced(text, self.language_name)
        if code is None:
            code = fenced(text)
        found = (text if code is None else code).strip("\r\n").rstrip()
        if not found.strip():
            raise TagNotFoundError(
                f"the answer holds no {self.language_name} code; answer with the code between"
                f" {self.tag_begin} and {self.tag_end}",
                text,
                missing_begin_tag=code is None,
                missing_end_tag=code is None,
            )
        return found
