"""An app of a notebook's cells in a process of its own, deployed from a real kernel that is then killed."""

from __future__ import annotations

import ast
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents.app import deployments, stop_deployment

pytestmark = pytest.mark.notebook

CELLS = (
    """
import os as system
from collections import Counter

import xml.dom
from counting import double
from pydantic import BaseModel

from nbagents import AgentApp, LocalDeployManager, Msg, ReActAgent, Toolkit, stream_printing_messages

NAME, unused = "Friday", open("/dev/null")
NAME = "Friday"
app = AgentApp(
    app_name=NAME,
    app_description="Counts words",
)
""",
    """
class Pair(BaseModel):
    first: int
    second: int = 2

def count_words(text: str) -> int:
    \"\"\"Count the words of a text.

    Args:
        text: The text.
    \"\"\"
    return sum(Counter(text.split()).values())

@app.init
async def begin(self):
    self.toolkit = Toolkit()
    self.toolkit.register_tool_function(count_words)
""",
    """
@app.query()
async def answer(self, msgs, request=None, **kwargs):
    agent = ReActAgent(NAME, "You count.", "demo-fast", toolkit=self.toolkit)
    agent.set_console_output_enabled(False)
    async for message, last in stream_printing_messages([agent], agent(msgs)):
        yield message, last

@app.endpoint("/add")
def add(pair: Pair) -> int:
    return double(pair.first) + pair.second + 0 * len(xml.dom.__name__)
""",
)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    for one in deployments():
        stop_deployment(one.deploy_id)


def asked(url: str, token: str, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Connection": "close"}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_it_goes_on_when_the_kernel_is_killed_and_the_next_one_ends_it(
    new_kernel: Any, tmp_path: Path
) -> None:
    (tmp_path / "counting.py").write_text("def double(n):\n    return 2 * n\n")
    kernel = new_kernel()
    for cell in CELLS:
        assert kernel.run(cell).error == ""
    told = kernel.run(
        "manager = LocalDeployManager(port=0)\n"
        "told = await app.deploy(manager, mode='detached_process')\n"
        "import json\n"
        "print(json.dumps({**told, 'token_of_app': app.token}))"
    )
    assert told.error == ""
    about = json.loads(told.stdout)
    assert about["token"] == about["token_of_app"]
    (one,) = deployments()
    assert (one.name, one.source, one.alive) == ("Friday", "cells", True)
    written = (one.folder / "app.py").read_text()
    assert [type(node).__name__ for node in ast.parse(written).body].count("Import") == 2, written
    assert "/dev/null" not in written
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    kernel.close()
    reply = asked(
        one.url,
        about["token"],
        "/process",
        {"input": [{"content": 'Please count words of "one two three"'}], "stream": False},
    )
    assert reply["status"] == "completed"
    kinds = [message["type"] for message in reply["output"]]
    assert kinds[:2] == ["plugin_call", "plugin_call_output"], reply
    assert asked(one.url, about["token"], "/add", {"first": 20}) == 42
    later = new_kernel()
    listed = later.run(
        "from nbagents.app import LocalDeployManager, deployments\n"
        "print([(one.deploy_id, one.alive) for one in deployments()])"
    )
    assert listed.stdout == f"[({about['deploy_id']!r}, True)]\n"
    assert later.run("%load_ext nbagents").error == ""
    for word in ("Friday", one.url, "serves", f"nbagents app stop {one.deploy_id}"):
        assert word in later.run("%agents").card
    stopped = later.run(f"(await LocalDeployManager().stop({about['deploy_id']!r}))['success']")
    assert stopped.card == "True"
    assert deployments() == []
    assert not one.alive
    assert "Friday" not in later.run("%agents").card


@pytest.fixture(scope="module")
def shared(kernel_of: Any) -> Any:
    kernel = kernel_of({})
    kernel.run(
        "from nbagents import AgentApp, Msg\n"
        "from nbagents.app._export import export\n"
        "file = open('/dev/null')\nlimit = 3\nstate = {}"
    )
    return kernel


