"""Everything that nbagents raises, in one tree.

    NbAgentsError
    ├── UsageError                 the call was wrong: fix the code that made it
    │   ├── AgentNotFoundError     nobody of that name lives there
    │   ├── AnswerRefusedError     what a person has answered does not fit the question
    │   ├── FileNotExportedError   the server gives no such file away
    │   ├── MethodMissingError     a class lacks a method that it must write
    │   ├── ModelChoiceError       no model can be picked from what was given
    │   ├── RunNotFoundError       the server knows no such run, or no longer
    │   ├── ServiceNotStartedError a service was asked before its start, or after its stop
    │   └── WouldBlockLoopError    a blocking read where only ``await`` can work
    ├── CallError                  one call ended without a reply
    │   ├── BudgetExceededError    its run may ask no more of models
    │   ├── CallCancelledError     somebody stopped it
    │   │   └── CallStoppedError   a person did
    │   ├── CallTimeoutError       its own deadline passed
    │   ├── DeadlockError          these calls wait for each other
    │   ├── ResultExpiredError     the reply was kept for a while and then dropped
    │   └── RemoteAgentError       the agent's own code raised, elsewhere
    ├── ModelError                 the model's endpoint did not answer as asked
    │   ├── ModelUnavailableError  nobody listens there, or it stopped answering
    │   ├── ModelAuthError, ModelRateLimitError
    │   └── ModelResponseError     an answer came and could not be used
    │       ├── ResponseParsingError   a parser does not find in it what it looks for
    │       │   ├── JsonDictValidationError, JsonParsingError, JsonTypeError
    │       │   └── RequiredFieldNotFoundError, TagNotFoundError
    │       ├── FunctionCallError      it asks for a tool in a way that cannot be met
    │       │   ├── FunctionCallFormatError, FunctionNotFoundError
    │       │   └── ArgumentNotFoundError, ArgumentTypeError, ToolNotAllowedError
    │       └── SchemaMismatchError    it does not have the shape that was asked for
    ├── AgentServerError           the agent server, not the agent
    │   ├── AgentServerNotAliveError
    │   │   ├── ServerLostError    it died while the call was there
    │   │   └── ServerFailedError  it died again and again, and was given up
    │   ├── AgentCreationError, AgentCallError, AuthenticationError
    │   └── MessageTooLargeError, ProtocolError, VersionMismatchError
    ├── FetchError                 what is behind an address of the web could not be had
    │   └── FetchRefusedError      the address is none of the public web
    ├── ToolServerError            a server of tools, one of others', does not answer
    ├── StorageError               what agents have become could not be kept, or read
    │   ├── SessionBusyError       another request holds the session
    │   └── StorageFullError, StateCorruptError, StateVersionError
    ├── SandboxError               no sandbox here is good enough, or it could not be made
    └── InternalError              our fault: please report it

A message says what happened, to whom, why, and what to do next. An error that crossed the wire
keeps the traceback of the place where it was raised in ``remote_traceback``.
"""

from __future__ import annotations

__all__ = [
    "AgentCallError",
    "AgentCreationError",
    "AgentNotFoundError",
    "AgentServerError",
    "AgentServerNotAliveError",
    "AnswerRefusedError",
    "ArgumentNotFoundError",
    "ArgumentTypeError",
    "AuthenticationError",
    "BudgetExceededError",
    "CallCancelledError",
    "CallError",
    "CallStoppedError",
    "CallTimeoutError",
    "DeadlockError",
    "FetchError",
    "FetchRefusedError",
    "FileNotExportedError",
    "FunctionCallError",
    "FunctionCallFormatError",
    "FunctionNotFoundError",
    "InternalError",
    "JsonDictValidationError",
    "JsonParsingError",
    "JsonTypeError",
    "MessageTooLargeError",
    "MethodMissingError",
    "ModelAuthError",
    "ModelChoiceError",
    "ModelError",
    "ModelRateLimitError",
    "ModelResponseError",
    "ModelUnavailableError",
    "NbAgentsError",
    "ProtocolError",
    "RemoteAgentError",
    "RequiredFieldNotFoundError",
    "ResponseParsingError",
    "ResultExpiredError",
    "RunNotFoundError",
    "SandboxError",
    "SchemaMismatchError",
    "ServerFailedError",
    "ServerLostError",
    "ServiceNotStartedError",
    "SessionBusyError",
    "StateCorruptError",
    "StateVersionError",
    "StorageError",
    "StorageFullError",
    "TagNotFoundError",
    "ToolNotAllowedError",
    "ToolServerError",
    "UsageError",
    "VersionMismatchError",
    "WouldBlockLoopError",
]


