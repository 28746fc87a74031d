"""What programs for AgentScope 0.x say to agents besides calling them: keywords, classes by name, errors."""

from __future__ import annotations

import warnings

import pytest

from nbagents.agents import AgentBase, DialogAgent, DictDialogAgent, TextToImageAgent, UserAgent
from nbagents.exceptions import ModelUnavailableError, UsageError
from nbagents.models import ModelWrapperBase
from nbagents.parsers import ParserBase


@pytest.mark.parametrize("kind", [DialogAgent, DictDialogAgent, TextToImageAgent, UserAgent])
def test_a_keyword_that_means_nothing_is_warned_of(kind):
    model = ModelWrapperBase("none")
    with pytest.warns(UserWarning, match=rf"ann: colour= does nothing for a {kind.__name__}$") as told:
        agent = kind("ann", model_config_name=model, colour="red")
    assert (agent.name, agent.model, told[0].filename) == ("ann", model, __file__)
    with pytest.warns(UserWarning, match=r"use_memry= does nothing for a \w+; did you mean use_memory="):
        kind("ann", model_config_name=model, use_memry=False)


def test_a_configuration_of_the_memory_says_what_there_is_instead():
    class Older0(AgentBase):
        def __init__(self, name, **kwargs):
            super().__init__(name, sys_prompt="Hi.", use_memory=True, memory_config=kwargs or None)

    with pytest.warns(UserWarning, match=r"memory_config= .* set agent\.memory = TemporaryMemory"):
        assert Older0("ann", embedding_model="x").memory.size() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Older0("ann")
        DialogAgent("ann", None, ModelWrapperBase("none"), True, {})


def test_classes_are_had_by_name():
    class Older1(AgentBase):
        pass

    first = Older1

    class Older1(AgentBase):  # as a cell that is run again
        pass

    assert AgentBase.get_agent_class("Older1") is Older1 is not first
    assert AgentBase.get_agent_class("DialogAgent") is DialogAgent
    with pytest.raises(UsageError, match=r"no agent class 'Older'\. Did you mean 'Older1'"):
        AgentBase.get_agent_class("Older")
    assert AgentBase.register_agent_class(first)
    assert AgentBase.get_agent_class("Older1") is first
    with pytest.raises(UsageError, match="subclass of AgentBase"):
        AgentBase.register_agent_class(dict)
    assert AgentBase.generate_agent_id() != AgentBase.generate_agent_id()


def test_one_that_is_called_as_one_of_ours_does_not_take_its_place():
    class DialogAgent(AgentBase):
        pass

    assert AgentBase.get_agent_class("DialogAgent") is not DialogAgent


def test_errors_are_those_that_programs_catch():
    class Older2(AgentBase):
        pass

    with pytest.raises(NotImplementedError, match='missing the required "reply"'):
        Older2("ann")("hi").result()
    with pytest.raises(NotImplementedError):
        ParserBase().read("")
    with pytest.raises(NotImplementedError):
        ModelWrapperBase("none")("hi")
    assert issubclass(ModelUnavailableError, RuntimeError)