REFUSED = {
    "a value": (
        "@app.query()\ndef answer(self, msgs):\n    return Msg('a', str(file))",
        "answer cannot go to a new process: it uses file, a TextIOWrapper, which cannot travel: make it in"
        " the function of @app.init and keep it on self, or import file from a module",
    ),
    "a constant in small letters": (
        "@app.query()\ndef answer(self, msgs):\n    return Msg('a', str(limit))",
        "or write its name in capitals if it is a constant",
    ),
    "a name that helpers use": (
        "def helper():\n    return state\n@app.query()\ndef answer(self, msgs):\n    return helper()",
        "helper cannot go to a new process: it uses state, a dict, which cannot travel",
    ),
    "nothing of that name": (
        "@app.query()\ndef answer(self, msgs):\n    return no_such_thing",
        "it uses no_such_thing, which is not defined in the notebook",
    ),
    "what changes": (
        "@app.query()\ndef answer(self, msgs):\n    global limit\n    limit += 1",
        "`global limit`: what changes belongs to the app, so keep it on self",
    ),
    "a function given by a call": (
        "def answer(self, msgs):\n    return 'x'\napp.query()(answer)",
        "the function of @app.query was given to the app by a call",
    ),
    "a function without a name": (
        "app.query()(lambda self, msgs: 'x')",
        "the function of @app.query was given to the app by a call",
    ),
    "no function": ("pass", "this app has no function yet"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_cannot_go_is_named_with_what_to_do(shared: Any, what: str) -> None:
    code, said = REFUSED[what]
    assert shared.run(f"app = AgentApp()\n{code}").error == ""
    error = shared.run("export(app).text").error
    assert error.startswith("DeploymentError: ")
    assert said in error


def test_the_cells_that_were_run_last_count(shared: Any) -> None:
    shared.run("agent_app = AgentApp(app_name='first')\nGREETING = 'hi'")
    shared.run("agent_app = AgentApp(app_name='second')\napp = agent_app")
    shared.run("@app.query()\ndef answer(self, msgs):\n    return 'old'")
    shared.run(
        "if True:\n    @app.query(framework='text')\n    def answer(self, msgs: 'list[Msg]'):\n"
        "        yield f'{GREETING} anew'"
    )
    assert shared.run("made = export(app)").error == ""
    written = shared.run("print(made.text)").stdout
    assert "'second'" in written
    assert "GREETING = 'hi'" in written
    assert (
        written.index("agent_app = AgentApp") < written.index("app = agent_app") < written.index("@app.query")
    )
    assert "first" not in written
    assert "old" not in written
    compile(written, "app.py", "exec")


def test_what_the_app_itself_is_given_comes_before_it(shared: Any) -> None:
    shared.run("from contextlib import asynccontextmanager\nfrom nbagents.app import AgentRequest")
    shared.run(
        "@asynccontextmanager\nasync def around(app):\n    yield\n\n"
        "class Mine(AgentRequest):\n    mood: str = 'calm'\n\n"
        "def prepare(self):\n    self.n = 1\n\n"
        "app = AgentApp(lifespan=around, request_model=Mine, before_start=prepare,\n"
        "               after_finish=lambda self: print(self.n))"
    )
    shared.run(
        "from __future__ import annotations\n"
        "@app.query()\nasync def answer(self, msgs, request: Mine):\n    yield request.mood"
    )
    assert shared.run("made = export(app)").error == ""
    written = shared.run("print(made.text)").stdout
    assert written.index("from __future__ import annotations") < written.index("from contextlib import")
    order = [written.index(text) for text in ("def around", "app = AgentApp", "@app.query")]
    assert order == sorted(order)
    assert max(map(written.index, ("class Mine", "def prepare"))) < order[1]
    assert "after_finish=lambda self: print(self.n))" in written
    # It is a module like any other: what it says can be imported.
    run = shared.run(
        "import pathlib\nfrom nbagents.app._target import load_file\n"
        "path = pathlib.Path('app_of_cells.py')\npath.write_text(made.text)\n"
        "load_file(path, made.name).request_model.model_fields['mood'].default"
    )
    assert run.card == "'calm'", run.error
