"""Tools: functions that a model may call. They know messages and events, and neither models nor agents.

`Toolkit` is the form of AgentScope 1.x, `ServiceToolkit` that of 0.x; below them it is the same: a
`Tool` is a function with a JSON schema made of its signature and docstring.
"""

from ._audit import audit_calls, audit_log
from ._effects import Effect, effects, effects_of
from ._policy import RULES, Policy, forget_run, rule_for, run_policy, set_run_policy
from ._remade import parts_from
from ._response import ToolResponse, text_of
from ._run import ToolStream, arguments_of
from ._schema import tidy_schema
from ._service import ServiceExecStatus, ServiceResponse
from ._service_toolkit import ServiceFactory, ServiceToolkit
from ._tool import Tool
from ._toolkit import Toolkit

__all__ = [
    "RULES",
    "Effect",
    "Policy",
    "ServiceExecStatus",
    "ServiceFactory",
    "ServiceResponse",
    "ServiceToolkit",
    "Tool",
    "ToolResponse",
    "ToolStream",
    "Toolkit",
    "arguments_of",
    "audit_calls",
    "audit_log",
    "effects",
    "effects_of",
    "forget_run",
    "parts_from",
    "rule_for",
    "run_policy",
    "set_run_policy",
    "text_of",
    "tidy_schema",
]
