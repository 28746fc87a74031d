"""`ReActAgent`: reasons, calls tools, replies."""

from __future__ import annotations

import asyncio
import threading

import pydantic
import pytest
from tool_models import ScriptedModel, use

from nbagents.agents import AgentBase, ReActAgent
from nbagents.exceptions import CallCancelledError, SchemaMismatchError
from nbagents.message import Msg
from nbagents.tools import Toolkit


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


def tools(*functions):
    toolkit = Toolkit()
    for function in functions:
        toolkit.register_tool_function(function)
    return toolkit


def react(model, *functions, **options):
    return ReActAgent("calc", "You calculate.", model, toolkit=tools(*functions), **options)


def is_valid(memory) -> bool:
    """Has each tool call a result, and each result a call?"""
    calls = [block["id"] for m in memory.get_memory() for block in m.get_content_blocks("tool_use")]
    results = [block["id"] for m in memory.get_memory() for block in m.get_content_blocks("tool_result")]
    return sorted(calls) == sorted(results)


def outputs(memory):
    return [block["output"] for m in memory.get_memory() for block in m.get_content_blocks("tool_result")]


def test_it_calls_tools_and_replies():
    model = ScriptedModel(("Let me see.", use("add", a=2, b=3)), "The sum is 5.")
    agent = react(model, add)
    reply = agent(Msg("user", "2 and 3?"))
    assert (reply.name, reply.role, reply.content) == ("calc", "assistant", "The sum is 5.")
    assert [tool["function"]["name"] for tool in model.asked[0]["tools"]] == ["add"]
    assert model.sent[1][1:] == [
        {"role": "user", "name": "user", "content": "2 and 3?"},
        {
            "role": "assistant",
            "name": "calc",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "c-add",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c-add", "content": "5"},
    ]
    assert [message.role for message in agent.memory.get_memory()] == [
        "user", "assistant", "system", "assistant",
    ]  # fmt: skip


def test_with_the_demo_model_over_http():
    agent = ReActAgent("calc", "You count.", "demo", toolkit=tools(count_words))
    assert "3" in agent(Msg("user", "Please count words of 'grey beads shine'")).content
    assert outputs(agent.memory) == ["3"]


def test_errors_of_tools_are_told_to_the_model():
    model = ScriptedModel((use("add", a=2),), (use("sub", a=2),), "I give up.")
    agent = react(model, add)
    assert agent("go").content == "I give up."
    assert "b is missing" in model.sent[1][-1]["content"]
    assert "no tool named 'sub'; there are: add" in model.sent[2][-1]["content"]


def test_calls_of_one_step_can_run_at_the_same_time():
    met = threading.Barrier(2, timeout=20)

    def meet(who: str) -> str:
        met.wait()
        return who

    script = (use("meet", "1", who="a"), use("meet", "2", who="b")), "Met."
    agent = react(ScriptedModel(*script), meet, parallel_tool_calls=True)
    assert agent("meet").content == "Met."
    assert sorted(outputs(agent.memory)) == ["a", "b"]


def test_calls_without_ids_are_told_apart():
    same = {"type": "tool_use", "id": "", "name": "add", "input": {"a": 1, "b": 1}}
    agent = react(ScriptedModel((same, same | {"input": {"a": 2, "b": 2}}), "Done."), add)
    assert agent("go").content == "Done."
    assert outputs(agent.memory) == ["2", "4"]
    assert is_valid(agent.memory)


def test_ids_that_the_model_uses_again_are_told_apart():
    calls = [(use("add", "call_0", a=n, b=n),) for n in (1, 2)]
    model = ScriptedModel(*calls, "Done.")
    agent = react(model, add)
    assert agent("go").content == "Done."
    assert [entry["content"] for entry in model.sent[2] if entry["role"] == "tool"] == ["2", "4"]
    held = [block["id"] for m in agent.memory.get_memory() for block in m.get_content_blocks("tool_use")]
    assert len(set(held)) == 2
    assert is_valid(agent.memory)


def test_the_model_sees_the_picture_that_a_tool_returned():
    def draw() -> list:
        return [
            {"type": "text", "text": "see"},
            {"type": "image", "source": {"type": "url", "url": "https://x.org/a.png"}},
        ]

    model = ScriptedModel((use("draw"),), "A cat.")
    assert react(model, draw)("draw").content == "A cat."
    result, after = model.sent[1][-2:]
    assert (result["role"], result["content"]) == ("tool", "see")
    assert after["content"][1] == {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}}


