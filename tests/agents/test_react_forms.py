"""`ReActAgent`: its arguments in the form of AgentScope 0.x and of 1.x, and those it refuses."""

from __future__ import annotations

import pytest
from tool_models import ScriptedModel, use

from nbagents.agents import DialogAgent, ReActAgent
from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.models import ModelResponse
from nbagents.tools import ServiceToolkit, Toolkit


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def outputs(memory):
    return [block["output"] for m in memory.get_memory() for block in m.get_content_blocks("tool_result")]


def test_the_older_form():
    service = ServiceToolkit()
    service.add(add, b=3)
    by_name = ReActAgent(
        "calc",
        model_config_name=ScriptedModel((use("add", a=2),), "5."),
        service_toolkit=service,
        sys_prompt="You calculate.",
        max_iters=4,
        verbose=False,
    )
    by_place = ReActAgent(
        "calc", ScriptedModel((use("add", a=2),), "5."), service, "You calculate.", 4, False
    )
    for agent in (by_name, by_place):
        assert (agent.max_iters, agent.verbose, agent.sys_prompt) == (4, False, "You calculate.")
        assert agent(Msg("user", "2?", "user")).content == "5."
        assert outputs(agent.memory) == ["5"]


def test_places_and_names_of_the_older_form_go_together():
    service = ServiceToolkit()
    service.add(add)
    for args, kwargs in [
        (("calc", ScriptedModel("Hi.")), {"service_toolkit": service, "sys_prompt": "You calculate."}),
        (("calc", ScriptedModel("Hi."), service), {"sys_prompt": "You calculate."}),
        (("calc", "You calculate."), {"service_toolkit": service, "model_config_name": ScriptedModel("Hi.")}),
    ]:
        agent = ReActAgent(*args, **kwargs)
        assert (agent.sys_prompt, agent.toolkit) == ("You calculate.", service)
        assert agent("hi").content == "Hi."
    with pytest.raises(UsageError, match="calc is given service_toolkit twice"):
        ReActAgent("calc", "demo", service, service_toolkit=service)


def test_what_is_not_here_is_named():
    with pytest.raises(UsageError, match="calc: a ReActAgent takes no knowledge=") as refused:
        ReActAgent("calc", "You calculate.", "demo", knowledge=["a book"])
    assert "as a tool" in str(refused.value.hint)
    model = ScriptedModel("Hi.")
    assert ReActAgent("calc", model=model, print_hint_msg=False, knowledge=None)("hi").content == "Hi."


def test_arguments_of_both_versions_are_refused():
    with pytest.raises(UsageError, match=r"calc is given toolkit=, .*1\.x, and model_config_name="):
        ReActAgent("calc", toolkit=Toolkit(), model_config_name="demo")
    with pytest.raises(UsageError, match="not list"):
        ReActAgent("calc", model="demo", toolkit=[add])
    with pytest.raises(UsageError, match=r"the model of calc is .* not list"):
        ReActAgent("calc", model=[1])
    with pytest.raises(UsageError, match=r"the memory of calc .* it is no list"):
        ReActAgent("calc", model="demo", memory=[])


def test_a_model_that_answers_with_a_text_is_told_how():
    class Texts(ScriptedModel):
        def __call__(self, messages, **generate_args):
            return "Hi."

    with pytest.raises(UsageError, match="returned a str itself, not a response"):
        ReActAgent("calc", model=Texts())("hi").result()


@pytest.mark.parametrize("kind", [ReActAgent, DialogAgent])
@pytest.mark.parametrize("spelled", ["x", "msg"])
def test_what_an_agent_is_told_may_be_spelled_either_way(kind, spelled):
    class Texts(ScriptedModel):
        def __call__(self, messages, **generate_args):
            return ModelResponse(text=messages[-1]["content"].upper())

    agent = kind("poet", "You write.", Texts())
    assert agent(**{spelled: Msg("user", "rain", "user")}).content == "RAIN"
    assert [message.content for message in agent.memory.get_memory()] == ["rain", "RAIN"]
