"""`summarization`: by the demo model over HTTP, by functions, in parts."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents.exceptions import UsageError
from nbagents.models import load_model_by_config_name, read_model_configs
from nbagents.tools import Effect, ServiceToolkit, Toolkit, effects_of, summarization

RAIN = (
    "Rain falls on the old town. The rain fills the gutters, and the gutters overflow. People who walk in the"
    " rain carry umbrellas. In the evening the rain stops."
)


@pytest.fixture(scope="module")
def demo():
    config = {"config_name": "sums", "model_type": "openai_chat", "model_name": "demo", "endpoint": "demo"}
    read_model_configs(config)
    return load_model_by_config_name("sums")


def test_a_model_sums_a_text_up(demo):
    found = summarization(demo, RAIN)
    assert found.succeeded, found.content
    assert 0 < len(found.content) < len(RAIN)
    assert "rain" in found.content.lower()


def test_a_tool_sums_a_text_up_for_an_agent(demo):
    toolkit = ServiceToolkit(approve="auto")
    toolkit.add(summarization, model=demo)
    schema = toolkit.json_schemas["summarization"]["function"]["parameters"]
    assert set(schema["properties"]) == {"text", "max_return_token"}
    call = [{"name": "summarization", "arguments": {"text": RAIN}}]
    assert "[STATUS]: SUCCESS" in toolkit.parse_and_call_func(call).content
    assert effects_of(summarization) == {Effect.SPEND}
    with pytest.raises(UsageError, match="summarization"):
        Toolkit().register_tool_function(summarization)


def test_a_model_is_told_what_to_do_and_how_long():
    heard = []
    summarization(lambda messages: heard.append(messages) or "short", "text", "Do it.", 50)
    assert heard == [
        [
            {"role": "system", "content": "Do it. Limit the summary to 50 tokens."},
            {"role": "user", "content": "text"},
        ]
    ]


def test_what_answers_in_other_ways_is_understood():
    class Answer:
        text = " short "

    async def later(messages):
        await asyncio.sleep(0)
        return Answer()

    assert summarization(lambda messages: Answer(), "text").content == "short"
    assert summarization(later, "text").content == "short"


def test_a_long_text_is_summed_up_in_parts_and_again():
    heard, lock = [], threading.Lock()

    def model(messages):
        with lock:
            heard.append(messages[-1]["content"])
        return f"<{len(heard[-1])}>" + "x" * 60

    text = "".join(f"Sentence number {n} of the story.\n\n" for n in range(100))
    found = summarization(model, text, part_length=300)
    assert found.succeeded
    first = [part for part in heard if part.startswith("Sentence")]
    assert "".join(first) == text, "nothing is left out, and nothing said twice"
    assert max(map(len, heard)) <= 300
    assert all(part.endswith(".\n\n") for part in first), "a part ends where a paragraph does"
    assert len(heard) > len(first) + 1, "the summaries have been summed up, too"


def test_a_model_that_makes_nothing_shorter_is_not_asked_for_ever():
    asked = []
    found = summarization(lambda messages: asked.append(1) or "y" * 500, "x " * 500, part_length=300)
    assert not found.succeeded
    assert "shorter" in found.content
    assert len(asked) < 10
    assert "at most" in summarization(print, "x" * 100_000, part_length=100).content


def test_a_model_that_cannot_be_had_is_told(dead_model):
    found = summarization(dead_model, RAIN)
    assert not found.succeeded
    assert "127.0.0.1" in found.content


@pytest.fixture
def dead_model():
    read_model_configs(
        {
            "config_name": "dead",
            "model_type": "post_api_chat",
            "api_url": "http://127.0.0.1:9/",
            "max_retries": 1,
        }
    )
    return load_model_by_config_name("dead")