def test_what_another_agent_did_with_tools_is_not_taken_for_its_own():
    model = ScriptedModel("I see.")
    agent = react(model)
    agent.observe([Msg("other", [use("add", a=1)]), Msg("other", "2.")])
    agent("go").result()
    assert not any("tool_calls" in entry for entry in model.sent[0])
    assert "(calls add with" in model.sent[0][1]["content"]


def test_who_speaks_first_knows_who_it_is():
    model = ScriptedModel("Hello.")
    assert ReActAgent("calc", model=model)().content == "Hello."
    assert model.sent[0] == [{"role": "system", "content": "You are calc."}]


def test_after_the_last_step_it_replies_with_what_it_knows():
    calls = [(use("add", str(n), a=n, b=n),) for n in range(3)]
    model = ScriptedModel(*calls, "As far as I know: 4.")
    agent = react(model, add, max_iters=3)
    assert agent("go").content == "As far as I know: 4."
    assert "tools" not in model.asked[-1]
    assert "Answer now" in model.sent[-1][-1]["content"]
    assert all("Answer now" not in str(message.content) for message in agent.memory.get_memory())


# --------------------------------------------------------------------------- structured results


class Sum(pydantic.BaseModel):
    value: int
    note: str = ""


def test_a_structured_result_is_in_the_metadata():
    model = ScriptedModel((use("add", a=2, b=3),), (use("generate_response", value="5"),))
    reply = react(model, add)("2 and 3?", structured_model=Sum)
    assert reply.metadata == {"value": 5, "note": ""}
    assert reply.parsed == Sum(value=5)
    assert [tool["function"]["name"] for tool in model.asked[0]["tools"]] == ["add", "generate_response"]
    assert reply.content == '{"value": 5, "note": ""}'


