"""What a model's endpoint may do instead of answering."""

from __future__ import annotations

from ._base import NbAgentsError


class ModelError(NbAgentsError, RuntimeError):
    """The model's endpoint did not answer as asked. AgentScope raises a RuntimeError then."""


class ModelUnavailableError(ModelError, ConnectionError):
    """Nobody listens at the model's address, or it stopped answering."""


class ModelAuthError(ModelError, PermissionError):
    """The model's endpoint refused the key."""


class ModelRateLimitError(ModelError):
    """The model's endpoint refused for now; retries were spent."""


class ModelResponseError(ModelError):
    """The endpoint answered, and the answer could not be used."""


class ResponseParsingError(ModelResponseError):
    """A parser does not find in an answer what it looks for; the message says what the answer must hold.

    ``raw_response`` is the whole answer, as the model gave it; it stays in the process that raised.
    """

    def __init__(
        self, message: str = "", raw_response: str | None = None, *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.raw_response = raw_response


class FunctionCallError(ModelResponseError):
    """A model asks for a tool in a way that cannot be met; the message is one that it can read."""


class FunctionCallFormatError(FunctionCallError):
    """What the model wrote is no call of a tool."""


class FunctionNotFoundError(FunctionCallError, LookupError):
    """The model asks for a tool that it has not been given."""


class ArgumentNotFoundError(FunctionCallError):
    """The model left an argument out."""


class ArgumentTypeError(FunctionCallError, TypeError):
    """The model gave an argument that does not fit, or that the tool does not know."""


class ToolNotAllowedError(FunctionCallError):
    """A tool's call was not made: a policy or a person has not allowed it, or nobody was there to."""


class JsonDictValidationError(ResponseParsingError):
    """An answer's JSON does not fit the class it was asked for; each line names a field."""


class JsonParsingError(ResponseParsingError):
    """An answer, or the part of it that was to be JSON, is none, and could not be mended."""


class JsonTypeError(ResponseParsingError):
    """An answer is JSON, but of another type than was asked for."""


class RequiredFieldNotFoundError(ResponseParsingError, LookupError):
    """An answer lacks a field that was asked for."""


class TagNotFoundError(ResponseParsingError):
    """An answer lacks a tag that was asked for: the one that begins a part, the one that ends it, or both."""

    def __init__(
        self,
        message: str = "",
        raw_response: str | None = None,
        missing_begin_tag: bool = True,
        missing_end_tag: bool = True,
        *,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, raw_response, hint=hint)
        self.missing_begin_tag, self.missing_end_tag = missing_begin_tag, missing_end_tag


class SchemaMismatchError(ModelResponseError):
    """An answer does not have the shape that was asked for; the message quotes what did not fit."""
