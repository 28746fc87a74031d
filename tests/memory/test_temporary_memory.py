"""`TemporaryMemory`."""

from __future__ import annotations

import json
import threading

import pytest

from nbagents.agents import AgentBase
from nbagents.exceptions import UsageError
from nbagents.memory import TemporaryMemory
from nbagents.message import Msg
from nbagents.models._format import chat_messages


@pytest.fixture
def messages():
    return [Msg("a", f"m{number}") for number in range(4)]


@pytest.fixture
def memory(messages):
    memory = TemporaryMemory()
    memory.add(messages)
    return memory


def contents(memory) -> list[str]:
    return [message.content for message in memory.get_memory()]


def test_messages_are_kept_in_order_and_once(memory, messages):
    memory.add(None)
    memory.add(messages[1])
    memory.add([messages[0], Msg("b", "m4"), [Msg("c", "m5")]])
    assert contents(memory) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert memory.size() == len(memory) == 6
    assert memory.get_memory()[:4] == messages
    assert all(kept is given for kept, given in zip(memory, messages, strict=False))


def test_an_empty_memory_is_a_memory():
    assert TemporaryMemory()
    assert TemporaryMemory().get_memory() == []


@pytest.mark.parametrize("wrong", ["text", 5, {"name": "a"}, [Msg("a", "x"), "text"], b"x"])
def test_only_messages_are_kept(memory, wrong):
    with pytest.raises(ValueError, match=r"Cannot add <class '.*'> to memory, must be a Msg object"):
        memory.add(wrong)
    assert memory.size() == 4


def test_the_list_that_is_given_out_is_a_copy(memory):
    memory.get_memory().clear()
    assert memory.size() == 4


def test_the_last_messages_and_those_that_pass_a_test(memory):
    def odd(index: int, message: Msg) -> bool:
        return index % 2 == 1

    assert [m.content for m in memory.get_memory(2)] == ["m2", "m3"]
    assert [m.content for m in memory.get_memory(99)] == ["m0", "m1", "m2", "m3"]
    assert memory.get_memory(0) == []
    assert [m.content for m in memory.get_memory(filter_func=odd)] == ["m1", "m3"]
    assert [m.content for m in memory.get_memory(2, odd)] == ["m3"]


def test_messages_are_deleted_by_their_places(memory, messages, caplog):
    memory.delete(1)
    memory.delete([0, 2])
    assert contents(memory) == ["m2"]
    assert caplog.text == ""
    memory.delete([0, 100, -1])
    assert "Skip delete operation for the invalid index [-1, 100]" in caplog.text
    assert memory.size() == 0
    memory.add(messages[0])  # what is forgotten can be learnt again
    assert memory.size() == 1


def test_everything_is_forgotten(memory, messages):
    memory.clear()
    assert memory.size() == 0
    assert messages[0] not in memory
    memory.add(messages)
    assert memory.size() == 4


def test_a_message_is_looked_for_by_identity(memory, messages):
    assert messages[2] in memory
    assert Msg("a", "m2") not in memory
    assert "m2" not in memory


def test_placeholders_are_kept_as_their_messages(memory):
    said, opened = Msg("b", "late"), threading.Event()

    class Late(AgentBase):
        def reply(self, x=None):
            assert opened.wait(20)
            return x

    late = Late("late")
    reply, several = late(said), late([Msg("b", "one"), Msg("b", "two")])
    threading.Timer(0.05, opened.set).start()
    memory.add([reply, reply])
    memory.add(several)
    assert contents(memory)[4:] == ["late", "one", "two"]
    assert memory.get_memory()[4] is said
    assert reply in memory


