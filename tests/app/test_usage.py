"""What an answer says of the tokens that it took, in each of its forms, wherever the agents live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import openai
import pytest

from nbagents import AgentBase, DialogAgent, Msg, events
from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]


@pytest.fixture
def taken() -> Any:
    """What models have taken, as `events` tell."""
    found: list[events.Event] = []

    def hear(event: events.Event) -> None:
        if event.kind == "usage":
            found.append(event)

    end = events.subscribe(hear)
    yield found
    end()


def sums(taken: list[events.Event]) -> dict[str, int]:
    read = sum(event.data["prompt_tokens"] for event in taken)
    written = sum(event.data["completion_tokens"] for event in taken)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


@pytest.mark.parametrize("far", [False, True])
def test_all_that_agents_asked_of_models_is_counted(served: Begin, taken: Any, far: bool) -> None:
    app = AgentApp()
    poets = [DialogAgent(f"poet{n}", "You write haiku.", "demo") for n in range(2)]
    agents = [poet.to_dist() for poet in poets] if far else poets

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> Any:
        yield Msg("host", "wait"), True
        await asyncio.gather(*(agent(msgs[-1]) for agent in agents))
        yield Msg("host", "done"), True

    told = served(app).say("a haiku about rain")
    whole = [event for event in told if event["object"] == "message" and event["status"] == "completed"]
    assert whole[0]["usage"] is None
    assert whole[1]["usage"] == told[-1]["usage"] == sums(taken)
    assert len(taken) == 2
    assert told[-1]["usage"]["output_tokens"] > 0
    for agent in agents if far else []:
        agent.stop()


def test_several_apps_of_one_process_count_once_each(served: Begin, taken: Any) -> None:
    poet = DialogAgent("poet", "You write haiku.", "demo")
    clients = []
    for _ in range(3):
        app = AgentApp()
        app.query()(lambda self, msgs: poet(msgs[-1]))
        clients.append(served(app))
    assert clients[0].say("a haiku about rain")[-1]["usage"] == sums(taken)
    clients[0].serving.stop()
    taken.clear()
    assert clients[1].say("a haiku about rain")[-1]["usage"] == sums(taken)


def test_two_answers_at_the_same_time_count_their_own(served: Begin, taken: Any) -> None:
    app = AgentApp()

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> Any:
        poet = DialogAgent("poet", "You write haiku.", "demo")
        for _ in range(int(msgs[-1].content)):
            await poet(Msg("user", "a haiku about rain", "user"))
        return Msg("host", "done")

    client = served(app)

    async def both() -> Any:
        return await asyncio.gather(*(asyncio.to_thread(client.say, str(n)) for n in (0, 1, 2)))

    none, one, two = (told[-1]["usage"] for told in asyncio.run(both()))
    assert none is None
    assert one["input_tokens"] < two["input_tokens"]
    assert one["total_tokens"] + two["total_tokens"] == sums(taken)["total_tokens"]


def test_openais_clients_read_it(served: Begin, taken: Any) -> None:
    app = AgentApp()

    class Host(AgentBase):
        async def reply(self, x: Any = None) -> Msg:
            return Msg(self.name, str(await poet(x)), "assistant")

    poet, host = DialogAgent("poet", "You write haiku.", "demo"), Host("host")
    app.query()(lambda self, msgs: host(msgs[-1]))
    client = served(app)
    assert client.serving.token
    with openai.OpenAI(
        base_url=f"{client.serving.url}/compatible-mode/v1", api_key=client.serving.token, max_retries=0
    ) as sdk:
        response = sdk.responses.create(model="any", input="a haiku about rain")
        assert response.usage is not None
        assert response.usage.to_dict().items() >= sums(taken).items()
        taken.clear()
        messages: Any = [{"role": "user", "content": "a haiku about rain"}]
        *_, last = sdk.chat.completions.create(
            model="any", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        assert last.usage is not None
        assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (
            sums(taken)["input_tokens"],
            sums(taken)["output_tokens"],
        )
