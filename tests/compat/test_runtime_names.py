"""AgentScope Runtime's module paths: each name is there, and a program in their terms runs."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from nbagents.compat.agentscope_runtime import _table


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The key of a demo server that answers for DashScope's models, which programs find by its variable."""
    with subprocess.Popen(
        [sys.executable, "-m", "nbagents.demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"stand_in": "demo-fast"}) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
        monkeypatch.setenv("DASHSCOPE_BASE_URL", told["base_url"])
        yield told["key"]
        process.stdin.close()


@pytest.mark.parametrize("path", sorted(_table.MODULES))
def test_each_name_is_there(path: str):
    name = "nbagents.compat.agentscope_runtime" + (f".{path}" if path else "")
    module = importlib.import_module(name)
    for known in module.__all__:
        assert getattr(module, known) is not None


def test_what_is_not_there_says_what_to_do():
    with pytest.raises(ImportError, match="execute_python_code"):
        from nbagents.compat.agentscope_runtime.sandbox import BaseSandbox  # noqa: F401


def test_a_service_that_keeps_what_its_agent_has_become(key: str):
    """Three requests over HTTP: two of a session, one of another; its agent remembers each session alone."""
    from nbagents.compat.agentscope.agent import ReActAgent
    from nbagents.compat.agentscope.formatter import DashScopeChatFormatter
    from nbagents.compat.agentscope.model import DashScopeChatModel
    from nbagents.compat.agentscope.pipeline import stream_printing_messages
    from nbagents.compat.agentscope.tool import Toolkit
    from nbagents.compat.agentscope_runtime.adapters.agentscope.memory import AgentScopeSessionHistoryMemory
    from nbagents.compat.agentscope_runtime.engine import AgentApp
    from nbagents.compat.agentscope_runtime.engine.deployers import LocalDeployManager
    from nbagents.compat.agentscope_runtime.engine.services.agent_state import InMemoryStateService
    from nbagents.compat.agentscope_runtime.engine.services.session_history import (
        InMemorySessionHistoryService,
    )

    served = AgentApp(app_name="Librarian")

    @served.init
    async def begin(self: Any) -> None:
        self.states, self.history = InMemoryStateService(), InMemorySessionHistoryService()
        await self.states.start()
        await self.history.start()

    @served.shutdown
    async def end(self: Any) -> None:
        await self.states.stop()
        await self.history.stop()

    @served.query(framework="agentscope")
    async def answer(self: Any, msgs: Any, request: Any = None, **kwargs: Any) -> Any:
        who = {"user_id": request.user_id, "session_id": request.session_id}
        known = await self.states.export_state(**who)
        librarian = ReActAgent(
            name="Librarian",
            sys_prompt="You count the messages that you were sent.",
            model=DashScopeChatModel("qwen-turbo", api_key=key, stream=True),
            formatter=DashScopeChatFormatter(),
            toolkit=Toolkit(),
            memory=AgentScopeSessionHistoryMemory(service=self.history, **who),
        )
        librarian.set_console_output_enabled(enabled=False)
        if known:
            librarian.load_state_dict(known)
        async for said, last in stream_printing_messages(agents=[librarian], coroutine_task=librarian(msgs)):
            yield said, last
        await self.states.save_state(state=librarian.state_dict(), **who)

    def ask(deployed: dict[str, Any], text: str, session: str) -> list[dict[str, Any]]:
        host, _, port = deployed["url"].rpartition("/")[2].partition(":")
        body = {"input": [{"content": text}], "session_id": session, "user_id": "ada"}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {deployed['token']}"}
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("POST", "/process", json.dumps(body), headers)
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    async def steps() -> list[list[dict[str, Any]]]:
        manager = LocalDeployManager(port=0)
        deployed = await served.deploy(manager)
        try:
            asked = [("one", "s1"), ("two", "s1"), ("three", "s2")]
            return [await asyncio.to_thread(ask, deployed, *each) for each in asked]
        finally:
            await manager.stop(deployed["deploy_id"])

    first, second, other = asyncio.run(steps())
    texts = [told[-1]["output"][-1]["content"][0]["text"] for told in (first, second, other)]
    assert [told[-1]["status"] for told in (first, second, other)] == ["completed"] * 3
    assert len([event for event in first if event.get("delta")]) > 3, "it came in pieces"
    # The demo model tells how many messages it was sent: the prompt, what was said before, the question.
    assert ["2 messages" in texts[0], "4 messages" in texts[1], "2 messages" in texts[2]] == [True] * 3, texts