def test_a_memory_is_written_and_read(memory, messages, tmp_path):
    path = str(tmp_path / "memory.json")
    assert memory.export(path) is None
    assert memory.export(to_mem=True) == messages
    other = TemporaryMemory()
    other.load(path)
    assert [m.to_dict() for m in other] == [m.to_dict() for m in messages]
    other.load(path)
    assert other.size() == 4, "the same messages"
    text = (tmp_path / "memory.json").read_text("utf-8")
    third = TemporaryMemory()
    third.load(text)
    third.load(json.dumps(Msg("b", "single").to_dict()))
    assert contents(third) == ["m0", "m1", "m2", "m3", "single"]
    with pytest.raises(UsageError, match="file path, or to_mem=True"):
        memory.export()


def test_what_is_loaded_replaces_or_adds(memory):
    memory.load([Msg("b", "new")])
    assert memory.size() == 5
    memory.load(Msg("b", "only"), overwrite=True)
    assert contents(memory) == ["only"]


@pytest.mark.parametrize("wrong", ["missing.json", "[1]", "{}", '{"a"', "[" * 100_000, ["text"]])
def test_what_cannot_be_loaded_changes_nothing(memory, wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        memory.load(wrong, overwrite=True)
    assert memory.size() == 4


def test_what_cannot_be_written_leaves_the_file_alone(memory, tmp_path):
    path = tmp_path / "memory.json"
    path.write_text("old", "utf-8")
    with pytest.warns(UserWarning, match="JSON"):
        memory.add(Msg("painter", object()))
    with pytest.raises(UsageError, match="from 'painter' cannot be exported"):
        memory.export(str(path))
    assert path.read_text("utf-8") == "old"


# ---- changed by a person


def three():
    memory = TemporaryMemory()
    memory.add([Msg("user", "Rain?"), Msg("poet", "Beads."), Msg("critic", "Too long!")])
    return memory, [message.id for message in memory]


def said(memory):
    return [message.content for message in memory.get_memory()]


def test_edited_words_are_remembered_here_alone():
    memory, ids = three()
    heard = memory.get_memory()[1]
    memory.edit(ids[1], "Grey beads.")
    assert said(memory) == ["Rain?", "Grey beads.", "Too long!"]
    assert memory.get_memory()[1].id == ids[1]
    assert heard.content == "Beads."


def test_a_muted_message_stays_and_is_not_sent():
    memory, ids = three()
    memory.mute(ids[2])
    assert said(memory) == ["Rain?", "Beads.", "Too long!"]
    assert [entry["content"] for entry in chat_messages(memory.get_memory())] == ["Rain?", "Beads."]
    memory.mute(ids[2], muted=False)
    assert len(chat_messages(memory.get_memory())) == 3
    assert memory.get_memory()[2].metadata is None


def test_muting_keeps_what_the_metadata_held():
    memory = TemporaryMemory()
    memory.add(Msg("poet", "Beads.", metadata={"model": "demo"}))
    (message,) = memory
    memory.mute(message.id)
    memory.mute(message.id)
    memory.mute(message.id, muted=False)
    assert memory.get_memory()[0].metadata == {"model": "demo"}


def test_each_change_is_taken_back_and_nothing_said_since_is_lost():
    memory, ids = three()
    memory.rewind(ids[0])
    memory.edit(ids[0], "Snow?")
    memory.add(Msg("poet", "Flakes."))
    assert said(memory) == ["Snow?", "Flakes."]
    assert memory.undo()
    assert said(memory) == ["Rain?", "Flakes."]
    assert memory.undo()
    assert said(memory) == ["Rain?", "Beads.", "Too long!", "Flakes."]
    assert not memory.undo()


def test_a_forgotten_message_is_gone_and_an_unknown_one_is_named():
    memory, ids = three()
    memory.forget(ids[1])
    assert said(memory) == ["Rain?", "Too long!"]
    with pytest.raises(UsageError, match="is remembered here"):
        memory.edit(ids[1], "again")


@pytest.mark.parametrize("wrong", ["0", [0, "1"], 1.5, None])
def test_only_places_are_deleted(wrong):
    memory = TemporaryMemory()
    memory.add([Msg("a", "one"), Msg("b", "two")])
    with pytest.raises(UsageError, match="takes the places of messages"):
        memory.delete(wrong)
    assert memory.size() == 2
