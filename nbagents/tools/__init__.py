"""Tools: functions that a model may call. They know messages and events, and neither models nor agents.

`Toolkit` is the form of AgentScope 1.x, `ServiceToolkit` that of 0.x; below them it is the same: a
`Tool` is a function with a JSON schema made of its signature and docstring.
"""

from ._effects import Effect, effects, effects_of
from ._remade import parts_from
from ._reserved import reserved, reserved_of
from ._response import ToolResponse, text_of
from ._run import ToolStream, arguments_of
from ._schema import tidy_schema
from ._service import ServiceExecStatus, ServiceResponse
from ._service_toolkit import ServiceFactory, ServiceToolkit
from ._tool import Tool
from ._toolkit import Toolkit
from .code import Execution, KernelExecutor, execute_python_code, execute_shell_command
from .database import Database, query_mysql, query_postgresql, query_sqlite

__all__ = [
    "Database",
    "Effect",
    "Execution",
    "KernelExecutor",
    "ServiceExecStatus",
    "ServiceFactory",
    "ServiceResponse",
    "ServiceToolkit",
    "Tool",
    "ToolResponse",
    "ToolStream",
    "Toolkit",
    "arguments_of",
    "effects",
    "effects_of",
    "execute_python_code",
    "execute_shell_command",
    "parts_from",
    "query_mysql",
    "query_postgresql",
    "query_sqlite",
    "reserved",
    "reserved_of",
    "text_of",
    "tidy_schema",
]
