"""Pipelines: agents in sequence, in parallel, by condition and in loops, as objects and as functions.

They know agents and calls, and cannot tell an agent of this process from one in a server.
"""

from ._base import Pipeline
from ._branches import FanOutPipeline, FanoutPipeline, IfElsePipeline, SwitchPipeline
from ._functional import (
    fanout_pipeline,
    fanoutpipeline,
    forlooppipeline,
    ifelsepipeline,
    placeholder,
    sequential_pipeline,
    sequentialpipeline,
    switchpipeline,
    whilelooppipeline,
)
from ._loops import ForLoopPipeline, WhileLoopPipeline
from ._printing import stream_printing_messages
from ._sequence import SequentialPipeline

__all__ = [
    "FanOutPipeline",
    "FanoutPipeline",
    "ForLoopPipeline",
    "IfElsePipeline",
    "Pipeline",
    "SequentialPipeline",
    "SwitchPipeline",
    "WhileLoopPipeline",
    "fanout_pipeline",
    "fanoutpipeline",
    "forlooppipeline",
    "ifelsepipeline",
    "placeholder",
    "sequential_pipeline",
    "sequentialpipeline",
    "stream_printing_messages",
    "switchpipeline",
    "whilelooppipeline",
]
