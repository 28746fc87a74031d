"""The offline demo model through the same wrapper as any other, over real HTTP."""

from __future__ import annotations

import asyncio

import pytest

from nbagents.exceptions import ModelError
from nbagents.message import Msg
from nbagents.models import choose_model, load_model


@pytest.fixture(autouse=True)
def _a_false_key_and_a_dead_proxy(monkeypatch, dead_port):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-false-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.invalid/v1")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{dead_port}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")


def test_the_demo_answers_the_same_each_time_and_counts_its_tokens():
    model = load_model(choose_model("demo", headless=True).config)
    said = model.format(Msg("system", "You are a poet.", "system"), Msg("user", "Rain?"), speaker="poet")
    first, second = model(said), model(said)
    assert first.text
    assert first.text == second.text
    assert first.usage is not None
    assert first.usage.completion_tokens > 0
    assert not first.usage.estimated
    assert (model.label, model.model_name) == ("demo", "demo-fast")


def test_the_flaky_demo_answers_after_all_and_the_failing_one_never():
    async def ask(name: str) -> str | None:
        model = load_model(name)
        return (await model(model.format(Msg("user", "What is 2 + 2?")))).text

    assert "4" in (asyncio.run(ask("demo-flaky")) or "")
    with pytest.raises(ModelError, match="demo-error"):
        asyncio.run(ask("demo-error"))
