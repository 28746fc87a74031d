"""An app as AgentScope Runtime's users write it: served, asked and deployed from cells of a real kernel."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from nbagents.app import deployments, stop_deployment

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]

CELLS = (
    """
import os

from nbagents.compat.agentscope.agent import ReActAgent
from nbagents.compat.agentscope.formatter import DashScopeChatFormatter
from nbagents.compat.agentscope.model import DashScopeChatModel
from nbagents.compat.agentscope.pipeline import stream_printing_messages
from nbagents.compat.agentscope.tool import Toolkit
from nbagents.compat.agentscope_runtime.adapters.agentscope.memory import AgentScopeSessionHistoryMemory
from nbagents.compat.agentscope_runtime.engine import AgentApp
from nbagents.compat.agentscope_runtime.engine.deployers import LocalDeployManager
from nbagents.compat.agentscope_runtime.engine.schemas.agent_schemas import AgentRequest
from nbagents.compat.agentscope_runtime.engine.services.agent_state import InMemoryStateService
from nbagents.compat.agentscope_runtime.engine.services.session_history import InMemorySessionHistoryService
""",
    'clerk_app = AgentApp(app_name="Clerk", app_description="Does sums")',
    """
@clerk_app.init
async def begin(self):
    self.states, self.talks = InMemoryStateService(), InMemorySessionHistoryService()
    await self.states.start()
    await self.talks.start()

@clerk_app.shutdown
async def end(self):
    await self.states.stop()
    await self.talks.stop()
""",
    """
@clerk_app.query(framework="agentscope")
async def answer(self, msgs, request: AgentRequest = None, **kwargs):
    who = {"session_id": request.session_id, "user_id": request.user_id}
    before = await self.states.export_state(**who)
    clerk = ReActAgent(
        name="Clerk",
        model=DashScopeChatModel("qwen-max", api_key=os.getenv("DASHSCOPE_API_KEY"), stream=True),
        sys_prompt="You do sums.",
        toolkit=Toolkit(),
        memory=AgentScopeSessionHistoryMemory(service=self.talks, **who),
        formatter=DashScopeChatFormatter(),
    )
    clerk.set_console_output_enabled(enabled=False)
    if before:
        clerk.load_state_dict(before)
    async for msg, last in stream_printing_messages(agents=[clerk], coroutine_task=clerk(msgs)):
        yield msg, last
    await self.states.save_state(state=clerk.state_dict(), **who)
""",
)


@pytest.fixture
def endpoint() -> Iterator[dict[str, str]]:
    """The demo models at an address of their own, whatever they are called by."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbagents.demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write('{"stand_in": "demo-fast"}\n')
    process.stdin.flush()
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
        for one in deployments():
            stop_deployment(one.deploy_id)


def asked(port: int, token: str, text: str) -> str:
    base = f"http://127.0.0.1:{port}/compatible-mode/v1"
    with openai.OpenAI(base_url=base, api_key=token, max_retries=0) as client:
        return client.responses.create(model="any_name", input=text).output_text


def test_cells_in_the_runtimes_terms_serve_and_are_deployed(
    new_kernel: Any, endpoint: dict[str, str]
) -> None:
    kernel = new_kernel()
    where = {"DASHSCOPE_BASE_URL": endpoint["base_url"], "DASHSCOPE_API_KEY": endpoint["key"]}
    for cell in (f"import os\nos.environ.update({where!r})", *CELLS):
        assert kernel.run(cell).error == ""
    assert "0.0.0.0 is open to other machines" in kernel.run('clerk_app.run(host="0.0.0.0")').error
    token = kernel.run("print(clerk_app.token)").stdout.strip()
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    run = f'clerk_app.run(host="127.0.0.1", port={ports[0]})'
    for _ in range(2):  # a cell that is run again serves again
        assert kernel.run(run).error == ""
        assert asked(ports[0], token, "What is 6 * 7?") == "6 * 7 = 42"
    thread = f'await clerk_app.deploy(LocalDeployManager(host="127.0.0.1", port={ports[1]}))'
    process = f'await clerk_app.deploy(LocalDeployManager(port={ports[0]}), mode="detached_process")'
    shown = kernel.run(f"told = {thread}\ntold")
    assert shown.error == ""
    assert "'token': '***'" in shown.card
    assert token not in str(shown.outputs)  # which the notebook keeps
    for port in ports:  # where it ran it serves on
        assert asked(port, token, "What is 6 * 8?") == "6 * 8 = 48"
    assert "taken by your own Clerk" in kernel.run(process).error
    assert kernel.run("clerk_app.serving.stop()").error == ""
    assert kernel.run(f"told = {process}").error == ""
    assert kernel.run("print(told['token'] == clerk_app.token)").stdout == "True\n"
    assert [asked(port, token, "What is 6 * 8?") for port in ports] == ["6 * 8 = 48"] * 2
    assert [one.mode for one in deployments()] == ["daemon_thread", "detached_process"]
