"""What is recorded is replayed as it was, whatever an agent, a model or a tool does with it."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from later_agents import Odd

import nbagents
from nbagents import AgentBase, DialogAgent, Msg, ReActAgent, Toolkit, recording
from nbagents.exceptions import ModelError, RecordingError, ReplayMismatchError, UsageError
from nbagents.models import ModelResponse, ModelWrapperBase
from nbagents.recording import Recorder, asked_of_model, read_recording
from nbagents.rpc import RpcAgent
from nbagents.runs import Run

KEY = "sk-0123456789abcdef9f2c"


class Says(ModelWrapperBase):
    """Says what it is made with, in pieces; counts how often it is asked."""

    def __init__(self, *pieces: str, name: str = "says", **fields: Any) -> None:
        super().__init__(name)
        self.pieces, self.fields, self.times = pieces, fields, 0

    def __call__(self, messages: Any, **kwargs: Any) -> ModelResponse:
        self.times += 1

        async def work(request: Any) -> None:
            for piece in self.pieces:
                request.say(piece)
            request.finish(text="".join(self.pieces), **self.fields)

        return ModelResponse.begin(self.label, work)


class Teller(AgentBase):
    """Its reply is whatever a function of it does."""

    def __init__(self, name: str, tells: Any) -> None:
        super().__init__(name)
        self.tells = tells

    async def reply(self, x: Msg | None = None) -> Msg:
        return Msg(self.name, await self.tells())


def asked(model: Any, text: str = "Rain.") -> Any:
    return model([{"role": "user", "content": text}])


@pytest.mark.parametrize(
    "said", ["The basic principles of rain", f"My key is {KEY}, keep it", "half a pair \ud83d"]
)
def test_who_is_told_what_another_has_said_is_replayed_too(tmp_path, said):
    def talk() -> str:
        poet, critic = (
            DialogAgent("poet", "Write.", Says(said)),
            DialogAgent("critic", "Judge.", Says("Good.")),
        )
        return str(critic(poet(Msg("user", "Rain."))).content)

    with nbagents.record(tmp_path / "run.jsonl"):
        talk()
    with nbagents.replay(tmp_path / "run.jsonl"):
        assert talk() == "Good."


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        (["The basic ", "principles", " of rain"], ["The basic ", "principles", " of rain"]),
        (["It is ", KEY[:4], KEY[4:9], KEY[9:], "."], ["It is sk-…9f2c."]),
    ],
)
def test_pieces_are_recorded_as_they_came_unless_a_key_is_in_them(tmp_path, pieces, kept):
    recorder = Recorder(tmp_path / "run.jsonl")
    told = {"model": "says", "operation": "chat", "pieces": pieces, "text": "".join(pieces)}
    recorder.note("poet", asked_of_model("chat", ["Rain."]), told)
    assert recorder.end("done") == ()
    (entry,) = read_recording(tmp_path / "run.jsonl").entries
    assert entry.answer["pieces"] == kept
    assert entry.answer["text"] == "".join(kept)


@pytest.fixture
def rain(tmp_path: Path) -> Path:
    """A recording of a program that asks a model once."""
    file = tmp_path / "rain.jsonl"
    with nbagents.record(file):
        assert asked(Says("Grey beads.")).text
    return file


def test_a_replay_that_an_agent_opens_in_its_reply_asks_nobody(rain):
    model = Says("Somebody was asked.")

    async def tells() -> str:
        with nbagents.replay(rain):
            return str((await asked(model)).text)

    assert Teller("teller", tells)().content == "Grey beads."
    assert model.times == 0


def test_a_replay_that_a_model_or_a_tool_of_a_recorded_run_opens_asks_nobody(rain, tmp_path, endpoint):
    model = Says("Somebody was asked.")

    class Quotes(ModelWrapperBase):
        def __call__(self, messages: Any, **kwargs: Any) -> ModelResponse:
            with nbagents.replay(rain):
                return ModelResponse(text=asked(model).text)

    def look_up(text: str) -> str:
        """Look up a text."""
        with nbagents.replay(rain):
            return str(asked(model).text)

    kit = Toolkit()
    kit.register_tool_function(look_up)
    with nbagents.record(tmp_path / "run.jsonl"):
        assert asked(Quotes("quotes")).text == "Grey beads."
        clerk = ReActAgent("clerk", "You help. Use your tools.", endpoint.config, toolkit=kit)
        assert clerk(Msg("user", 'Look up the text "rain"')).content
    assert model.times == 0
    tool = next(each for each in read_recording(tmp_path / "run.jsonl").entries if each.asked.kind == "tool")
    assert tool.answer["content"][0]["text"] == "Grey beads."


def test_runs_inside_a_replay_are_replayed_and_do_not_end_it(tmp_path):
    file = tmp_path / "run.jsonl"

    def talk(model: Says) -> list[Any]:
        with Run("one"):
            one = asked(model, "One.").text
        with Run("two"):
            two = DialogAgent("poet", "Write.", model)(Msg("user", "Two.")).content
        return [one, two, asked(model, "Three.").text]

    with nbagents.record(file):
        said = talk(Says("Grey."))
    assert [entry.agent for entry in read_recording(file).entries] == ["", "poet", ""]
    other = Says("Somebody was asked.")
    with nbagents.replay(file):
        assert talk(other) == said
        with Run("more"), pytest.raises(ReplayMismatchError):
            _ = asked(other, "Four.").text
    assert other.times == 0


def test_a_replay_is_not_recorded(rain, tmp_path):
    with (
        nbagents.replay(rain),
        pytest.raises(UsageError, match="not recorded once more"),
        nbagents.record(tmp_path / "again.jsonl"),
    ):
        pass
    assert not (tmp_path / "again.jsonl").exists()


def test_a_model_that_reads_its_answers_itself_is_recorded_and_replayed(tmp_path):
    class Reads(ModelWrapperBase):
        times = 0

        def __call__(self, messages: Any, parse_func: Any = None, **kwargs: Any) -> ModelResponse:
            self.times += 1
            response = ModelResponse(text=f"{self.label} beads.")
            response.parsed = parse_func(response)
            return response

    def words(response: Any) -> list[str]:
        return str(response.text).split()

    model, file = Reads("Grey"), tmp_path / "run.jsonl"
    messages = [{"role": "user", "content": "Rain."}]
    with nbagents.record(file):
        response = model(messages, parse_func=words)
        assert (response.text, response.parsed) == ("Grey beads.", ["Grey", "beads."])
    assert len(read_recording(file).entries) == 1
    other = Reads("Other")
    with nbagents.replay(file):
        response = other(messages, parse_func=words)
        assert (response.text, response.parsed) == ("Grey beads.", ["Grey", "beads."])
    assert other.times == 0


def test_an_answer_that_is_not_what_its_endpoint_said_is_replayed_as_it_was(tmp_path):
    raw = {
        "choices": [{"message": {"role": "assistant", "content": "<b>Grey.</b>"}, "finish_reason": "stop"}]
    }
    blocks = [{"type": "thinking", "thinking": "Short."}, {"type": "text", "text": "Grey."}]
    for number, more in enumerate(({}, {"content": blocks})):
        file = tmp_path / f"{number}.jsonl"
        with nbagents.record(file):
            then = asked(Says("Grey.", raw=raw, **more))
            assert then.text == "Grey."
        with nbagents.replay(file):
            now = asked(Says("Somebody was asked."))
            assert (now.text, now.content) == (then.text, then.content)


@pytest.fixture
def odd(servers) -> Callable[[str], Any]:
    """Make an `Odd`, here or in a server."""

    def make(where: str) -> Any:
        if where == "here":
            return Odd("odd")
        agent_id, client = uuid.uuid4().hex, servers[where]
        settings = {"class_name": "later_agents:Odd", "args": ["odd"], "kwargs": {}, "import_path": sys.path}
        client.create_agent(settings, agent_id)
        return RpcAgent("odd", agent_id, kind="Odd", connect=lambda: client.attachment)

    return make


def test_what_is_too_much_for_the_wire_is_told_and_nobody_waits(odd, tmp_path):
    far, here = tmp_path / "far.jsonl", tmp_path / "here.jsonl"
    with nbagents.record(far) as run:
        assert odd("first")(Msg("user", "wide")).content == "said wide"
        assert odd("first")(Msg("user", "plain")).content == "said plain"
    assert any("more than 250,000 lists and dictionaries" in note for note in run.notes), run.notes
    assert len(read_recording(far).entries) == 1
    with nbagents.record(here):
        assert odd("here")(Msg("user", "wide")).content == "said wide"
    with nbagents.replay(here), pytest.raises(ReplayMismatchError, match="cannot be sent"):
        _ = odd("first")(Msg("user", "wide")).content


@pytest.mark.parametrize("where", ["here", "first"])
def test_an_odd_answer_breaks_neither_its_call_nor_the_server(odd, tmp_path, where):
    file = tmp_path / "run.jsonl"
    with nbagents.record(file) as run:
        assert odd(where)(Msg("user", "nan")).content == "said nan"
        assert odd(where)(Msg("user", "deep")).content == "said deep"
        assert odd(where)(Msg("user", "plain")).content == "said plain"
    assert any("nested deeper" in note for note in run.notes), run.notes
    assert [entry.answer["text"] for entry in read_recording(file).entries] == ["said nan", "said plain"]
    with nbagents.replay(file):
        assert odd(where)(Msg("user", "nan")).content == "said nan"
        assert odd(where)(Msg("user", "plain")).content == "said plain"


def test_what_differs_is_said_of_the_nearest_call(tmp_path):
    file, poet = tmp_path / "run.jsonl", Says("Grey.")
    long = "Write about the rain as one who has waited for it all summer on a dry and dusty farm, "
    with nbagents.record(file):
        for told in ("Snow.", f"{long}in four lines."):
            assert asked(poet, told).text
    with nbagents.replay(file), pytest.raises(ReplayMismatchError) as raised:
        _ = asked(poet, f"{long}in two lines.").text
    assert "Snow" not in str(raised.value)
    assert "as in the recording, and is another after that" in str(raised.value)


def test_a_damaged_vector_is_said_to_be(tmp_path):
    file, messages = tmp_path / "run.jsonl", [{"role": "user", "content": "Rain."}]
    with nbagents.record(file):
        assert asked(Says("", embedding=[[0.5, 1.0]])).embedding
    with nbagents.replay(file):
        assert Says("")(messages).embedding == [[0.5, 1.0]]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[1]["answer"]["vectors"] = ["?"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with (
        nbagents.replay(file),
        pytest.raises(RecordingError, match=r"run\.jsonl: .* vector is damaged") as raised,
    ):
        _ = Says("")(messages).embedding
    assert raised.value.hint == "record it anew: -r run.jsonl --overwrite"


def test_what_fails_or_cannot_be_recorded_is_told(tmp_path):
    class Fails(ModelWrapperBase):
        def __call__(self, messages: Any, **kwargs: Any) -> ModelResponse:
            raise ZeroDivisionError("secret")

    file = tmp_path / "run.jsonl"
    with nbagents.record(file) as run:
        with pytest.raises(ZeroDivisionError):
            _ = asked(Fails("fails")).text
        assert asked(Says("Grey.", parsed={1, 2})).parsed == {1, 2}
        recording.only_recorded("what ann, an agent of others, answers")
    parsed, ann = run.notes[-2:]
    assert "not all of it is recorded: the parsed of says cannot be written as JSON" in parsed
    assert "what ann, an agent of others, answers cannot be recorded, and a replay will refuse it" in ann
    assert "secret" not in file.read_text()
    with (
        nbagents.replay(file),
        pytest.raises(ModelError, match="failed when it was recorded, with ZeroDivisionError"),
    ):
        _ = asked(Says("Somebody was asked.")).text
