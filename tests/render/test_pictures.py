"""Pictures in cards: those that a message holds are shown, and nothing is fetched."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from nbagents.message import Msg
from nbagents.render import (
    LiveRows,
    RowView,
    RunView,
    attached,
    clean_html,
    message_html,
    message_text,
    run_html,
    run_text,
)

Read = Callable[[str], Any]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def data(content: bytes = PNG, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_a_picture_is_shown_and_survives_the_notebook(read: Read):
    html = message_html(Msg("painter", "Look:", url=[data(), "https://a.example/b.png"]))
    reading = read(html)
    assert reading.findings == []
    assert html.count("<img") == 1
    assert reading.links == ["https://a.example/b.png"]
    assert f'src="{data()}"' in clean_html(html)
    assert message_text(Msg("painter", "Look:", url=data())) == "painter\n  Look:\n  [picture]"


@pytest.mark.parametrize(
    "url",
    [
        data(b"<svg onload=alert(1)>", "image/svg+xml"),
        data(b"<html>", "image/png"),
        data(b"", "image/png"),
        'data:image/png;base64,iVBORw0KGgo" onerror=alert(1) x="',
        "data:image/png;base64,!!!!",
        "data:text/html,<script>alert(1)</script>",
        "javascript:alert(1)",
        "https://a.example/b.png?what=i-know",
        "http://127.0.0.1/b.png",
        "\\\\evil.example\\share\\b.png",
    ],
)
def test_what_is_no_picture_that_is_held_is_not_shown(url: str, read: Read):
    html = message_html(Msg("painter", "Look:", url=url))
    assert "<img" not in html
    assert read(html).findings == []


def test_a_block_may_hold_a_picture(read: Read):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    html = message_html(
        Msg("painter", [{"type": "text", "text": "Look:"}, {"type": "image", "source": source}])
    )
    assert html.count("<img") == 1
    assert read(html).text == "painter Look:"
    broken = message_html(Msg("painter", [{"type": "image", "source": source | {"data": "AAAA"}}]))
    assert read(broken).text == "painter [image]"


def test_a_file_is_shown_from_the_working_folder_alone(tmp_path, monkeypatch):
    inside, outside = tmp_path / "work", tmp_path / "other"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.png").write_bytes(PNG)
    (inside / "no.png").write_bytes(b"secret=1")
    (inside / "large.png").write_bytes(PNG + bytes(1_000_000))
    (outside / "b.png").write_bytes(PNG)
    (inside / "link.png").symlink_to(outside / "b.png")
    monkeypatch.chdir(inside)
    monkeypatch.setattr("tempfile.tempdir", str(inside))
    shown = [data()]
    assert list(attached(["a.png"])) == list(attached([(inside / "a.png").as_uri()])) == shown
    for name in (
        "no.png",
        "large.png",
        "link.png",
        "../other/b.png",
        str(outside / "b.png"),
        "none.png",
        ".",
    ):
        assert list(attached(name)) == [name]
    (inside / "a.png").write_bytes(PNG + b"!")
    assert attached("a.png") == (data(PNG + b"!"),), "it has changed"


def test_too_large_a_picture_says_so(read: Read):
    html = message_html(Msg("painter", "Look:", url=data(PNG + bytes(3_000_000))))
    assert read(html).text == "painter Look: a picture of 3.0 MB, too large to be shown"


def test_a_run_shows_the_newest_pictures_and_all_its_words(read: Read):
    large = data(PNG + bytes(600_000))
    rows = tuple(RowView("painter", f"number {n} " + "word " * 200, n, attached=(large,)) for n in range(4))
    html = run_html(RunView("paint", rows=rows))
    assert html.count("<img") == 1
    assert html.index("<img") > html.index("number 3")
    assert html.count("a picture for which the card has no room") == 3
    assert read(html).findings == []
    assert "shortened" not in html, "pictures take no room from words"
    assert run_text(RunView("paint", rows=rows)).count("[picture]") == 4


def test_a_live_row_shows_pictures_too():
    small, large = data(), data(PNG + bytes(600_000))
    (one, two) = LiveRows().values(
        [RowView("a", "x", attached=(small,)), RowView("b", "y", attached=(large,))]
    )
    assert "<img" in one["html"]
    assert "<img" not in two["html"]
