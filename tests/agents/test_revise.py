"""`revise`: a person looks at what an agent remembers, and changes it."""

from __future__ import annotations

import pytest

from nbagents.agents import AgentBase, DialogAgent, revise
from nbagents.exceptions import UsageError
from nbagents.hub import msghub
from nbagents.message import Msg
from nbagents.rpc import RpcAgentServerLauncher


class Listener(AgentBase):
    async def reply(self, x=None):
        self.memory.add(x)
        return f"I know {self.memory.size()}"


class Amnesiac(AgentBase):
    def __init__(self, name):
        super().__init__(name, use_memory=False)


def said(answer):
    return [entry["content"] for entry in answer.content["entries"]]


@pytest.fixture(params=["here", "in a server"])
def listener(request):
    if request.param == "here":
        yield Listener("listener")
        return
    with RpcAgentServerLauncher(port=0, custom_agent_classes=[Listener]) as server:
        yield Listener("listener").to_dist(host="localhost", port=server.port)


def test_a_change_comes_after_the_calls_made_before_and_before_those_made_after(listener):
    first = Msg("user", "one")
    listener(first)
    listener(Msg("user", "two"))
    rewound = revise(listener, {"op": "rewind", "id": first.id})
    assert listener(Msg("user", "three")).content == "I know 2"
    assert said(rewound) == ["one"]
    assert said(revise(listener)) == ["one", "three"]
    assert said(revise(listener, {"op": "undo"})) == ["one", "two", "three"]


def test_editing_muting_and_deleting_name_the_message(listener):
    messages = [Msg("user", text) for text in ("one", "two", "three")]
    for message in messages:
        listener.observe(message)
    revise(listener, {"op": "edit", "id": messages[0].id, "content": "uno"})
    revise(listener, {"op": "mute", "id": messages[1].id})
    answer = revise(listener, {"op": "delete", "id": messages[2].id})
    assert said(answer) == ["uno", "two"]
    assert [entry["muted"] for entry in answer.content["entries"]] == [False, True]
    assert answer.content["undo"]
    assert said(revise(listener, {"op": "clear"})) == []


@pytest.mark.parametrize(
    "change",
    [{"op": "burn"}, {"op": "edit", "id": "nobody", "content": "x"}, {}, {"op": "edit", "id": 7}],
)
def test_a_change_that_cannot_be_made_says_whose_and_what(listener, change):
    with pytest.raises(UsageError, match=r"listener|remembered"):
        revise(listener, change).result(10)


def test_an_agent_without_memory_says_so():
    with pytest.raises(UsageError, match="amnesiac has no memory"):
        revise(Amnesiac("amnesiac")).result(10)


def test_members_of_a_hub_do_not_hear_it(listener):
    other = Listener("other")
    with msghub([listener, other]):
        revise(listener).result(10)
    assert other.memory.size() == 0


def test_what_the_model_would_be_sent_leaves_out_what_is_muted():
    poet = DialogAgent("poet", "You are a poet.", "demo")
    note, ask = Msg("critic", "Too long!"), Msg("user", "Rain?")
    poet.observe([note, ask])
    answer = revise(poet, {"op": "mute", "id": note.id}).content
    assert [entry["content"] for entry in answer["sent"]] == ["You are a poet.", "Rain?"]