class NbAgentsError(Exception):
    """Base of everything that nbagents raises on purpose."""

    remote_traceback: str | None = None
    """The traceback of the process that raised, where that was another one."""
    hint: str | None = None
    """The line to type next, where there is one."""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """Show one readable line in a notebook, not our own frames."""
        return [f"{type(self).__name__}: {self}", *([f"Try: {self.hint}"] if self.hint else [])]


class UsageError(NbAgentsError, ValueError):
    """The call was wrong; the message names what to change."""


class AgentNotFoundError(UsageError, LookupError):
    """Nobody of that name lives there."""


class AnswerRefusedError(UsageError):
    """What a person has answered does not fit the question; each line names a field and what it wants."""


class FileNotExportedError(UsageError, FileNotFoundError):
    """The server gives no such file away, whether there is one or not."""


class MethodMissingError(UsageError, NotImplementedError):
    """A class lacks a method that a subclass of its base must write."""


class ModelChoiceError(UsageError):
    """No model can be picked from what was given."""


class RunNotFoundError(UsageError, LookupError):
    """The server knows no such run, or no longer."""


class ServiceNotStartedError(UsageError, RuntimeError):
    """A service was asked before its start, or after its stop."""

    hint = "await service.start(), or: async with service: ..."


class WouldBlockLoopError(UsageError, RuntimeError):
    """A blocking read was made on an event loop; only ``await`` can work there."""


class CallError(NbAgentsError):
    """One call ended without a reply."""


class BudgetExceededError(CallError):
    """The run has reached its limit of calls or dollars, and nobody has allowed more."""


class CallCancelledError(CallError):
    """The call was stopped: by a person, an interrupt, its caller's end, or the process's exit."""

    why = "cancelled"
    """How, in a few words."""


class CallStoppedError(CallCancelledError):
    """A person stopped the call; where its reply was to be one message of several, the others are used."""


class CallTimeoutError(CallError, TimeoutError):
    """The call's own deadline passed."""


class DeadlockError(CallError):
    """These calls wait for each other, and none of them can go first."""


class ResultExpiredError(CallError):
    """The reply was kept for its time and then dropped."""


class RemoteAgentError(CallError):
    """An agent's own code raised in another process.

    ``type_name`` is the class of the original error; ``remote_traceback`` its traceback.
    """

    def __init__(self, message: str = "", *, type_name: str = "Exception", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.type_name = type_name

    def _render_traceback_(self) -> list[str]:
        trace = (self.remote_traceback or "").rstrip().splitlines()
        return [f"{type(self).__name__}: {self}", *([""] if trace else []), *trace]


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


class AgentServerError(NbAgentsError):
    """The agent server failed, not the agent."""


class AgentServerNotAliveError(AgentServerError, ConnectionError):
    """The agent server cannot be reached, or it went away during the call."""


class ServerLostError(AgentServerNotAliveError):
    """The server died while a call was there. ``hint`` says what to do."""

    server_id = ""
    exit_status = ""
    """How its process ended, for example "killed by signal 9"; "" where this process cannot know."""
    retryable = False
    """Is it safe to make the call again? Only if its caller said so, by ``call_options(retry=True)``."""


class ServerFailedError(AgentServerNotAliveError):
    """The server died again and again, and is not started any more until somebody asks for it."""

    log_lines: tuple[str, ...] = ()
    """The end of its log, keys masked."""


class AgentCreationError(AgentServerError):
    """The server could not make the agent."""


class AgentCallError(AgentServerError):
    """The server refused to make the call."""


class AuthenticationError(AgentServerError, PermissionError):
    """The server refused the token, or none was given."""


class MessageTooLargeError(AgentServerError, ValueError):
    """A message exceeds the wire's limit."""


class ProtocolError(AgentServerError):
    """The other side broke the protocol."""


class VersionMismatchError(AgentServerError):
    """Client and server are of different versions."""


class FetchError(NbAgentsError):
    """What is behind an address of the web could not be had; the message names its host, never the rest."""


class FetchRefusedError(FetchError, PermissionError):
    """The address is none of the public web: nobody was asked. The message does not tell what is there."""


class ToolServerError(NbAgentsError, ConnectionError):
    """An MCP server does not answer, or not in time, or has not begun."""


class StorageError(NbAgentsError):
    """What agents have become could not be kept, or not be read; the message names the file."""


class SessionBusyError(StorageError, TimeoutError):
    """Another request holds the session, in this process or in another, and did not let go of it in time."""


class StorageFullError(StorageError):
    """There is no room left where agents are kept. The agent is as it was before the call."""


class StateCorruptError(StorageError):
    """What was kept is damaged; the message names the file, and the row where there is one."""


class StateVersionError(StorageError):
    """A newer version of nbagents kept it; the message names both versions."""


class SandboxError(NbAgentsError):
    """This machine has no sandbox that is good enough, or it could not be made. Nothing has run."""


class InternalError(NbAgentsError):
    """A fault of nbagents itself; please report it with the traceback."""