def test_a_model_that_only_talks_is_made_to_give_its_result():
    model = ScriptedModel(
        "It is five.",
        (use("generate_response", "1", value="five"),),
        (use("generate_response", "2", value=5),),
    )
    agent = react(model, add)
    reply = agent("2 and 3?", structured_model=Sum)
    assert (reply.content, reply.metadata["value"]) == ("It is five.", 5)
    assert model.asked[1]["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in model.asked[1]["tools"]] == ["generate_response"]
    assert "value: Input should be a valid integer" in model.sent[2][-1]["content"]
    assert is_valid(agent.memory)


def test_a_json_schema_does_as_well_and_awaiting_too():
    async def ask():
        model = ScriptedModel((use("generate_response", value=1),))
        return await react(model)("?", structured_model=Sum.model_json_schema())

    reply = asyncio.run(ask())
    assert reply.metadata == reply.parsed == {"value": 1}


def test_the_types_of_a_json_schema_are_checked():
    model = ScriptedModel(
        (use("generate_response", "1", value="five"),), (use("generate_response", "2", value=5),)
    )
    agent = react(model)
    assert agent("?", structured_model=Sum.model_json_schema()).metadata == {"value": 5}
    assert "value: 'five' is not of type 'integer'" in outputs(agent.memory)[0]


def test_a_tool_of_the_same_name_is_no_hindrance():
    def generate_response(seed: int) -> str:
        return f"response {seed}"

    model = ScriptedModel((use("generate_response", seed=1),), (use("generate_response_2", value=5),))
    agent = react(model, generate_response)
    assert agent("?", structured_model=Sum).parsed == Sum(value=5)
    named = [tool["function"]["name"] for tool in model.asked[0]["tools"]]
    assert named == ["generate_response", "generate_response_2"]
    assert outputs(agent.memory)[0] == "response 1"


def test_no_result_in_the_end_is_an_error_that_says_so():
    agent = react(ScriptedModel("a", "b", "c"), max_iters=2)
    with pytest.raises(SchemaMismatchError, match="calc has not given its answer as Sum within 2 steps"):
        agent("?", structured_model=Sum).result()
    agent = react(ScriptedModel(*[(use("generate_response", value="five"),)] * 2), max_iters=1)
    with pytest.raises(SchemaMismatchError, match=r"1 steps: .*value: Input should be a valid integer"):
        agent("?", structured_model=Sum).result()


def test_the_demo_model_gives_structured_results():
    reply = ReActAgent("calc", "You add.", "demo")("Give the value 7", structured_model=Sum)
    assert isinstance(reply.metadata["value"], int)


# ------------------------------------------------------------------------------------ stopping


@pytest.mark.parametrize("parallel", [False, True])
def test_stopping_leaves_a_memory_in_which_each_call_has_a_result(parallel):
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(60)
        return "late"

    script = (use("add", a=1, b=1), use("slow"), use("add", "later", a=2, b=2)), "Here I am again."
    agent = react(ScriptedModel(*script), add, slow, parallel_tool_calls=parallel)
    reply = agent("go")
    assert begun.wait(20)
    reply.cancel("stopped by you")
    with pytest.raises(CallCancelledError, match="stopped by you"):
        reply.result()
    assert is_valid(agent.memory)
    stopped = [output for output in outputs(agent.memory) if "stopped before it answered" in output]
    assert 1 <= len(stopped) <= (3 if parallel else 2)
    go.set()
    assert agent("again").content == "Here I am again."


def test_what_a_person_took_out_of_a_memory_does_not_break_it():
    model = ScriptedModel((use("add", a=2, b=3),), "5.", "Yes.", "Sure.")
    agent = react(model, add)
    agent("2 and 3?").result()
    call, result = agent.memory.get_memory()[1:3]
    agent.memory.mute(result.id)
    agent("Really?").result()
    assert model.sent[-1][3]["content"] == "(no result is remembered)"
    agent.memory.forget(call.id)
    agent.memory.mute(result.id, muted=False)
    agent("Really?").result()
    assert [entry["role"] for entry in model.sent[-1]] == [
        "system", "user", "user", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert model.sent[-1][2]["content"] == "(add returned: 5)"


def test_an_awaited_memory_and_a_formatter():
    class Memory:
        def __init__(self):
            self.kept = []

        async def add(self, message):
            self.kept += [message] if isinstance(message, Msg) else message or []

        async def get_memory(self):
            return list(self.kept)

    class Formatter:
        async def format(self, msgs):
            return [{"role": m.role, "content": m.get_text_content()} for m in msgs]

    model, memory = ScriptedModel((use("add", a=1, b=1),), "2."), Memory()
    agent = react(model, add, memory=memory, formatter=Formatter())
    assert agent("go").content == "2."
    assert model.sent[0] == [
        {"role": "system", "content": "You calculate."}, {"role": "user", "content": "go"},
    ]  # fmt: skip
    assert [message.role for message in memory.kept] == ["user", "assistant", "system", "assistant"]


def test_state_travels_with_groups_and_memory():
    def made(*script):
        agent = react(ScriptedModel(*script), add)
        agent.toolkit.create_tool_group("more", "More.")
        return agent

    first, second = made("Hello."), made()
    first.toolkit.update_tool_groups(["more"], active=True)
    first("hi").result()
    second.load_state_dict(first.state_dict())
    assert [message.content for message in second.memory.get_memory()] == ["hi", "Hello."]
    assert second.toolkit.groups["more"].active


def test_a_tool_may_ask_another_agent():
    class Poet(AgentBase):
        async def reply(self, x=None):
            return f"a poem on {x.content}"

    poet = Poet("poet")

    def ask_blocking(topic: str):
        return poet(Msg("user", topic)).content

    async def ask_waiting(topic: str):
        return await poet(Msg("user", topic))

    def ask_later(topic: str):
        return poet(Msg("user", topic))

    names = ["ask_blocking", "ask_waiting", "ask_later"]
    agent = react(
        ScriptedModel(tuple(use(n, topic=n) for n in names), "Read."), ask_blocking, ask_waiting, ask_later
    )
    assert agent("go").content == "Read."
    assert outputs(agent.memory) == [f"a poem on {name}" for name in names]


@pytest.mark.parametrize("blocks", ["model", "its format", "formatter"])
def test_what_blocks_stops_no_other_agent(blocks):
    reached, opened = threading.Event(), threading.Event()

    def wait(value):
        reached.set()
        assert opened.wait(20)
        return value

    class Waits(ScriptedModel):
        def __call__(self, messages, **generate_args):
            answer = super().__call__(messages, **generate_args)
            return wait(answer) if blocks == "model" else answer

        def format(self, *msgs, speaker=None):
            entries = super().format(*msgs, speaker=speaker)
            return wait(entries) if blocks == "its format" else entries

    class Formatter:
        def format(self, msgs):
            return wait([{"role": "user", "content": message.content} for message in msgs])

    class Opens(AgentBase):
        async def reply(self, x=None):
            opened.set()
            return "opened"

    formatter = Formatter() if blocks == "formatter" else None
    agent = ReActAgent("slow", "You wait.", Waits("Done."), formatter)
    reply = agent("go")
    assert reached.wait(20)
    assert Opens("opener")().content == "opened"
    assert reply.content == "Done."
