"""Everything that nbagents raises, in one tree.

    NbAgentsError
    ├── UsageError                 the call was wrong: fix the code that made it
    │   ├── AgentNotFoundError     nobody of that name lives there
    │   ├── AgentTypeTakenError    another worker serves the agent type already
    │   ├── AnswerRefusedError     what a person has answered does not fit the question
    │   ├── FileNotExportedError   the server gives no such file away
    │   ├── MethodMissingError     a class lacks a method that it must write
    │   ├── ModelChoiceError       no model can be picked from what was given
    │   ├── NotAccessibleError     the agent's object is in another process
    │   ├── ReplayMismatchError    a replay is asked what was not asked when it was recorded
    │   ├── RunNotFoundError       the server knows no such run, or no longer
    │   ├── RuntimeStateError      a runtime was started twice, or is not started
    │   ├── ServiceNotStartedError a service was asked before its start, or after its stop
    │   └── WouldBlockLoopError    a blocking read where only ``await`` can work
    ├── CallError                  one call ended without a reply
    │   ├── BudgetExceededError    its run may ask no more of models
    │   ├── CallCancelledError     somebody stopped it
    │   │   └── CallStoppedError   a person did
    │   ├── CallTimeoutError       its own deadline passed
    │   ├── CantHandleException    the agent takes no such message
    │   ├── DeadlockError          these calls wait for each other
    │   ├── MessageDroppedException    an intervention handler has dropped it
    │   ├── OverloadedError        there was no room for one more message
    │   ├── ResultExpiredError     the reply was kept for a while and then dropped
    │   ├── RemoteAgentError       the agent's own code raised, elsewhere
    │   ├── UndeliverableException the message reached nobody
    │   └── WorkerLostError        the worker that had the message is gone
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
    ├── A2AError                   an agent of others did not answer as asked
    │   ├── A2AUnavailableError    nobody answers there, or the connection broke
    │   ├── A2ARefusedError        it lets nobody in, or leads where we do not follow
    │   ├── A2ATaskError           its task failed, or was cancelled there
    │   └── A2ATimeoutError        it has not finished in time, and was told to stop
    ├── ToolServerError            a server of tools, one of others', does not answer
    ├── StorageError               what agents have become could not be kept, or read
    │   ├── RecordingError         the recording of a run is damaged, none, or cannot be written
    │   ├── SessionBusyError       another request holds the session
    │   └── StorageFullError, StateCorruptError, StateVersionError
    ├── DeploymentError            an app does not start in a process of its own, or does not end
    ├── SandboxError               no sandbox here is good enough, or it could not be made
    └── InternalError              our fault: please report it

A message says what happened, to whom, why, and what to do next. An error that crossed the wire
keeps the traceback of the place where it was raised in ``remote_traceback``.
"""

from __future__ import annotations

from ._base import (
    AgentNotFoundError,
    AnswerRefusedError,
    FileNotExportedError,
    InternalError,
    MethodMissingError,
    ModelChoiceError,
    NbAgentsError,
    ReplayMismatchError,
    RunNotFoundError,
    RuntimeStateError,
    ServiceNotStartedError,
    UsageError,
    WouldBlockLoopError,
)
from ._calls import (
    BudgetExceededError,
    CallCancelledError,
    CallError,
    CallStoppedError,
    CallTimeoutError,
    DeadlockError,
    RemoteAgentError,
    ResultExpiredError,
)
from ._models import (
    ArgumentNotFoundError,
    ArgumentTypeError,
    FunctionCallError,
    FunctionCallFormatError,
    FunctionNotFoundError,
    JsonDictValidationError,
    JsonParsingError,
    JsonTypeError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
    ModelUnavailableError,
    RequiredFieldNotFoundError,
    ResponseParsingError,
    SchemaMismatchError,
    TagNotFoundError,
    ToolNotAllowedError,
)
from ._outside import (
    A2AError,
    A2ARefusedError,
    A2ATaskError,
    A2ATimeoutError,
    A2AUnavailableError,
    DeploymentError,
    FetchError,
    FetchRefusedError,
    SandboxError,
    ToolServerError,
)
from ._servers import (
    AgentCallError,
    AgentCreationError,
    AgentServerError,
    AgentServerNotAliveError,
    AuthenticationError,
    MessageTooLargeError,
    ProtocolError,
    ServerFailedError,
    ServerLostError,
    VersionMismatchError,
)
from ._storage import (
    RecordingError,
    SessionBusyError,
    StateCorruptError,
    StateVersionError,
    StorageError,
    StorageFullError,
)
from ._topics import (
    CantHandleException,
    MessageDroppedException,
    NotAccessibleError,
    OverloadedError,
    UndeliverableException,
)
from ._workers import AgentTypeTakenError, WorkerLostError

__all__ = [
    "A2AError",
    "A2ARefusedError",
    "A2ATaskError",
    "A2ATimeoutError",
    "A2AUnavailableError",
    "AgentCallError",
    "AgentCreationError",
    "AgentNotFoundError",
    "AgentServerError",
    "AgentServerNotAliveError",
    "AgentTypeTakenError",
    "AnswerRefusedError",
    "ArgumentNotFoundError",
    "ArgumentTypeError",
    "AuthenticationError",
    "BudgetExceededError",
    "CallCancelledError",
    "CallError",
    "CallStoppedError",
    "CallTimeoutError",
    "CantHandleException",
    "DeadlockError",
    "DeploymentError",
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
    "MessageDroppedException",
    "MessageTooLargeError",
    "MethodMissingError",
    "ModelAuthError",
    "ModelChoiceError",
    "ModelError",
    "ModelRateLimitError",
    "ModelResponseError",
    "ModelUnavailableError",
    "NbAgentsError",
    "NotAccessibleError",
    "OverloadedError",
    "ProtocolError",
    "RecordingError",
    "RemoteAgentError",
    "ReplayMismatchError",
    "RequiredFieldNotFoundError",
    "ResponseParsingError",
    "ResultExpiredError",
    "RunNotFoundError",
    "RuntimeStateError",
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
    "UndeliverableException",
    "UsageError",
    "VersionMismatchError",
    "WorkerLostError",
    "WouldBlockLoopError",
]

# Readers of a traceback, and logs, know them by the public name.
for _name in __all__:
    globals()[_name].__module__ = __name__
