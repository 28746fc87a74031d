"""Models behind addresses of their own, against a real HTTP server that answers as it is told to."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nbagents import events
from nbagents.agents import DialogAgent
from nbagents.config import model_configs
from nbagents.exceptions import (
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
    ModelUnavailableError,
    UsageError,
)
from nbagents.message import Msg
from nbagents.models import (
    PostAPIModelWrapperBase,
    load_model,
    model_config_from_wire,
    model_config_to_wire,
    read_model_configs,
)

KEY = "hf_0123456789CANARY9f2c"
HELLO = [{"role": "user", "content": "rain"}]
OPENAI = {"choices": [{"message": {"content": "Beads."}}]}


class Answers:
    """What the server was asked, and what it is to answer, one after the other."""

    def __init__(self) -> None:
        self.given: list[tuple[int, Any, dict[str, str]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.end = threading.Event()
        self.url = ""

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.given.append((status, body, named))


@pytest.fixture
def server() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            answers.bodies.append(json.loads(data))
            answers.headers.append({name.lower(): value for name, value in self.headers.items()})
            answers.paths.append(self.path)
            answers.times.append(time.monotonic())
            status, body, headers = answers.given.pop(0)
            if body == "stall":
                answers.end.wait(20)
                return
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers.url = f"http://127.0.0.1:{http.server_port}/generate"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield answers
    answers.end.set()
    http.shutdown()
    http.server_close()
    thread.join(10)


def model(server: Answers, kind: str = "post_api_chat", **more: Any) -> Any:
    return load_model({"config_name": "mine", "model_type": kind, "api_url": server.url} | more)


def test_a_config_for_hugging_face(server):
    server.say([{"generated_text": "Grey beads."}])
    asked = model(
        server,
        "post_api",
        headers={"Authorization": f"Bearer {KEY}"},
        messages_key="inputs",
        json_args={"parameters": {"max_new_tokens": 20}},
        response_path="0.generated_text",
    )
    talk = [Msg("system", "You are a poet.", "system"), Msg("user", "Rain?")]
    response = asked(asked.format(*talk, speaker="poet"))
    assert response.text == "Grey beads."
    assert response.raw == [{"generated_text": "Grey beads."}]
    assert server.bodies == [
        {
            "inputs": "You are a poet.\n\n## Conversation History\nuser: Rain?\npoet:",
            "parameters": {"max_new_tokens": 20},
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_config_for_modelscope(server):
    server.say({"code": 200, "data": {"response": OPENAI}})
    asked = model(server, response_path="data.response.choices.0.message.content")
    assert asked(asked.format(Msg("user", "rain"))).text == "Beads."
    assert server.bodies == [{"messages": [{"role": "user", "name": "user", "content": "rain"}]}]


def test_a_config_for_an_answer_like_openais(server):
    server.say(OPENAI | {"usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    asked = model(server, response_path="choices.0.message.content", json_args={"model": "m"})
    response = asked(HELLO, temperature=0.5)
    assert (response.text, response.usage.total_tokens) == ("Beads.", 10)
    assert server.bodies == [{"messages": HELLO, "model": "m", "temperature": 0.5}]


@pytest.mark.parametrize(
    "answer",
    [
        OPENAI,
        {"data": {"response": OPENAI}},
        [{"generated_text": "Beads."}],
        {"generated_text": "Beads."},
        {"response": "Beads.", "done": True},
        {"message": {"role": "assistant", "content": "Beads."}},
    ],
)
@pytest.mark.parametrize("kind", ["post_api", "post_api_chat"])
def test_the_usual_places_need_no_path(server, kind, answer):
    server.say(answer)
    assert model(server, kind)(HELLO).text == "Beads."


def test_an_answer_of_any_other_kind_is_the_text_itself(server):
    server.say({"verdict": {"good": True}})
    response = model(server, "post_api")(HELLO)
    assert response.raw == {"verdict": {"good": True}}
    assert response.text == '{"verdict": {"good": true}}'


@pytest.mark.parametrize(
    ("answer", "more", "says"),
    [
        ({"verdict": {"good": "yes"}}, {}, r"nothing in the usual places; it has verdict\.good"),
        (
            OPENAI,
            {"response_path": "data.text"},
            r"nothing at 'data\.text'; it has choices\.0\.message\.content",
        ),
        (OPENAI, {"response_path": "choices"}, "at 'choices' stands list, not str"),
        ({"error": "model is loading"}, {}, "it says: model is loading"),
        ({"text": " "}, {}, "its text is empty"),
        (b"<html>gateway</html>", {}, "it is no JSON: '<html>gateway</html>'"),
        (b"", {}, "it is empty"),
        (b"[" * 100_000, {}, "it is no JSON"),
    ],
)
def test_what_cannot_be_used_says_what_there_is(server, answer, more, says):
    server.say(answer)
    with pytest.raises(ModelResponseError, match=says) as caught:
        model(server, **more)(HELLO).result(10)
    assert caught.value.hint
    assert len(server.bodies) == 1


def test_the_timeout_is_kept(server):
    server.say("stall")
    begin = time.monotonic()
    with pytest.raises(ModelUnavailableError, match=r"said nothing for 0\.2 s") as caught:
        model(server, timeout=0.2, max_retries=1)(HELLO).result(10)
    assert time.monotonic() - begin < 5
    assert "timeout" in str(caught.value.hint)


def test_who_is_busy_is_asked_again_when_it_says(server):
    server.say({"error": "later"}, 429, Retry_After="0.3")
    server.say({"error": "later"}, 503)
    server.say(OPENAI)
    assert model(server, retry_interval=0.05)(HELLO).text == "Beads."
    first, second, third = server.times
    assert second - first >= 0.3
    assert 0.05 <= third - second < 0.3 * 5


@pytest.mark.parametrize(
    ("status", "kind", "says", "tries"),
    [
        (401, ModelAuthError, "the key in the headers of mine was rejected", 1),
        (403, ModelAuthError, "may not use mine: no", 1),
        (404, ModelResponseError, "the address is wrong: no", 1),
        (400, ModelResponseError, "refused the request: no", 1),
        (429, ModelRateLimitError, "too many requests", 2),
        (500, ModelUnavailableError, "failed there, also after retries: no", 2),
        (302, ModelResponseError, "sends to another address", 1),
    ],
)
def test_each_refusal_has_its_error(server, status, kind, says, tries):
    for _ in range(tries):
        server.say({"error": {"message": f"no, {KEY}"}}, status)
    asked = model(server, headers={"Authorization": KEY}, max_retries=2, retry_interval=0.01)
    with pytest.raises(kind, match=says) as caught:
        asked(HELLO).result(10)
    assert len(server.bodies) == tries
    assert "CANARY" not in str(caught.value)


def test_nobody_there_says_so(dead_port):
    asked = load_model(
        {
            "config_name": "mine",
            "model_type": "post_api",
            "api_url": f"http://127.0.0.1:{dead_port}/x",
            "max_retries": 2,
            "retry_interval": 0.01,
        }
    )
    with pytest.raises(ModelUnavailableError, match="refused the connection"):
        asked(HELLO).result(10)


def test_what_cannot_be_sent_is_the_callers_fault(server):
    with pytest.raises(UsageError, match=r"cannot be sent.*not JSON serializable"):
        model(server)([object()]).result(10)
    for wrong, says in (
        ({"api_url": "localhost:1"}, "api_url is not an http"),
        ({"headers": 5}, "headers must be a dictionary"),
        ({"timeout": "5"}, "timeout must be a number"),
        ({"post_args": {"verify": False}}, "post_args cannot hold verify; it can hold: allow_redirects"),
    ):
        with pytest.raises(UsageError, match=says):
            model(server, **wrong)


def test_arguments_of_the_request(server):
    server.say(OPENAI)
    more = {"params": {"version": "2"}, "auth": ["me", "secret"]}
    assert model(server, post_args=more)(HELLO).text == "Beads."
    assert server.paths == ["/generate?version=2"]
    assert server.headers[0]["authorization"].startswith("Basic ")


def test_an_agent_talks_by_it(server):
    server.say([{"generated_text": "Beads."}])
    poet = DialogAgent("poet", "You are a poet.", model(server, "post_api", messages_key="inputs"))
    assert poet(Msg("user", "Rain?")).content == "Beads."
    assert server.bodies[0]["inputs"].endswith("user: Rain?\npoet:")


def test_pictures_and_embeddings(server):
    painter, embedder = model(server, "post_api_dalle"), model(server, "post_api_embedding")
    server.say({"data": {"response": {"data": [{"url": "https://example.org/a.png"}]}}})
    server.say({"data": [{"b64_json": "AA=="}]})
    assert painter("rain").image_urls == ["https://example.org/a.png"]
    assert painter("rain").image_urls == ["data:image/png;base64,AA=="]
    for answer in ({"data": [{"embedding": [1, 2]}]}, [[1, 2]], {"embeddings": [[1, 2]]}):
        server.say(answer)
        assert embedder("rain").embedding == [[1, 2]]
    assert server.bodies == [{"prompt": "rain"}] * 2 + [{"input": ["rain"]}] * 3
    server.say({"data": [{"nothing": 1}]})
    with pytest.raises(ModelResponseError, match="it holds no embeddings"):
        embedder("rain").result(10)
    with pytest.raises(UsageError):
        painter("")
    with pytest.raises(UsageError):
        embedder([])


def test_an_answer_can_be_read_by_a_function(server):
    server.say({"text": "no"})
    server.say({"text": '{"speak": "Beads."}'})
    response = model(server)(HELLO, parse_func=json.loads)
    assert response.parsed == {"speak": "Beads."}


def test_what_it_took_is_told(server):
    seen: list[events.Event] = []
    unsubscribe = events.subscribe(seen.append)
    try:
        server.say(OPENAI)
        model(server)(HELLO).result(10)
    finally:
        unsubscribe()
    assert [event.kind for event in seen] == ["model", "delta", "usage"]
    assert seen[-1].data["cost"] == 0.0  # on this machine


def test_a_config_without_a_type_is_one_and_travels_with_its_key(server, caplog):
    caplog.set_level(logging.DEBUG)
    config = {"config_name": "mine", "api_url": server.url, "headers": {"Authorization": KEY}}
    try:
        with pytest.warns(UserWarning, match="taken for 'post_api'"):
            read_model_configs(config)
        asked = load_model("mine")
    finally:
        model_configs.clear()
    assert isinstance(asked, PostAPIModelWrapperBase)
    wire = model_config_to_wire(asked.config)
    assert json.loads(json.dumps(wire))["headers"] == {"Authorization": KEY}
    again = load_model(model_config_from_wire(wire))
    server.say({"error": f"{KEY}?"}, 400)
    with pytest.raises(ModelError) as caught:
        again(HELLO).result(10)
    for place in (repr(vars(again)), str(caught.value), repr(again.config), caplog.text):
        assert "CANARY" not in place


def test_what_utf_8_cannot_hold_is_sent_as_something_else(server):
    server.say(OPENAI)
    asked = model(server, response_path="choices.0.message.content")
    assert asked([{"role": "user", "content": "a\udcff"}]).text == "Beads."
    assert server.bodies == [{"messages": [{"role": "user", "content": "a�"}]}]
