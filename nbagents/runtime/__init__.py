"""Typed messages and topics in one process: routed agents, and the runtime that they live in."""

from ._agent import Agent
from ._agent_proxy import AgentProxy
from ._base_agent import BaseAgent, UnboundSubscription
from ._closure_agent import ClosureAgent, ClosureContext
from ._handlers import AnyType, event, message_handler, rpc
from ._instantiation import AgentInstantiationContext
from ._intervention import DefaultInterventionHandler, DropMessage, InterventionHandler
from ._protocol import DEFAULT_TIMEOUT, AgentRuntime, Factory
from ._resident_runtime import ResidentRuntime
from ._residents import OnChunk, Residents
from ._routed_agent import RoutedAgent
from ._routed_proxy import RoutedProxy
from ._single_threaded import SingleThreadedAgentRuntime, open_runtimes
from ._subscribed import default_subscription, handles, subscription_factory, type_subscription
from ._turns import FindRing, Hold, enter_turns, leave_holds, leave_turns, turns_here

__all__ = [
    "DEFAULT_TIMEOUT",
    "Agent",
    "AgentInstantiationContext",
    "AgentProxy",
    "AgentRuntime",
    "AnyType",
    "BaseAgent",
    "ClosureAgent",
    "ClosureContext",
    "DefaultInterventionHandler",
    "DropMessage",
    "Factory",
    "FindRing",
    "Hold",
    "InterventionHandler",
    "OnChunk",
    "ResidentRuntime",
    "Residents",
    "RoutedAgent",
    "RoutedProxy",
    "SingleThreadedAgentRuntime",
    "UnboundSubscription",
    "default_subscription",
    "enter_turns",
    "event",
    "handles",
    "leave_holds",
    "leave_turns",
    "message_handler",
    "open_runtimes",
    "rpc",
    "subscription_factory",
    "turns_here",
    "type_subscription",
]
