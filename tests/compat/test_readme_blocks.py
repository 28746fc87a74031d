"""The code of AgentScope's README (0.0.1), block by block, with no other change than the import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents.asking import scripted
from nbagents.models import clear_model_configs

ROOT = "nbagents.compat.agentscope"
PICTURE = "/path/to/picture.jpg"
BLOCKS = {
    "agents": """
from agentscope.agents import DialogAgent, UserAgent
import agentscope

agentscope.init(model_configs="./model_configs.json")

dialog_agent = DialogAgent(name="assistant",
                           model_or_config_name="your_config_name")
user_agent = UserAgent()
""",
    "messages": """
from agentscope.message import Msg

x = Msg(name="Alice", content="Hi!")
x = Msg("Bob", "What about this picture I took?", url="/path/to/picture.jpg")
""",
    "conversation": """
x = None
while True:
  x = dialog_agent(x)
  x = user_agent(x)
  if x.content == "exit":
    break
""",
    "by hand": """
x1 = agent1(input_msg)
x2 = agent2(x1)
x3 = agent3(x2)
""",
    "pipeline": """
from agentscope.pipelines import SequentialPipeline

pipe = SequentialPipeline([agent1, agent2, agent3])
x3 = pipe(input_msg)
""",
    "functional": """
from agentscope.pipelines.functional import sequentialpipeline

x3 = sequentialpipeline([agent1, agent2, agent3], x=input_msg)
""",
    "without a hub": """
x1 = agent1(x)
agent2.observe(x1)
agent3.observe(x1)

x2 = agent2(x1)
agent1.observe(x2)
agent3.observe(x2)
""",
    "hub": """
from agentscope import msghub

with msghub(participants=[agent1, agent2, agent3]) as hub:
    agent1()
    agent2()

    hub.broadcast(Msg("Host", "欢迎加入群组对话！"))

    hub.delete(agent1)
    hub.add(agent4)
""",
    "own agent": """
from agentscope.agents import AgentBase

class MyAgent(AgentBase):

    def reply(self, x):

        response = self.model(x).raw
        return response
""",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run blocks by name, all in one place, as one would type them; return the names they made."""
    folder: Path = tmp_path_factory.mktemp("readme")
    config = {"config_name": "your_config_name", "model_type": "openai", "model_name": "demo-fast"}
    (folder / "model_configs.json").write_text(json.dumps(config | {"endpoint": "demo"}))
    names: dict[str, Any] = {}

    def run(*blocks: str, answers: tuple[str, ...] = (), **given: Any) -> dict[str, Any]:
        names.update(given)
        with pytest.MonkeyPatch.context() as patch, scripted(answers):
            patch.chdir(folder)
            for block in blocks:
                exec(BLOCKS[block].replace("agentscope", ROOT), names)
        return names

    run("agents", "messages")
    yield run
    clear_model_configs()


def test_agents_and_messages(run: Any) -> None:
    names = run()
    assert names["dialog_agent"].model.model_name == "demo-fast"
    x = names["x"]
    assert (x.name, x.content, x.url, x["url"]) == (
        "Bob",
        "What about this picture I took?",
        PICTURE,
        PICTURE,
    )


def test_a_conversation_until_exit(run: Any) -> None:
    names = run("conversation", answers=("What is 6 * 7?", "exit"))
    said = [(m.name, m.content) for m in names["dialog_agent"].memory]
    assert said[1:3] == [("User", "What is 6 * 7?"), ("assistant", "6 * 7 = 42")]
    assert names["x"].content == "exit"


def agents(names: dict[str, Any]) -> dict[str, Any]:
    made = {f"agent{n}": names["DialogAgent"](f"agent{n}", "", "your_config_name") for n in (1, 2, 3, 4)}
    return made | {"input_msg": names["Msg"]("user", "Count to 3."), "x": names["Msg"]("user", "Hello")}


def test_the_pipelines_say_what_calls_by_hand_say(run: Any) -> None:
    said = [run(block, **agents(run()))["x3"].content for block in ("by hand", "pipeline", "functional")]
    assert said[0]
    assert said == said[:1] * 3


def test_a_hub_hears_what_calls_by_hand_hear(run: Any) -> None:
    def heard(*numbers: int) -> list[list[str]]:
        return [[m.name for m in run()[f"agent{n}"].memory] for n in numbers]

    run("without a hub", **agents(run()))
    assert heard(2, 3) == [["agent1", "agent2"], ["agent1", "agent2"]]
    run("hub", **agents(run()))
    assert heard(1, 2, 3, 4) == [["agent1", "agent2", "Host"]] * 3 + [[]]


def test_an_agent_of_ones_own(run: Any) -> None:
    names = run("own agent")
    mine = names["MyAgent"]("mine", model_config_name="your_config_name")
    raw = mine(names["Msg"]("user", "What is 6 * 7?")).content
    assert raw["choices"][0]["message"]["content"] == "6 * 7 = 42"
