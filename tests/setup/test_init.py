"""`nbagents.init`: configurations that reach servers, agents from configurations, a run's folder, totals."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import nbagents
from nbagents import setup
from nbagents.agents import AgentBase, DialogAgent, UserAgent
from nbagents.config import model_configs
from nbagents.exceptions import ModelUnavailableError, UsageError
from nbagents.message import Msg
from nbagents.models import load_model
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.setup import _init

DEMO = {
    "config_name": "late",
    "model_type": "openai_chat",
    "model_name": "demo-fast",
    "endpoint": "demo",
}
BOB = {"class": "DialogAgent", "args": {"name": "Bob", "model_config_name": "late"}}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    _init._close()
    _init._folder, _init._studio, _init._about = None, None, {}
    model_configs.clear()
    setup.close_session()


class Herald(AgentBase):
    def reply(self, x: Any = None) -> Msg:
        self.speak(Msg(self.name, "Bearer sk-0123456789CANARY9f2c"))
        return Msg(self.name, "done")


def test_configurations_reach_a_server_that_runs_already():
    with RpcAgentServerLauncher(durable=False) as server:
        nbagents.init(DEMO)
        client = nbagents.RpcAgentClient(server.address, token=server.token)
        settings = {"class_name": "DialogAgent", "args": ["Bob"], "kwargs": {"model_config_name": "late"}}
        assert client.define_agent("here", "Bob", settings)["name"] == "Bob"


@pytest.mark.parametrize("form", ["one", "list", "file"])
def test_agents_are_made_of_configurations(tmp_path: Path, form: str):
    given: Any = (
        BOB
        if form == "one"
        else [BOB, {"class": "UserAgent", "args": ["Ann"]}, {"class": "Herald", "args": {"name": "Sam"}}]
    )
    if form == "file":
        (tmp_path / "agents.json").write_text(json.dumps(given))
        given = str(tmp_path / "agents.json")
    made = nbagents.init([DEMO], agent_configs=given)
    assert [(type(agent), agent.name) for agent in made][:1] == [(DialogAgent, "Bob")]
    if form != "one":
        assert [(type(agent), agent.name) for agent in made][1:] == [(UserAgent, "Ann"), (Herald, "Sam")]
    assert made[0](Msg("user", "What is 2 + 2?")).content == "2 + 2 = 4"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"class": "DialogAgen", "args": {}}, r"no agent class 'DialogAgen'\. Did you mean 'DialogAgent'\?"),
        ({"class": "os.system", "args": ["true"]}, "no agent class"),
        ({"args": {}}, "an agent configuration is"),
        ({"class": "DialogAgent", "args": 5}, "args must be a dictionary or a list"),
        ("nowhere.json", "cannot read nowhere.json"),
    ],
)
def test_what_is_wrong_with_a_configuration_of_an_agent_is_said(given: Any, says: str):
    with pytest.raises(UsageError, match=says):
        nbagents.init(agent_configs=given)


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert nbagents.init(DEMO) == []
    nbagents.init(project="talk", disable_saving=True)
    assert list(tmp_path.iterdir()) == []
    assert setup.state_dict()["project"] == "talk"


def test_a_run_has_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").write_text("print('mine')")
    monkeypatch.chdir(tmp_path)
    nbagents.init(project="talk", name="first try")
    about = setup.state_dict()
    folder = Path(about["run_dir"])
    assert folder.parent == tmp_path / "runs"
    assert about["run_id"].endswith("_first_try")
    told = json.loads((folder / ".config").read_text())
    assert (told["project"], told["name"], told["run_id"]) == ("talk", "first try", about["run_id"])
    assert (folder / "code" / "mine.py").read_text() == "print('mine')"
    Herald("Sam")().result(10)
    [line] = (folder / "logging.chat").read_text().splitlines()
    assert json.loads(line)["name"] == "Sam"
    assert "CANARY" not in line
    nbagents.init(project="talk", runtime_id="second", save_code=False)  # in the place of the first
    Herald("Sam")().result(10)
    assert len((folder / "logging.chat").read_text().splitlines()) == 1
    assert sorted(path.name for path in (tmp_path / "runs" / "second").iterdir()) == [
        ".config",
        "logging.chat",
    ]


def test_the_logging_of_the_program_stays_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    root, ours = logging.getLogger(), logging.getLogger("nbagents")
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    root.addHandler(handler)
    before = (root.level, list(root.handlers), ours.level, ours.propagate)
    try:
        nbagents.init(save_dir=tmp_path, runtime_id="r", logger_level="DEBUG")
        assert (root.level, root.handlers) == before[:2]
        log = logging.getLogger("nbagents.models")
        log.info("quiet")
        log.warning("loud, sk-0123456789CANARY9f2c")
        logging.getLogger("theirs").warning("their own")
        _init._close()
    finally:
        root.removeHandler(handler)
    assert heard == ["loud, sk-0123456789CANARY9f2c", "their own"]  # as without us
    text = (tmp_path / "r" / "logging.log").read_text()
    assert "quiet" in text
    assert "loud" in text
    assert "their own" not in text
    assert "CANARY" not in text
    assert (ours.level, ours.propagate) == before[2:]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"runtime_id": "../x"}, "runtime_id is the name of a folder"),
        ({"project": "x", "logger_level": "LOUD"}, "logger_level is one of"),
        ({"save_dir": "/dev/null/x"}, "cannot be made"),
    ],
)
def test_a_folder_that_cannot_be_had_is_an_error(options: Any, says: str):
    with pytest.raises(UsageError, match=says):
        nbagents.init(**options)


def test_options_that_do_nothing_say_so():
    with pytest.warns(UserWarning, match="cache_dir does nothing"):
        nbagents.init(cache_dir="/somewhere")


class Studios:
    """A studio: what it was told."""

    def __init__(self) -> None:
        told = self.told = list[tuple[str, dict[str, Any]]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_a_studio_is_told_of_the_program_and_of_each_reply_once(tmp_path: Path):
    studio = Studios()
    try:
        nbagents.init(project="talks", name="t", runtime_id="r", save_dir=tmp_path, studio_url=studio.url)
        with RpcAgentServerLauncher(port=0, custom_agent_classes=[Herald]) as launcher:
            far = Herald("far").to_dist("localhost", launcher.port)
            assert [Herald("near")().content, far().content] == ["done", "done"]
        _init._close()
    finally:
        studio.close()
    (first, about), *said = studio.told
    assert (first, about["run_id"], about["project"]) == ("/api/runs/register", "r", "talks")
    assert about["run_dir"] == str(tmp_path / "r")
    assert [(path, body["name"], body["run_id"]) for path, body in said] == [
        ("/api/messages/push", name, "r") for name in ("near", "far")
    ]


def test_a_studio_that_is_away_harms_nothing():
    nbagents.init(studio_url="http://127.0.0.1:1")
    assert Herald("near")().content == "done"


def test_messages_are_not_sent_in_the_clear_to_another_machine():
    with pytest.raises(UsageError, match="without TLS"):
        nbagents.init(studio_url="http://studio.example:5000")


def test_each_request_to_a_model_is_kept(tmp_path: Path):
    nbagents.init(save_dir=tmp_path, runtime_id="r", save_api_invoke=True)
    asked = load_model(DEMO | {"label": "kept/x", "generate_args": {"user": "sk-0123456789CANARY9f2c"}})
    answer = asked([{"role": "user", "content": "What is 2 + 2?"}], extra_headers={"X-Key": "CANARY"})
    load_model(DEMO | {"model_type": "openai_embedding", "label": "numbers"})(["rain"]).result(20)
    broken = {
        "config_name": "b",
        "model_type": "post_api_chat",
        "api_url": "http://127.0.0.1:1/",
        "label": "b",
    }
    with pytest.raises(ModelUnavailableError):
        load_model(broken | {"max_retries": 1})([{"role": "user", "content": "?"}]).result(20)
    text = answer.text
    _init._close()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "r" / "invoke").iterdir()} == {0o600}
    files = {path.name.split("_")[1]: path for path in (tmp_path / "r" / "invoke").iterdir()}
    told = {name: json.loads(path.read_text()) for name, path in files.items()}
    assert told.keys() == {"kept", "numbers", "b"}
    assert told["kept"]["arguments"]["messages"] == [{"role": "user", "content": "What is 2 + 2?"}]
    assert told["kept"]["response"]["choices"][0]["message"]["content"] == text
    assert told["numbers"]["response"]["data"]
    assert told["b"]["response"] is None
    assert told["b"]["error"].startswith("ModelUnavailableError: ")
    assert not any("CANARY" in path.read_text() for path in files.values())
    asked([{"role": "user", "content": "Again?"}]).result(20)
    assert len(list((tmp_path / "r" / "invoke").iterdir())) == 3


def test_what_models_take_is_added_up(capsys: pytest.CaptureFixture[str]):
    nbagents.init()
    asked = load_model(DEMO | {"label": "counted"})
    painter = load_model(DEMO | {"model_type": "openai_dall_e", "label": "painter"})
    for _ in range(2):
        asked([{"role": "user", "content": "What is 2 + 2?"}]).result(20)
    painter("rain", n=2).result(20)
    totals = nbagents.print_llm_usage()
    [texts] = [entry for entry in totals["text_and_embedding"] if entry["model_name"] == "counted"]
    assert texts["times"] == 2
    assert texts["total_tokens"] == texts["prompt_tokens"] + texts["completion_tokens"] > 0
    [pictures] = [entry for entry in totals["image"] if entry["model_name"] == "painter"]
    assert (pictures["times"], pictures["images"]) == (1, 2)
    said = capsys.readouterr().out
    assert "counted: 2 calls" in said
    assert "painter: 1 calls, 2 pictures" in said
