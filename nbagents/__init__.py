"""nbagents: agents live in servers; your notebook watches and steers them.

This is the roof: it names the public things and loads each at first use, so that ``import
nbagents`` costs next to nothing. It is also where the ground floor's sockets are filled.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import _ports
from ._lazy import lazy
from ._version import __version__

if TYPE_CHECKING:
    from ._loop import allow_nested
    from .agents import (
        A2AAgent,
        AgentBase,
        DialogAgent,
        DictDialogAgent,
        ReActAgent,
        TextToImageAgent,
        UserAgent,
        call_options,
        idempotency_key,
    )
    from .app import AgentApp, LocalDeployManager
    from .cli import as_server
    from .hub import MsgHub, MsgHubManager, msghub
    from .memory import InMemoryMemory, LongTermMemory, TemporaryMemory
    from .message import Msg, PlaceholderMessage
    from .models import choose_model
    from .pipelines import (
        FanOutPipeline,
        ForLoopPipeline,
        IfElsePipeline,
        SequentialPipeline,
        SwitchPipeline,
        WhileLoopPipeline,
        fanout_pipeline,
        fanoutpipeline,
        forlooppipeline,
        ifelsepipeline,
        sequential_pipeline,
        sequentialpipeline,
        stream_printing_messages,
        switchpipeline,
        whilelooppipeline,
    )
    from .rpc import (
        TLS,
        AgentGroup,
        AgentServerServicer,
        DistConf,
        RpcAgent,
        RpcAgentClient,
        RpcAgentServerLauncher,
        RpcServerSideWrapper,
    )
    from .runs import record, replay
    from .runtime import (
        ClosureAgent,
        RoutedAgent,
        SingleThreadedAgentRuntime,
        default_subscription,
        message_handler,
        type_subscription,
    )
    from .setup import agent, init, print_llm_usage
    from .tools import (
        ServiceExecStatus,
        ServiceFactory,
        ServiceResponse,
        ServiceToolkit,
        Toolkit,
        ToolResponse,
        execute_python_code,
        execute_shell_command,
    )
    from .topics import (
        AgentId,
        CancellationToken,
        DefaultTopicId,
        MessageContext,
        TopicId,
        TypeSubscription,
    )
    from .tracing import trace

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_loop": "allow_nested",
        "agents": "A2AAgent AgentBase DialogAgent DictDialogAgent ReActAgent TextToImageAgent UserAgent"
        " call_options idempotency_key",
        "app": "AgentApp LocalDeployManager",
        "cli": "as_server",
        "hub": "MsgHub MsgHubManager msghub",
        "memory": "InMemoryMemory LongTermMemory TemporaryMemory",
        "message": "Msg PlaceholderMessage",
        "models": "choose_model",
        "pipelines": "FanOutPipeline ForLoopPipeline IfElsePipeline SequentialPipeline SwitchPipeline"
        " WhileLoopPipeline fanout_pipeline fanoutpipeline forlooppipeline ifelsepipeline"
        " sequential_pipeline sequentialpipeline stream_printing_messages switchpipeline whilelooppipeline",
        "rpc": "TLS AgentGroup AgentServerServicer DistConf RpcAgent RpcAgentClient RpcAgentServerLauncher"
        " RpcServerSideWrapper",
        "runs": "record replay",
        "runtime": "ClosureAgent RoutedAgent SingleThreadedAgentRuntime default_subscription"
        " message_handler type_subscription",
        "setup": "agent init print_llm_usage",
        "tools": "ServiceExecStatus ServiceFactory ServiceResponse ServiceToolkit ToolResponse Toolkit"
        " execute_python_code execute_shell_command",
        "topics": "AgentId CancellationToken DefaultTopicId MessageContext TopicId TypeSubscription",
        "tracing": "trace",
    },
)

__all__ = [
    "TLS",
    "A2AAgent",
    "AgentApp",
    "AgentBase",
    "AgentGroup",
    "AgentId",
    "AgentServerServicer",
    "CancellationToken",
    "ClosureAgent",
    "DefaultTopicId",
    "DialogAgent",
    "DictDialogAgent",
    "DistConf",
    "FanOutPipeline",
    "ForLoopPipeline",
    "IfElsePipeline",
    "InMemoryMemory",
    "LocalDeployManager",
    "LongTermMemory",
    "MessageContext",
    "Msg",
    "MsgHub",
    "MsgHubManager",
    "PlaceholderMessage",
    "ReActAgent",
    "RoutedAgent",
    "RpcAgent",
    "RpcAgentClient",
    "RpcAgentServerLauncher",
    "RpcServerSideWrapper",
    "SequentialPipeline",
    "ServiceExecStatus",
    "ServiceFactory",
    "ServiceResponse",
    "ServiceToolkit",
    "SingleThreadedAgentRuntime",
    "SwitchPipeline",
    "TemporaryMemory",
    "TextToImageAgent",
    "ToolResponse",
    "Toolkit",
    "TopicId",
    "TypeSubscription",
    "UserAgent",
    "WhileLoopPipeline",
    "__version__",
    "agent",
    "allow_nested",
    "as_server",
    "call_options",
    "choose_model",
    "default_subscription",
    "execute_python_code",
    "execute_shell_command",
    "fanout_pipeline",
    "fanoutpipeline",
    "forlooppipeline",
    "idempotency_key",
    "ifelsepipeline",
    "init",
    "message_handler",
    "msghub",
    "print_llm_usage",
    "record",
    "replay",
    "sequential_pipeline",
    "sequentialpipeline",
    "stream_printing_messages",
    "switchpipeline",
    "trace",
    "type_subscription",
    "whilelooppipeline",
]


def _load(home: str, name: str) -> Any:
    return lambda: getattr(importlib.import_module(home, __name__), name)


_ports.make_proxy.fill(_load(".rpc", "make_proxy"))
_ports.fetch_message.fill(_load(".rpc", "fetch_message"))
_ports.mark_agent.fill(_load(".rpc", "mark_of"))
_ports.find_agent.fill(_load(".rpc", "agent_of"))
_ports.look_for_tracer.fill(_load(".tracing", "look"))
_ports.message_spans.fill(_load(".tracing", "MessageSpans"))
_ports.embedding_model.fill(_load(".models", "load_embedding_model"))
_ports.watch_cells.fill(lambda: _watch_cells)


def _watch_cells(listener: Any) -> Any:
    if "IPython" not in sys.modules:  # no notebook, and a script loads none of what notebooks need
        return lambda: None
    return _load(".magics", "watch_cells")()(listener)


def load_ipython_extension(ipython: Any) -> None:
    """Load the magics: ``%load_ext nbagents``."""
    from .magics import load_ipython_extension

    load_ipython_extension(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Take the magics away again."""
    from .magics import unload_ipython_extension

    unload_ipython_extension(ipython)
