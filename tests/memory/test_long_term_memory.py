"""`LongTermMemory`: what is recorded is found again, by what it means, later and elsewhere."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from nbagents.agents import AgentBase
from nbagents.exceptions import UsageError
from nbagents.memory import LongTermMemory, TemporaryMemory
from nbagents.message import Msg
from nbagents.models import ModelResponse, load_model
from nbagents.tools import Toolkit

WORDS = ("rain", "sun", "snow", "Bob")


def vectors(texts):
    return [[text.count(word) + 0.01 for word in WORDS] for text in texts]


async def vectors_later(texts):
    await asyncio.sleep(0)
    return vectors(texts)


@pytest.mark.parametrize(
    "embed",
    [vectors, vectors_later, lambda texts: ModelResponse(embedding=vectors(texts))],
    ids=["at once", "awaited", "a response"],
)
def test_what_is_recorded_is_retrieved(embed):
    async def main():
        memory = LongTermMemory(embed)
        said = Msg("Ann", "I like rain")
        assert await memory.record([said, None, Msg("Bob", "I like sun"), "It may snow."]) == 3
        assert await memory.record(said) == 1
        assert await memory.record("  ") == 0
        assert len(memory.index) == 3, "what is recorded twice is kept once"
        (best,) = await memory.search("Who likes rain?", limit=1)
        assert (best.text, best.name, best.timestamp) == ("I like rain", "Ann", said.timestamp)
        assert best.score > 0.9
        assert await memory.retrieve(Msg("u", "snow"), limit=1) == "It may snow."
        assert await memory.retrieve([Msg("u", "sun"), Msg("v", "rain")], limit=2) in (
            "Ann: I like rain\nBob: I like sun",
            "Bob: I like sun\nAnn: I like rain",
        )
        assert await memory.retrieve("") == ""
        await memory.forget()
        assert await memory.retrieve("rain") == ""

    asyncio.run(main())


def test_it_outlives_its_process_and_is_shared(tmp_path):
    path = tmp_path / "memory.db"
    first, second = LongTermMemory(vectors, path), LongTermMemory(vectors, path)
    asyncio.run(first.record("Bob likes snow"))
    assert asyncio.run(second.retrieve("Bob")) == "Bob likes snow"
    first.close()
    second.close()
    assert asyncio.run(LongTermMemory(vectors, path).retrieve("Bob")) == "Bob likes snow"


def test_the_tools_take_and_give_text():
    async def main():
        memory = LongTermMemory(vectors)
        told = await memory.record_to_memory("worth it", ["Bob likes rain", "Ann likes sun"])
        assert told == "Remembered 2 facts."
        assert await memory.retrieve_from_memory(["rain", "Bob"], limit=1) == "Bob likes rain"
        return await LongTermMemory(vectors).retrieve_from_memory("rain")

    assert asyncio.run(main()) == "Nothing is remembered about that."
    assert "Args:" in inspect.getdoc(LongTermMemory.record_to_memory)


def test_an_agent_uses_it_in_its_turn():
    class Knows(AgentBase):
        async def reply(self, x=None):
            await facts.record(x)
            return await facts.retrieve("rain", limit=1)

    facts = LongTermMemory(lambda texts: ModelResponse(embedding=vectors(texts)))
    assert Knows("knows")(Msg("Ann", "rain again")).content == "Ann: rain again"


def test_what_cannot_be_remembered_is_an_error():
    with pytest.raises(UsageError, match="needs a model that makes embeddings"):
        LongTermMemory("a_config")
    with pytest.raises(UsageError, match="remembers messages and texts, not int"):
        asyncio.run(LongTermMemory(vectors).record([5]))
    with pytest.raises(UsageError, match="gave no 2 vectors"):
        asyncio.run(LongTermMemory(lambda texts: [[1]]).record(["a", "b"]))


@pytest.fixture(scope="module")
def embedder():
    config = {"config_name": "e", "model_type": "openai_embedding", "model_name": "demo", "endpoint": "demo"}
    return load_model(config)


def test_a_models_embeddings_find_what_is_alike(embedder, tmp_path):
    async def main():
        memory = LongTermMemory(embedder, tmp_path / "facts.db")
        await memory.record(
            ["Bob grows tomatoes in his garden", "Ann plays the violin", "The train leaves at six"]
        )
        return await memory.retrieve("tomatoes in the garden", limit=1)

    assert asyncio.run(main()) == "Bob grows tomatoes in his garden"
    short = TemporaryMemory(embedding_model=embedder)
    short.add([Msg("a", "heavy rain at night"), Msg("b", "how to bake bread"), Msg("c", "")], embed=True)
    assert short.retrieve_by_embedding("rain tonight, heavy")[0]["index"] == 0


def test_its_tools_are_tools_of_a_toolkit():
    async def call(toolkit, name, given):
        block = {"type": "tool_use", "id": "1", "name": name, "input": given}
        answer = await toolkit.call_tool_function(block)
        return "".join([piece.content[0]["text"] async for piece in answer])

    async def main():
        memory, toolkit = LongTermMemory(vectors), Toolkit()
        toolkit.register_tool_function(memory.record_to_memory)
        toolkit.register_tool_function(memory.retrieve_from_memory)
        schemas = {one["function"]["name"]: one["function"] for one in toolkit.get_json_schemas()}
        assert schemas["record_to_memory"]["parameters"]["required"] == ["thinking", "content"]
        assert "facts" in schemas["record_to_memory"]["parameters"]["properties"]["content"]["description"]
        told = await call(toolkit, "record_to_memory", {"thinking": "", "content": ["Bob likes snow"]})
        assert told == "Remembered 1 fact."
        return await call(toolkit, "retrieve_from_memory", {"keywords": ["snow"]})

    assert asyncio.run(main()) == "Bob likes snow"


def test_a_function_that_takes_its_time_holds_up_nobody_else():
    asked, go_on = threading.Event(), threading.Event()

    def slow(texts):
        asked.set()
        go_on.wait(5)
        return vectors(texts)

    async def main():
        recording = asyncio.ensure_future(LongTermMemory(slow).record("It may snow."))
        assert await asyncio.to_thread(asked.wait, 5)
        assert not recording.done()
        go_on.set()
        return await recording

    assert asyncio.run(main()) == 1
