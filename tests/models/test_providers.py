"""Those who serve models, by name: where they are, and whose key goes there."""

from __future__ import annotations

import pytest

from nbagents.config import model_configs
from nbagents.exceptions import ModelAuthError, ModelChoiceError
from nbagents.models import (
    PROVIDERS,
    OpenAIDALLEWrapper,
    OpenAIEmbeddingWrapper,
    load_embedding_model,
    load_model,
    model_config_to_wire,
)
from nbagents.models._kinds import KINDS

HELLO = [{"role": "user", "content": "rain"}]
DASHSCOPE = "https://dashscope.aliyuncs.com/compatible-mode/v1"
KEY = "sk-0123456789abcdef"


def config(kind: str, **more: object) -> dict[str, object]:
    return {"config_name": "mine", "model_type": kind, "model_name": "m"} | more


@pytest.mark.parametrize(
    ("kind", "url", "variable"),
    [
        ("dashscope_chat", DASHSCOPE, "DASHSCOPE_API_KEY"),
        ("tongyi_chat", DASHSCOPE, "DASHSCOPE_API_KEY"),
        ("DashScopeChatWrapper", DASHSCOPE, "DASHSCOPE_API_KEY"),
        (
            "dashscope_text_embedding",
            DASHSCOPE,
            "DASHSCOPE_API_KEY",
        ),
        ("deepseek_chat", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        ("vllm_chat", "http://localhost:8000/v1", "VLLM_API_KEY"),
        ("fastchat_chat", "http://localhost:8000/v1", "FASTCHAT_API_KEY"),
        ("ollama_chat", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
        ("ollama_embedding", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
        ("lmstudio_chat", "http://localhost:1234/v1", "LMSTUDIO_API_KEY"),
        ("zhipuai_chat", "https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY"),
        ("gemini_chat", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
        ("openai_dall_e", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    ],
)
def test_a_type_is_enough_to_find_the_way(monkeypatch, kind, url, variable):
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_variable, raising=False)
        monkeypatch.delenv(provider.url_variable, raising=False)
    monkeypatch.setenv(variable, KEY)
    wire = model_config_to_wire(load_model(config(kind)).config)
    assert (wire["base_url"], wire["api_key"]) == (url, KEY)
    assert model_config_to_wire(config(kind))["base_url"] == url
    elsewhere = load_model(config(kind, base_url="http://example.org/v1")).config
    assert "api_key" not in elsewhere  # the key of one never goes to another
    monkeypatch.setenv(variable.replace("API_KEY", "BASE_URL"), "http://localhost:9/v1")
    moved = model_config_to_wire(config(kind))
    assert (moved["base_url"], moved["api_key"]) == ("http://localhost:9/v1", KEY)


@pytest.mark.parametrize("name", ["dashscope", "deepseek", "zhipuai", "yi", "gemini", "anthropic"])
def test_who_needs_a_key_says_which_variable_it_is_in(monkeypatch, name):
    monkeypatch.delenv(PROVIDERS[name].key_variable, raising=False)
    with pytest.raises(
        ModelChoiceError, match=f"needs a key, and {name.upper()}_API_KEY is not set"
    ) as caught:
        load_model(config("openai_chat", provider=name))
    assert name.upper() in str(caught.value.hint)


def test_a_local_one_is_where_the_environment_says(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:5000")
    assert load_model(config("ollama_chat")).config["base_url"] == "http://127.0.0.1:5000/v1"
    assert load_model(config("openai_chat", provider="Ollama")).config["base_url"].endswith(":5000/v1")


def test_a_refused_key_names_the_variable_to_set(endpoint, monkeypatch):
    monkeypatch.setenv("DEEPSEEK_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    with pytest.raises(ModelAuthError) as caught:
        load_model(config("deepseek_chat") | {"model_name": "401"})(HELLO).result(10)
    assert caught.value.hint == "Set DEEPSEEK_API_KEY, then %agents doctor."


def test_the_organization_comes_from_the_environment(endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("OPENAI_ORG_ID", "older")
    monkeypatch.setenv("OPENAI_ORGANIZATION", "ours")
    for given, expected in ((None, "ours"), ("theirs", "theirs")):
        load_model(config("openai_chat", organization=given))(HELLO).result(10)
        assert endpoint.headers["openai-organization"] == expected


def test_every_type_of_agentscope_is_known():
    types = """
        openai openai_chat openai_dall_e openai_embedding post_api post_api_chat post_api_dall_e
        post_api_dalle post_api_embedding dashscope_chat tongyi_chat dashscope_text_embedding
        dashscope_multimodal gemini_chat gemini_embedding ollama_chat ollama_embedding ollama_generate
        zhipuai_chat zhipuai_embedding litellm_chat yi_chat anthropic_chat
    """
    assert set(types.split()) <= set(KINDS)


DEMO = {"endpoint": "demo"}


def test_embeddings_of_like_texts_are_near():
    model = load_model(config("openai_embedding", **DEMO) | {"model_name": "demo"})
    assert isinstance(model, OpenAIEmbeddingWrapper)
    response = model(["heavy rain at night", "rain tonight, heavy", "how to bake bread"], dimensions=64)
    rain, shower, bread = response.embedding

    def likeness(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert likeness(rain, shower) > likeness(rain, bread)
    assert response.text is None
    assert response.usage is not None
    assert response.usage.prompt_tokens > 0
    assert len(model("one").embedding) == 1
    for wrong in ("", [], ["a", ""], 5):
        with pytest.raises(ValueError, match="a text or a list of texts"):
            model(wrong)


def test_pictures_come_as_data():
    model = load_model(config("openai_dall_e", **DEMO) | {"model_name": "demo"})
    assert isinstance(model, OpenAIDALLEWrapper)
    response = model("a house in the rain", n=2)
    assert [url[:22] for url in response.image_urls or []] == ["data:image/png;base64,"] * 2
    assert response.content[0]["source"]["url"] == (response.image_urls or [])[0]
    assert model("a house in the rain", save_local=True).image_urls == (response.image_urls or [])[:1]
    with pytest.raises(ValueError, match="a text which says what"):
        model(" ")


def test_a_name_that_is_a_chat_model_too_means_the_embeddings_of_that_name():
    chat = {"config_name": "demo", "model_type": "openai_chat", "model_name": "demo", "endpoint": "demo"}
    model_configs.load(chat)
    try:
        assert len(load_embedding_model("demo")("one").embedding) == 1
    finally:
        model_configs.clear()
