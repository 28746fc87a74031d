"""Content blocks on their way to a model: pictures, sounds, calls of tools and what these returned."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.models import OpenAIChatWrapper

OPENAI = OpenAIChatWrapper("a", "gpt-4o", "sk-0123456789", "https://api.openai.com/v1")
OTHER = OpenAIChatWrapper("b", "m", base_url="http://localhost:1/v1")
USE = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 3}}
RESULT = {"type": "tool_result", "id": "c1", "name": "add", "output": [{"type": "text", "text": "7"}]}


@pytest.fixture(scope="module")
def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + zlib.compress(b"\0\0")


def image(url: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "url", "url": url}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_a_picture_goes_by_address_by_file_or_as_data(tmp_path: Path, png: bytes):
    (tmp_path / "rain 1.png").write_bytes(png)
    data = base64.b64encode(png).decode()
    inline = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    local = str(tmp_path / "rain 1.png")
    addresses = ["https://example.org/rain.png", local, Path(local).as_uri()]
    [entry] = OTHER.format(Msg("user", [text("What is it?"), *map(image, addresses), inline]))
    assert entry["content"][0] == text("What is it?")
    urls = [part["image_url"]["url"] for part in entry["content"][1:]]
    assert urls == ["https://example.org/rain.png", *[f"data:image/png;base64,{data}"] * 3]


def test_only_what_is_a_picture_is_sent(tmp_path: Path, png: bytes):
    secret = tmp_path / "secret.png"
    secret.write_text("password: 1234")
    with pytest.raises(UsageError, match=r"'secret.png' of a message is not sent.*it is no picture"):
        OTHER.format(Msg("user", [image(str(secret))]))
    os.mkfifo(tmp_path / "pipe.png")  # reading it would wait for ever
    for name in ("gone.png", "pipe.png"):
        with pytest.raises(UsageError, match=f"'{name}' of a message cannot be read: there is no such file"):
            OTHER.format(Msg("user", [image(str(tmp_path / name))]))
    later = OTHER.format(Msg("user", [image(str(secret))]), Msg("user", "and now?"))
    assert later[0]["content"] == "(picture: secret.png)"  # an old message does not end the talk


def test_a_sound_goes_as_data(tmp_path: Path):
    path = tmp_path / "rain.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    sound = {"type": "audio", "source": {"type": "url", "url": str(path)}}
    far = {"type": "audio", "source": {"type": "url", "url": "https://example.org/rain.mp3"}}
    film = {"type": "video", "source": {"type": "url", "url": "/films/rain.mp4"}}
    [entry] = OTHER.format(Msg("user", [sound, far, film]))
    assert entry["content"][0]["input_audio"]["format"] == "wav"
    assert [part["text"] for part in entry["content"][1:]] == [
        "(sound: https://example.org/rain.mp3)",
        "(film: rain.mp4)",
    ]


def test_a_picture_beside_the_text_goes_to_models_that_see(tmp_path: Path, png: bytes):
    path = tmp_path / "rain.png"
    path.write_bytes(png)
    said = Msg("user", "What is it?", url=[str(path), "https://example.org/table.csv"])
    [seen] = OPENAI.format(said)
    assert [part["type"] for part in seen["content"]] == ["text", "image_url"]
    [unseen] = OTHER.format(said)
    assert unseen["content"] == "What is it?"


def test_the_speakers_own_pictures_are_noted():
    said = [
        Msg("poet", [text("Look:"), image("https://example.org/a.png")]),
        Msg("critic", [image("data:,")]),
    ]
    own, other = OTHER.format(*said, speaker="poet")
    assert own["content"] == "Look:\n(picture: https://example.org/a.png)"
    assert other["content"][0]["type"] == "image_url"


def test_names_stand_before_the_text_of_parts():
    talk = [Msg("critic", [text("See"), image("https://x.org/a.png")]), Msg("judge", [image("data:,")])]
    first, second = OTHER.format(*talk, speaker="me")
    assert first["content"][0] == text("critic: See")
    assert second["content"][0] == text("judge: ")
    assert second["content"][1]["type"] == "image_url"


TOOLS = [
    Msg("user", "Add 3 and 4"),
    Msg("helper", [{"type": "thinking", "thinking": "hm"}, text("I add."), USE]),
    Msg("system", [RESULT], "system"),
    Msg("helper", "7"),
]


@pytest.mark.parametrize("speaker", ["helper", None])
def test_calls_of_tools_and_their_results_are_those_of_the_wire(speaker):
    assert OTHER.format(*TOOLS, speaker=speaker)[1:] == [
        {
            "role": "assistant",
            "name": "helper",
            "content": "I add.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 3}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "assistant", "name": "helper", "content": "7"},
    ]


def test_a_result_stands_behind_its_call_whatever_came_between():
    between = [*TOOLS[:2], Msg("critic", "Hurry!"), TOOLS[2]]
    assert [entry["role"] for entry in OTHER.format(*between, speaker="helper")] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]


def test_a_call_without_a_result_gets_one():
    last = OTHER.format(*TOOLS[:2], Msg("user", "Go on"), speaker="helper")[2]
    assert last == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": "(no result: the call was stopped)",
    }


def test_what_others_did_with_tools_is_told_in_words():
    entries = OTHER.format(*TOOLS, speaker="critic")
    assert [entry["role"] for entry in entries] == ["user"] * 4
    assert entries[1]["content"] == 'helper: I add.\n(calls add with {"a": 3})'
    assert entries[2]["content"] == "system: (add returned: 7)"
    assert not any("tool_calls" in entry for entry in entries)


def test_a_picture_that_a_tool_returned_is_shown_after_it():
    shown = RESULT | {"output": [text("done"), image("https://example.org/plot.png")]}
    entries = OTHER.format(*TOOLS[:2], Msg("system", [shown], "system"), speaker="helper")
    assert entries[2]["content"] == "done"
    assert entries[3]["role"] == "user"
    assert [part["type"] for part in entries[3]["content"]] == ["text", "image_url"]


def test_a_picture_without_a_source_is_refused():
    with pytest.raises(UsageError, match='a block of type "image" needs a source'):
        OTHER.format(Msg("user", [{"type": "image"}]))
