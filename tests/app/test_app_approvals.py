"""Tools that somebody would have to allow, in an app: nobody is asked, and it says what to do."""

from __future__ import annotations

import http.client
import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

APP = """
import sys
from nbagents import AgentApp, Msg, ReActAgent, Toolkit
from nbagents.tools import effects

@effects("write")
def count_words(text: str) -> int:
    '''Count the words of a text, and write that down.

    Args:
        text: The text.
    '''
    return len(text.split())

app = AgentApp(token="known-token")

@app.query()
async def answer(self, msgs, request=None):
    toolkit = Toolkit(approve={approve})
    toolkit.register_tool_function(count_words)
    agent = ReActAgent("a", "You help.", "demo-fast", toolkit=toolkit)
    agent.set_console_output_enabled(False)
    await agent(msgs)
    for message in agent.memory.get_memory():
        yield message

@app.endpoint("/ask")
async def ask_somebody():
    from nbagents import asking
    answer = await asking.fill(asking.Question("a", "Shall I? ", 30, default="no, nobody was there"))
    return answer.text

serving = app.serve(port=0)
print(serving.port, flush=True)
serving.wait()
"""


def asked(port: int, path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer known-token"}
    connection.request("POST", path, json.dumps(body), headers)
    told = json.loads(connection.getresponse().read())
    connection.close()
    return told


@pytest.mark.posix
@pytest.mark.parametrize("approve", ["None", '{"write": "auto"}'])
def test_nobody_at_the_terminal_of_an_app_is_asked_by_its_clients(approve: str, tmp_path: Any) -> None:
    ours, its = pty.openpty()  # as if somebody sat there
    process = subprocess.Popen(
        [sys.executable, "-c", APP.replace("{approve}", approve)],
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "JUPYTER_DATA_DIR": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        body = {"input": [{"content": 'Please count words of "one two three"'}], "stream": False}
        told = asked(port, "/process", body)
        (output,) = [
            part["data"]["output"]
            for message in told["output"]
            if message["type"] == "plugin_call_output"
            for part in message["content"]
        ]
        assert asked(port, "/ask", {}) == "no, nobody was there"
    finally:
        process.terminate()
        out, errors = process.communicate(timeout=30)
        os.close(ours)
        os.close(its)
    assert "Allow it?" not in out
    assert "Shall I?" not in out
    if approve == "None":
        assert "count_words was not allowed: nobody is there to be asked" in output
        assert "--approve auto" not in errors, "no cell has begun this"
        assert errors.count('To allow it beforehand: `Toolkit(approve={"write": "auto"})`') == 1
    else:
        assert "3" in output
        assert "not allowed" not in errors
