"""`Msg` and `PlaceholderMessage`."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import threading
import time

import pytest

from nbagents.agents import AgentBase
from nbagents.exceptions import UsageError
from nbagents.message import Msg, PlaceholderMessage

FIELDS = ["id", "name", "content", "role", "url", "metadata", "timestamp"]

# ----------------------------------------------------------------------------------------- Msg


def test_a_message_has_an_identity_and_a_time():
    first, second = Msg("a", "x"), Msg("a", "x")
    assert re.fullmatch("[0-9a-f]{32}", first.id)
    assert first.id != second.id
    made = time.mktime(time.strptime(first.timestamp, "%Y-%m-%d %H:%M:%S"))
    assert abs(time.time() - made) < 60


@pytest.mark.parametrize(
    ("name", "role"),
    [("user", "user"), ("User", "user"), ("USER", "user"), ("poet", "assistant"), ("users", "assistant")],
)
def test_the_role_is_guessed_from_the_name(name, role):
    assert Msg(name, "hi").role == role


def test_a_role_is_one_of_three():
    message = Msg("a", "x", "system")
    with pytest.raises(
        ValueError, match=r"Invalid role tool. The role must be one of \['system', 'user', 'assistant'\]"
    ):
        message.role = "tool"
    with pytest.raises(UsageError):
        Msg("a", "x", "")
    assert message.role == "system"
    message.role = "user"
    assert message.role == "user"


def test_the_fields_can_be_set():
    message = Msg("a", "x", "user", url="u", metadata={"k": 1})
    values = {"id": "1", "name": "b", "content": [1], "url": ["v"], "metadata": "m", "timestamp": "now"}
    for field, value in values.items():
        setattr(message, field, value)
    assert {field: getattr(message, field) for field in values} == values


def test_further_keywords_go_into_the_metadata_with_one_warning():
    with pytest.warns(UserWarning, match="host, port, task_id; put into metadata") as caught:
        message = Msg("a", "x", "user", None, {"k": 1}, host="h", port=1, task_id=2)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert message.metadata == {"k": 1, "host": "h", "port": 1, "task_id": 2}
    assert type(message) is Msg
    with pytest.warns(UserWarning, match="agreement"):
        assert Msg("a", "x", metadata="text", agreement=True).metadata == {
            "metadata": "text",
            "agreement": True,
        }


def test_a_message_reads_like_a_dictionary():
    message = Msg("a", "x", metadata={"vote": 3})
    assert list(message) == list(message.keys()) == FIELDS
    assert dict(message) == {field: getattr(message, field) for field in FIELDS}
    assert (message["content"], message["vote"]) == ("x", 3)
    assert (message.get("name"), message.get("vote"), message.get("other"), message.get("other", 1)) == (
        "a",
        3,
        None,
        1,
    )
    assert "url" in message
    assert "vote" in message
    assert "other" not in message
    assert not isinstance(message, dict)
    with pytest.raises(KeyError, match="other"):
        message["other"]
    assert Msg("a", "x", metadata="vote").get("vote") is None


def test_messages_are_equal_if_they_are_the_same():
    first, second = Msg("a", "x"), Msg("a", "x")
    second.id, second.timestamp = first.id, first.timestamp
    assert first == first
    assert first != second
    assert [first] == [first]
    assert len({first, second}) == 2
    assert bool(Msg("a", ""))


def test_what_json_cannot_hold_is_kept_with_a_warning():
    content = {1, 2}
    with pytest.warns(
        UserWarning, match=r"the content of a message from 'a' \(set\) cannot be written as JSON"
    ) as caught:
        message = Msg("a", content)
    assert caught[0].filename == __file__
    assert message.content is content
    with pytest.warns(UserWarning, match="JSON") as caught:
        message.content = object()
    assert caught[0].filename == __file__


def test_formatted_text_has_a_line_for_each_url():
    assert Msg("a", "x").formatted_str() == "a: x"
    assert Msg("a", "x", url="u").formatted_str() == "a: x\na: u"
    assert Msg("a", "x", url=["u", "v"]).formatted_str() == "a: x\na: u\na: v"
    assert Msg("A", "x").formatted_str(colored=True) == "\033[95mA\033[0m: x"


def test_echo_prints_the_message(capsys):
    Msg("a", "x", echo=True)
    assert capsys.readouterr().out == "a: x\n"


def test_a_long_content_is_shortened_in_the_repr():
    assert repr(Msg("a", "x")) == "Msg(name='a', content='x', role='assistant')"
    assert len(repr(Msg("a", "x" * 10_000))) < 300


def test_a_message_survives_json():
    message = Msg("a", [{"type": "text", "text": "Grüße"}], "system", url=["u"], metadata={"k": [1, None]})
    written = json.dumps(message.to_dict())
    assert json.loads(written)["__module__"] == "nbagents.message"
    assert json.loads(written)["__name__"] == "Msg"
    again = Msg.from_dict(json.loads(written))
    assert again.to_dict() == message.to_dict()
    assert again != message


@pytest.mark.parametrize("module", ["nbagents.message", "agentscope.message", "agentscope.message.msg"])
def test_the_older_spellings_are_read_and_the_dictionary_is_left_alone(module):
    given = Msg("a", "x").to_dict() | {"__module__": module}
    before = dict(given)
    assert Msg.from_dict(given).content == "x"
    assert given == before


@pytest.mark.parametrize(
    "change",
    [
        {"__module__": "os"},
        {"__module__": None},
        {"__name__": "PlaceholderMessage"},
        {"extra": 1},
        {"role": "tool"},
    ],
)
def test_what_is_no_message_is_refused(change):
    with pytest.raises(UsageError):
        Msg.from_dict(Msg("a", "x").to_dict() | change)


def test_a_dictionary_with_a_missing_field_is_refused_by_name():
    given = Msg("a", "x").to_dict()
    del given["url"]
    with pytest.raises(UsageError, match="missing or unknown: url"):
        Msg.from_dict(given)


# --------------------------------------------------------------------------- PlaceholderMessage


class Gate(AgentBase):
    """Answers once it is opened."""

    def __init__(self, name: str = "gate") -> None:
        super().__init__(name)
        self._opened = threading.Event()

    def reply(self, x=None):
        assert self._opened.wait(20)
        if isinstance(x, Exception):
            raise x
        return x


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate._opened.set()


def test_a_placeholder_is_a_message_that_becomes_another(gate):
    said = Msg("poet", "grey beads", url="u", metadata={"vote": 3})
    reply = gate(said)
    assert isinstance(reply, Msg)
    assert reply._is_placeholder
    assert not reply.done()
    gate._opened.set()
    assert [getattr(reply, field) for field in FIELDS] == [getattr(said, field) for field in FIELDS]
    assert not reply._is_placeholder
    assert (reply["content"], reply.get("vote"), "vote" in reply, list(reply)) == (
        "grey beads",
        3,
        True,
        FIELDS,
    )
    assert reply.formatted_str() == "poet: grey beads\npoet: u"
    assert dict(reply) == dict(said)
    assert reply.result() is said


def test_setting_a_field_sets_that_of_the_message(gate):
    said = Msg("a", "x")
    reply = gate(said)
    gate._opened.set()
    reply.content = "y"
    assert said.content == "y"


def test_looking_at_a_placeholder_never_waits(gate):
    reply, other = gate(Msg("a", "x")), gate(Msg("a", "y"))
    assert repr(reply) == str(reply) == f"{reply}" == "<waiting for gate>"
    assert bool(reply)
    assert hash(reply) == hash(reply)
    assert reply == reply
    assert reply != other
    assert reply != Msg("a", "x")
    assert Msg("a", "x") != reply
    assert reply != "x"
    assert reply in [other, reply]
    assert not hasattr(reply, "_repr_html_")
    assert not reply.done()


def test_placeholders_of_one_message_are_equal(gate):
    said = Msg("a", "x")
    first, second, third = gate(said), gate(said), gate(Msg("a", "x"))
    assert first != second
    gate._opened.set()
    assert third.content == "x"
    assert first == second == said
    assert said == first
    assert first != third
    assert [said] == [first]
    assert [third, first].index(said) == 1
    assert repr(first) == repr(said)


def test_update_value_waits(gate):
    reply = gate("x")
    threading.Timer(0.05, gate._opened.set).start()
    reply.update_value()
    assert reply.done()


def test_a_placeholder_can_be_awaited_more_than_once(gate):
    async def main():
        return await reply, await reply

    reply = gate(said := Msg("a", "x"))
    gate._opened.set()
    assert asyncio.run(main()) == (said, said)


def test_a_placeholder_that_has_arrived_is_written_as_its_message(gate):
    said = Msg("a", "x")
    reply = gate(said)
    address = reply.to_dict()
    assert address["__name__"] == "PlaceholderMessage"
    assert {"_host", "_port", "_task_id"} < address.keys()
    assert "content" not in address
    assert not reply.done()
    gate._opened.set()
    reply.update_value()
    assert reply.to_dict() == said.to_dict()
    assert type(PlaceholderMessage.from_dict(reply.to_dict())) is Msg


def test_an_address_without_a_host_is_refused(gate):
    with pytest.raises(UsageError, match="_host, _port and _task_id"):
        PlaceholderMessage.from_dict(gate("x").to_dict())
    with pytest.raises(UsageError, match=r"not a message: os\.PlaceholderMessage"):
        PlaceholderMessage.from_dict({"__module__": "os", "__name__": "PlaceholderMessage"})


def test_the_dictionary_of_a_failed_call_raises_its_error(gate):
    reply = gate(KeyError("broken"))
    gate._opened.set()
    for read in (lambda: reply.content, reply.to_dict, lambda: "k" in reply):
        with pytest.raises(KeyError, match="broken"):
            read()


def test_a_copy_is_a_copy_of_the_message(gate):
    said = Msg("a", ["x"])
    reply = gate(said)
    gate._opened.set()
    shallow, deep = copy.copy(reply), copy.deepcopy({"k": reply})["k"]
    assert type(shallow) is type(deep) is Msg
    assert shallow.content is said.content
    assert deep.content == said.content
    assert deep.content is not said.content


def test_a_placeholder_does_not_travel_by_pickle(gate):
    reply = gate("x")
    gate._opened.set()
    with pytest.raises(TypeError, match="read it first"):
        reply.__reduce_ex__(2)


def test_several_messages_may_arrive_as_one(gate):
    reply = gate([Msg("a", "x"), Msg("b", "y")])
    gate._opened.set()
    assert [m.content for m in reply] == ["x", "y"]
    assert reply[1].content == "y"
    with pytest.raises(UsageError, match="gate returned list, not a message"):
        reply.to_dict()


# ------------------------------------------------------------------------------------- blocks

TEXT = {"type": "text", "text": "Grey beads"}
USE = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}


def test_a_text_is_one_text_block():
    message = Msg("poet", "Grey beads")
    assert message.get_content_blocks() == [TEXT]
    assert message.get_text_content() == "Grey beads"
    assert not message.has_content_blocks("tool_use")


def test_blocks_are_printed_as_their_text():
    assert Msg("poet", [{"type": "thinking", "thinking": "Hm."}, TEXT]).formatted_str() == "poet: Grey beads"


def test_blocks_are_found_by_type():
    message = Msg("poet", [TEXT, USE, IMAGE, {**TEXT, "text": "on the glass"}])
    assert message.get_content_blocks("tool_use") == [USE]
    assert message.get_content_blocks(["image", "tool_use"]) == [USE, IMAGE]
    assert message.get_text_content(" ") == "Grey beads on the glass"
    assert message.has_content_blocks("image")
    assert len(message.get_content_blocks()) == 4


@pytest.mark.parametrize("content", [{"a": 1}, 7, None, [1, "x", {"type": "text"}, {"type": []}]])
def test_content_that_is_no_blocks_has_none(content):
    message = Msg("poet", content)
    assert message.get_content_blocks() == []
    assert message.get_text_content() is None
    assert not message.has_content_blocks()


def test_a_placeholder_gives_the_blocks_of_its_message():
    class Blocky(AgentBase):
        def reply(self, x=None):
            return Msg(self.name, [TEXT, USE])

    reply = Blocky("blocky")()
    assert isinstance(reply, PlaceholderMessage)
    assert reply.get_content_blocks("tool_use") == [USE]


def test_what_is_in_metadata_or_the_content_is_read_like_a_field():
    message = Msg("player", {"speak": "Not me!", "vote": "Ann"}, metadata={"vote": "Bob", "id": "x"})
    assert (message.vote, message.speak, message["speak"], "speak" in message) == (
        "Bob", "Not me!", "Not me!", True,
    )  # fmt: skip
    assert message.id != "x"
    with pytest.raises(AttributeError, match="'player' has no 'ballot'"):
        _ = message.ballot
    assert not hasattr(Msg("a", "b"), "vote")
    assert copy.deepcopy(message).vote == "Bob"


def test_what_an_agent_raised_is_not_taken_for_a_missing_field():
    class Stumbles(AgentBase):
        def reply(self, x=None):
            return x.ballot if x is not None else Msg(self.name, "yes", metadata={"vote": "Bob"})

    agent = Stumbles("stumbles")
    assert agent().vote == "Bob"
    for name in ("content", "vote"):
        with pytest.raises(AttributeError, match="'user' has no 'ballot'"):
            getattr(agent(Msg("user", "hi")), name)
