"""Model configurations brought to servers that run already."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack

import pytest

from nbagents.rpc import RpcAgentServerLauncher, _configuring

pytestmark = pytest.mark.posix
CONFIG = {"config_name": "c", "model_type": "openai_chat", "model_name": "demo-fast", "endpoint": "demo"}


def test_servers_that_are_frozen_share_one_patience(runtime, monkeypatch):
    monkeypatch.setattr(_configuring, "PATIENCE", 0.6)
    with ExitStack() as stack:
        launchers = [stack.enter_context(RpcAgentServerLauncher()) for _ in range(3)]
        for one in launchers:
            os.kill(one.connection.pid, signal.SIGSTOP)
            stack.callback(os.kill, one.connection.pid, signal.SIGCONT)
        begun = time.monotonic()
        assert _configuring.configure_servers([CONFIG]) == []
        assert time.monotonic() - begun < 1.4
