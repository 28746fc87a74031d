"""Messages and memory as cards; a placeholder is never waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbagents.exceptions import ModelUnavailableError
from nbagents.message import Msg, PlaceholderMessage
from nbagents.render import (
    EntryView,
    MemoryView,
    content_text,
    memory_html,
    memory_text,
    message_html,
    message_text,
)

Read = Callable[[str], Any]


class _Promise:
    """A call that is over, or not; waiting for it is a failure of the test."""

    def __init__(self, value: Any = None, error: BaseException | None = None, done: bool = True) -> None:
        self.done, self.value, self.error = done, value, error

    def label(self) -> str:
        return "critic"

    def result(self, timeout: float | None = None) -> Any:
        raise AssertionError("waited")


def test_a_message_is_a_card(read: Read):
    reading = read(
        message_html(Msg("poet", "Grey **beads**", url="https://a.example/x.png"), color=0, is_demo=True)
    )
    assert reading.text == "poet demo · not an AI Grey beads https://a.example/x.png"
    assert reading.links == ["https://a.example/x.png"]


def test_addresses_of_a_message_are_judged_like_all_others(read: Read):
    message = Msg("poet", "x", url=["javascript:alert(1)", "/etc/passwd", "data:image/png;base64,AAAA"])
    reading = read(message_html(message))
    assert reading.links == []
    assert "data:" not in reading.text


def test_a_message_as_text():
    assert message_text(Msg("poet", "a\nb", url="https://a.example")) == "poet\n  a\n  b\n  https://a.example"


def test_what_has_not_arrived_says_so_at_once(read: Read):
    waiting = PlaceholderMessage.of(_Promise(done=False))
    assert read(message_html(waiting)).text == "critic ▶\ufe0e running"
    assert message_text(waiting) == "critic · ▶ running"


def test_what_arrived_is_shown_as_what_it_is(read: Read):
    arrived = PlaceholderMessage.of(_Promise(Msg("critic", "Too long")))
    assert read(message_html(arrived)).text == "critic Too long"
    assert message_text(arrived) == "critic\n  Too long"
    number = PlaceholderMessage.of(_Promise({"n": 17}))
    assert read(message_html(number)).text == 'critic { "n": 17 }'


def test_what_failed_says_why(read: Read):
    error = ModelUnavailableError("localhost:11434 refused", hint="ollama serve")
    error.remote_traceback = "Traceback\n  key sk-proj-0123456789abcd"
    failed = PlaceholderMessage.of(_Promise(error=error))
    text = read(message_html(failed)).text
    assert (
        "✗ critic: ModelUnavailableError localhost:11434 refused Try: ollama serve details Traceback" in text
    )
    assert "0123456789" not in text
    assert message_text(failed).split("\n")[:3] == [
        "✗ critic: ModelUnavailableError",
        "  localhost:11434 refused",
        "  Try: ollama serve",
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("x", "x"),
        (None, ""),
        ({"a": [1]}, '```json\n{\n  "a": [\n    1\n  ]\n}\n```'),
        ([], "```json\n[]\n```"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\n\nb"),
        ([{"type": "thinking", "thinking": "hm"}], "hm"),
        ([{"type": "image", "source": {"url": "https://a.example/b.png"}}], "[image: https://a.example/b.png]"),
        ([{"type": "image", "source": {"type": "base64", "data": "AAAA"}}], "[image]"),
        ([{"type": "audio", "url": "data:audio/wav;base64,AAAA"}], "[audio]"),
        ([{"type": "tool_use", "name": "f"}], 'tool_use:\n\n```json\n{\n  "name": "f"\n}\n```'),
        ([{"type": "text"}], "text:\n\n```json\n{}\n```"),
        ([1, "a"], '```json\n[\n  1,\n  "a"\n]\n```'),
        (17, "```json\n17\n```"),
    ],
)  # fmt: skip
def test_any_content_has_a_text(content: Any, text: str):
    assert content_text(content) == text


def test_memory_shows_every_message_and_hides_no_system_prompt(read: Read):
    entries = (Msg("system", "You are a poet.", "system"), Msg("you", "Rain", "user"), Msg("poet", "Grey"))
    view = MemoryView("poet", 3, "gpt-4o-mini", entries)
    reading = read(memory_html(view))
    assert reading.text == (
        "poet memory of the prompt and 2 messages · gpt-4o-mini system system · 1 You are a poet."
        " you user · 2 Rain poet assistant · 3 Grey"
    )
    assert "user message 2 of 3, from you" in reading.labels
    assert memory_text(view).split("\n") == [
        "poet · memory of the prompt and 2 messages · gpt-4o-mini",
        "  1 system · system",
        "    You are a poet.",
        "  2 user · you",
        "    Rain",
        "  3 assistant · poet",
        "    Grey",
    ]


def test_a_great_memory_shows_its_newest(read: Read):
    view = MemoryView("poet", 0, None, tuple(Msg("a", f"message {i} " + "x" * 900) for i in range(500)))
    html = memory_html(view)
    assert len(html.encode()) <= 40_000
    text = read(html).text
    assert "memory of 500 messages" in text
    assert "message 499" in text
    assert "460 older, not shown" in text
    assert "500 assistant · a" in memory_text(view)
    assert "… 300 older" in memory_text(view)


def test_an_empty_memory_is_shown(read: Read):
    assert (
        read(memory_html(MemoryView("poet", is_demo=True))).text
        == "poet memory of 0 messages · demo · not an AI"
    )


def test_a_muted_message_says_so_in_words(read: Read):
    entries = (EntryView("critic", "Too long!", muted=True),)
    view = MemoryView("poet", 0, entries=entries, colors={"critic": 3})
    html = memory_html(view)
    assert "⊘ muted" in read(html).text
    assert "nba-c3" in html
    assert memory_text(view).split("\n")[1] == "  1 user · critic · muted"
