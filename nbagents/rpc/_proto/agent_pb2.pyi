from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GeneralResponse(_message.Message):
    __slots__ = ("ok", "message")
    OK_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    message: str
    def __init__(self, ok: bool = ..., message: _Optional[str] = ...) -> None: ...

class StringMsg(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class ByteMsg(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class RpcMsg(_message.Message):
    __slots__ = ("value", "target_func", "agent_id")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FUNC_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    value: str
    target_func: str
    agent_id: str
    def __init__(self, value: _Optional[str] = ..., target_func: _Optional[str] = ..., agent_id: _Optional[str] = ...) -> None: ...

class UpdatePlaceholderRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: int
    def __init__(self, task_id: _Optional[int] = ...) -> None: ...

class CreateAgentRequest(_message.Message):
    __slots__ = ("agent_id", "agent_init_args", "agent_source_code", "workspace", "name", "fresh", "state", "more")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_INIT_ARGS_FIELD_NUMBER: _ClassVar[int]
    AGENT_SOURCE_CODE_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FRESH_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    agent_init_args: bytes
    agent_source_code: bytes
    workspace: str
    name: str
    fresh: bool
    state: bytes
    more: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, agent_id: _Optional[str] = ..., agent_init_args: _Optional[bytes] = ..., agent_source_code: _Optional[bytes] = ..., workspace: _Optional[str] = ..., name: _Optional[str] = ..., fresh: bool = ..., state: _Optional[bytes] = ..., more: _Optional[_Iterable[str]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    def __init__(self, frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("seq", "ack", "hello", "request", "response", "call", "update", "cancel", "event", "question", "answer", "fetch", "post", "outcome", "withdraw", "more")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    POST_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    ack: int
    hello: Hello
    request: Request
    response: Response
    call: Call
    update: Update
    cancel: Cancel
    event: Event
    question: Question
    answer: Answer
    fetch: Fetch
    post: Post
    outcome: Outcome
    withdraw: Withdraw
    more: More
    def __init__(self, seq: _Optional[int] = ..., ack: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., request: _Optional[_Union[Request, _Mapping]] = ..., response: _Optional[_Union[Response, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., question: _Optional[_Union[Question, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., fetch: _Optional[_Union[Fetch, _Mapping]] = ..., post: _Optional[_Union[Post, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ..., withdraw: _Optional[_Union[Withdraw, _Mapping]] = ..., more: _Optional[_Union[More, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("session", "version", "protocol", "last_seen", "server_id", "epoch", "pid", "pid_started", "boot")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PID_STARTED_FIELD_NUMBER: _ClassVar[int]
    BOOT_FIELD_NUMBER: _ClassVar[int]
    session: str
    version: str
    protocol: int
    last_seen: int
    server_id: str
    epoch: str
    pid: int
    pid_started: str
    boot: str
    def __init__(self, session: _Optional[str] = ..., version: _Optional[str] = ..., protocol: _Optional[int] = ..., last_seen: _Optional[int] = ..., server_id: _Optional[str] = ..., epoch: _Optional[str] = ..., pid: _Optional[int] = ..., pid_started: _Optional[str] = ..., boot: _Optional[str] = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ("id", "method", "body")
    ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    id: int
    method: str
    body: bytes
    def __init__(self, id: _Optional[int] = ..., method: _Optional[str] = ..., body: _Optional[bytes] = ...) -> None: ...

class Response(_message.Message):
    __slots__ = ("id", "body", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    body: bytes
    error: Error
    def __init__(self, id: _Optional[int] = ..., body: _Optional[bytes] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("type", "key")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    type: str
    key: str
    def __init__(self, type: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("content_type", "data", "blobs")
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    BLOBS_FIELD_NUMBER: _ClassVar[int]
    content_type: str
    data: bytes
    blobs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, content_type: _Optional[str] = ..., data: _Optional[bytes] = ..., blobs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("workspace", "agent", "run", "call", "parent", "timeout_ms", "chain", "idempotency_key", "traceparent", "method", "arguments", "path", "client", "watched", "others", "approve")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    WATCHED_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    agent: Agent
    run: str
    call: str
    parent: str
    timeout_ms: int
    chain: _containers.RepeatedScalarFieldContainer[str]
    idempotency_key: str
    traceparent: str
    method: str
    arguments: Payload
    path: _containers.RepeatedScalarFieldContainer[int]
    client: str
    watched: bool
    others: _containers.RepeatedScalarFieldContainer[str]
    approve: Approve
    def __init__(self, workspace: _Optional[str] = ..., agent: _Optional[_Union[Agent, _Mapping]] = ..., run: _Optional[str] = ..., call: _Optional[str] = ..., parent: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., chain: _Optional[_Iterable[str]] = ..., idempotency_key: _Optional[str] = ..., traceparent: _Optional[str] = ..., method: _Optional[str] = ..., arguments: _Optional[_Union[Payload, _Mapping]] = ..., path: _Optional[_Iterable[int]] = ..., client: _Optional[str] = ..., watched: bool = ..., others: _Optional[_Iterable[str]] = ..., approve: _Optional[_Union[Approve, _Mapping]] = ...) -> None: ...

class Approve(_message.Message):
    __slots__ = ("rules",)
    class RulesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.ScalarMap[str, str]
    def __init__(self, rules: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("call", "done", "error")
    CALL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    call: str
    done: Payload
    error: Error
    def __init__(self, call: _Optional[str] = ..., done: _Optional[_Union[Payload, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("type", "message", "traceback", "hint", "builtin")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    traceback: str
    hint: str
    builtin: str
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., traceback: _Optional[str] = ..., hint: _Optional[str] = ..., builtin: _Optional[str] = ...) -> None: ...

class Fetch(_message.Message):
    __slots__ = ("call", "drop")
    CALL_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    call: str
    drop: bool
    def __init__(self, call: _Optional[str] = ..., drop: bool = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("call", "why", "run")
    CALL_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    call: str
    why: str
    run: str
    def __init__(self, call: _Optional[str] = ..., why: _Optional[str] = ..., run: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("kind", "call", "agent", "run", "parent", "root", "data", "error")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    kind: str
    call: str
    agent: str
    run: str
    parent: str
    root: str
    data: Payload
    error: Error
    def __init__(self, kind: _Optional[str] = ..., call: _Optional[str] = ..., agent: _Optional[str] = ..., run: _Optional[str] = ..., parent: _Optional[str] = ..., root: _Optional[str] = ..., data: _Optional[_Union[Payload, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Question(_message.Message):
    __slots__ = ("id", "call", "agent", "prompt", "timeout_ms", "default")
    ID_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    id: str
    call: str
    agent: str
    prompt: str
    timeout_ms: int
    default: str
    def __init__(self, id: _Optional[str] = ..., call: _Optional[str] = ..., agent: _Optional[str] = ..., prompt: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., default: _Optional[str] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("id", "text", "absent")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    absent: bool
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ..., absent: bool = ...) -> None: ...

class Topic(_message.Message):
    __slots__ = ("type", "source")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    type: str
    source: str
    def __init__(self, type: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("type", "content_type", "data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    type: str
    content_type: str
    data: bytes
    def __init__(self, type: _Optional[str] = ..., content_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class Post(_message.Message):
    __slots__ = ("id", "sender", "agent", "topic", "body", "message_id", "method", "timeout_ms", "stream", "recipients", "metadata", "holding", "run", "approve", "turns", "ahead")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    HOLDING_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    AHEAD_FIELD_NUMBER: _ClassVar[int]
    id: int
    sender: Agent
    agent: Agent
    topic: Topic
    body: Value
    message_id: str
    method: str
    timeout_ms: int
    stream: bool
    recipients: _containers.RepeatedCompositeFieldContainer[Agent]
    metadata: _containers.ScalarMap[str, str]
    holding: _containers.RepeatedCompositeFieldContainer[Agent]
    run: str
    approve: Approve
    turns: _containers.RepeatedScalarFieldContainer[str]
    ahead: int
    def __init__(self, id: _Optional[int] = ..., sender: _Optional[_Union[Agent, _Mapping]] = ..., agent: _Optional[_Union[Agent, _Mapping]] = ..., topic: _Optional[_Union[Topic, _Mapping]] = ..., body: _Optional[_Union[Value, _Mapping]] = ..., message_id: _Optional[str] = ..., method: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., stream: bool = ..., recipients: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., holding: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ..., run: _Optional[str] = ..., approve: _Optional[_Union[Approve, _Mapping]] = ..., turns: _Optional[_Iterable[str]] = ..., ahead: _Optional[int] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("id", "done", "error", "chunk")
    ID_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    id: int
    done: Value
    error: Error
    chunk: Value
    def __init__(self, id: _Optional[int] = ..., done: _Optional[_Union[Value, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., chunk: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class More(_message.Message):
    __slots__ = ("id", "bytes")
    ID_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    bytes: int
    def __init__(self, id: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Withdraw(_message.Message):
    __slots__ = ("id", "why")
    ID_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    id: int
    why: str
    def __init__(self, id: _Optional[int] = ..., why: _Optional[str] = ...) -> None: ...
