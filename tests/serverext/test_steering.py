"""What a page sees of runs, and stops, while the kernel that began them cannot listen."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nbagents.asking import Question
from nbagents.rpc import RpcAgentClient

pytestmark = [pytest.mark.posix, pytest.mark.notebook, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def kernel(jupyter: Any) -> Any:
    made = jupyter.kernel()
    made.load()
    made.run("%%agent talker -m demo-long\nYou are a lecturer.")
    made.run("%%agent poet\nYou write haiku.")
    return made


@pytest.fixture
def client(jupyter: Any, server: str) -> RpcAgentClient:
    place = jupyter.runtime / "nbagents" / f"{server.partition('/')[2]}.json"
    known = json.loads(place.read_text())
    return RpcAgentClient(known["address"], token=known["token"])


@pytest.fixture
def server(jupyter: Any, kernel: Any) -> str:
    (about,) = jupyter.servers()
    return f"servers/{about['id']}"


def running(jupyter: Any, server: str) -> list[dict[str, Any]]:
    answer = jupyter.api(f"{server}/runs")
    assert answer.status == 200, answer.text
    return [run for run in answer.json if run["state"] == "running"]


def test_a_run_is_told_of_with_what_happened_in_it(
    jupyter: Any, kernel: Any, server: str, wait_for: Callable[..., Any]
):
    kernel.run("%%agents poet\nhello")
    wait_for(lambda: not running(jupyter, server))
    about = jupyter.api(f"{server}/runs").json[-1]
    assert about["state"] == "done"
    assert about["messages"] == 1
    assert about["workspace"].endswith("one.ipynb")
    told = jupyter.api(f"{server}/runs/{about['run']}").json
    assert told["number"] == about["number"]
    assert "done" in {event["kind"] for event in told["events"]}
    assert jupyter.api(f"{server}/runs?workspace=elsewhere").json == []


def test_a_run_is_stopped_while_its_cell_blocks(
    jupyter: Any, kernel: Any, server: str, wait_for: Callable[..., Any]
):
    kernel.run("talker('Give your lecture.').content", wait=False)  # this thread waits, and hears nothing
    (about,) = wait_for(lambda: jupyter.servers() if jupyter.servers()[0]["calls"] else None)
    assert about["calls"] == 1
    runs = running(jupyter, server)
    assert not runs, "it is in no run"
    kernel.interrupt()
    kernel.finish()

    kernel.run("%%agents talker\nGive your lecture.", wait=False)
    (run,) = wait_for(lambda: running(jupyter, server))
    began = time.monotonic()
    answer = jupyter.api(f"{server}/runs/{run['run']}/stop", "POST", {"run": run["run"]})
    assert answer.status == 200, answer.text
    assert answer.json == {"stopped": 1}
    shown = kernel.finish()
    assert time.monotonic() - began < 5
    assert "stopped" in shown, shown
    assert running(jupyter, server) == []


def test_one_call_is_stopped_and_the_others_go_on(
    jupyter: Any, kernel: Any, server: str, wait_for: Callable[..., Any]
):
    kernel.run("%%agents talker poet\nGive your lecture.", wait=False)
    (run,) = wait_for(lambda: running(jupyter, server))

    def open_call() -> str | None:
        events = jupyter.api(f"{server}/runs/{run['run']}").json["events"]
        over = {event["call"] for event in events if event["kind"] in ("done", "failed")}
        calls = [e["call"] for e in events if e["agent"] == "talker" and e["call"] not in over]
        return calls[0] if calls else None

    call = wait_for(open_call)
    body = {"call": call}
    assert jupyter.api(f"{server}/calls/{call}/stop", "POST", body).json == {"stopped": True}
    shown = kernel.finish()
    assert "poet" in shown
    assert jupyter.api(f"{server}/calls/{call}/stop", "POST", body).status == 404
    agents = {agent["name"]: agent for agent in jupyter.api(f"{server}/agents").json}
    assert agents["poet"]["messages"] > 0


def test_unknown_runs_are_said(jupyter: Any, kernel: Any, server: str):
    for verb, address in (("GET", "runs/nothing"), ("POST", "runs/nothing/stop"), ("GET", "runs/..%2f..")):
        answer = jupyter.api(f"{server}/{address}", verb, {} if verb == "POST" else None)
        assert answer.status == 404, answer
        assert answer.json["error"]["type"] == "RunNotFoundError"
    for odd in ("nothing", "..%2f..%2fx", "%00", "a" * 3000):
        answer = jupyter.api(f"{server}/calls/{odd}/stop", "POST", {})
        assert answer.status in ((404,) if odd == "nothing" else (400, 404, 502)), answer
        assert "Traceback" not in answer.text


def test_a_question_is_answered_from_the_page(
    jupyter: Any, client: RpcAgentClient, server: str, wait_for: Callable[..., Any]
):
    question = Question("who", "Which way?", choices=("left", "right")).to_dict() | {"workspace": "here"}
    answers: list[Any] = []
    asker = threading.Thread(target=lambda: answers.append(client.ask(question, timeout=60)))
    asker.start()
    (asked,) = wait_for(lambda: jupyter.api(f"{server}/questions").json)
    assert (asked["agent"], asked["prompt"], asked["choices"]) == ("who", "Which way?", ["left", "right"])
    assert jupyter.api(f"{server}/questions?workspace=elsewhere").json == []
    assert jupyter.servers()[0]["questions"] == 1

    answer = f"{server}/questions/{asked['id']}/answer"
    for body in ({"text": 1}, {"fields": []}, {"absent": "no"}, {"more": 1}):
        assert jupyter.api(answer, "POST", body).status == 400, body
    assert jupyter.api(answer, "POST", {"text": "left"}).json == {"answered": True}

    asker.join(10)
    assert [told["text"] for told in answers] == ["left"]
    assert jupyter.api(answer, "POST", {"text": "right"}).json == {"answered": False}
    assert jupyter.api(f"{server}/questions/nothing/answer", "POST", {"text": "x"}).json == {
        "answered": False
    }
    assert jupyter.api(f"{server}/questions").json == []


def test_a_page_that_shows_no_form_is_asked_by_an_input_box(jupyter: Any, kernel: Any, server: str):
    kernel.run("%%agent me --kind user\nKeep it?")
    kernel.run("print(me('?').content)", wait=False)
    prompt = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
    kernel.client.input("keep it")
    assert "Keep it?" in prompt
    assert "keep it" in kernel.finish()


def test_a_page_that_says_that_it_shows_the_form_answers_alone(
    jupyter: Any, kernel: Any, server: str, wait_for: Callable[..., Any]
):
    kernel.run("%%agent me --kind user\nKeep it?")
    kernel.run("print(me('?').content)", wait=False)
    (asked,) = wait_for(lambda: jupyter.api(f"{server}/questions").json)
    question = f"{server}/questions/{asked['id']}"
    assert jupyter.api(f"{question}/shown", "POST", {}).json == {"open": True}
    with pytest.raises(queue.Empty):
        kernel.client.get_stdin_msg(timeout=4)
    assert jupyter.api(f"{question}/answer", "POST", {"text": "keep it"}).json == {"answered": True}
    assert "keep it" in kernel.finish()
    assert jupyter.api(f"{question}/shown", "POST", {}).json == {"open": False}


def test_a_page_that_skips_a_question_of_the_kernel_ends_it_there_at_once(
    jupyter: Any, kernel: Any, server: str, wait_for: Callable[..., Any]
):
    kernel.run("from nbagents.agents import UserAgent")
    asks = "print((await UserAgent('own', 'Keep it?', default='keep it', timeout=300)()).content)"
    kernel.run(asks, wait=False)
    (asked,) = wait_for(lambda: jupyter.api(f"{server}/questions").json)
    question = f"{server}/questions/{asked['id']}"
    assert jupyter.api(f"{question}/answer", "POST", {"absent": True}).json == {"answered": True}
    assert "keep it" in kernel.finish()


def test_a_memory_is_edited_from_the_page(jupyter: Any, client: RpcAgentClient, server: str, kernel: Any):
    kernel.run("%%agents poet\nhello")
    (poet,) = [agent for agent in jupyter.api(f"{server}/agents").json if agent["name"] == "poet"]
    memory = f"{server}/agents/{poet['id']}/memory"
    first, *rest = jupyter.api(memory).json
    edited = jupyter.api(memory, "POST", {"op": "edit", "id": first["id"], "content": "good day"})
    assert edited.status == 200, edited.text
    assert edited.json[0]["content"] == "good day"
    left = jupyter.api(memory, "POST", {"op": "delete", "id": first["id"]}).json
    assert [entry["id"] for entry in left] == [message["id"] for message in rest]
    assert jupyter.api(memory, "POST", {"op": "burn"}).status == 400
    assert jupyter.api(memory, "POST", {"op": "edit", "id": "nothing", "content": "x"}).status == 400
    assert jupyter.api(memory).json == rest


def test_what_runs_in_the_background_outlives_a_kernel_that_jupyter_shuts_down(
    jupyter: Any, server: str, client: RpcAgentClient, wait_for: Callable[..., Any]
):
    kernel = jupyter.kernel("two.ipynb")
    kernel.load()
    kernel.run("%%agent slow -m demo-slow\nYou are a poet. You write four short lines. No title.")
    kernel.run("%%agent quick -m demo-fast\nYou are an echo.")
    kernel.run("%%pipeline slow*3 -> quick -b\nWrite about rain.")
    (run,) = wait_for(lambda: running(jupyter, server))
    assert jupyter.ask(f"api/kernels/{kernel.id}", "DELETE").status == 204
    (about,) = running(jupyter, server)
    assert about["run"] == run["run"], "it has ended with its kernel"
    wait_for(lambda: not running(jupyter, server))
    about = jupyter.api(f"{server}/runs/{run['run']}").json
    assert (about["state"], about["messages"]) == ("done", 4), about["outcome"]
