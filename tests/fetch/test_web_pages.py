"""Pages and files of the web, from a real site: loaded, read, digested, downloaded."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from nbagents._loop import background
from nbagents.exceptions import WouldBlockLoopError
from nbagents.tools import (
    ServiceToolkit,
    digest_webpage,
    download_from_url,
    load_web,
    parse_html_to_text,
)

PAGE = """<html><head><title>No</title><style>p {}</style></head><body><!-- no -->
<h2>Rain</h2><div><p>Grey <b>beads</b>
on <a href="https://glass.example/a?b=1">the glass</a>.</p></div>
<script>alert("no")</script><ul><li>one<li>two</ul><a href="javascript:no()">away</a></body></html>"""


@pytest.fixture
def page(site):
    """Serve this at an address, and return it."""

    def serve(content: str | bytes, kind: str | None = "text/html; charset=utf-8", **headers: str) -> str:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        body = content.encode() if isinstance(content, str) else content
        site.served["it"] = lambda request: Response(body, media_type=kind, headers=sent)
        return f"{site.url}/it"

    return serve


# --------------------------------------------------------------------------------------------- pages


def test_a_page_is_loaded_in_the_forms_that_are_asked_for(site, page):
    url = page(PAGE)
    assert load_web(url, allow=[site.host]).content == {"raw": PAGE}
    found = load_web(url, False, ["h", "p", "li"], lambda came: len(came.text), allow=[site.host])
    assert found.content == {
        "self_define_func": len(PAGE),
        "html_to_text": "Rain\nGrey beads on [the glass](https://glass.example/a?b=1).\none\ntwo",
    }


def test_on_the_loop_it_says_how_to_call_it(site):
    async def agent():
        with pytest.raises(WouldBlockLoopError) as caught:
            load_web(f"{site.url}/page", allow=[site.host])
        assert "to_thread" in caught.value.hint
        return await asyncio.to_thread(load_web, f"{site.url}/page", allow=[site.host])

    assert background().run(agent(), timeout=30).succeeded


def test_data_are_data_and_what_is_no_text_is_bytes(site, page):
    found = load_web(page('{"rain": [1]}', "application/json"), allow=[site.host])
    assert found.content == {"raw": '{"rain": [1]}', "json": {"rain": [1]}}
    assert "none" in load_web(page("{", "application/json"), allow=[site.host]).content
    assert load_web(page(b"\x89PNG", "image/png"), allow=[site.host]).content == {"raw": b"\x89PNG"}
    found = load_web(page(b"\x89PNG", "image/png"), keep_raw=False, allow=[site.host])
    assert (found.succeeded, found.content) == (
        False,
        "nothing of the page was asked for that it has: it is image/png",
    )
    deep = load_web(page("[" * 200_000, "application/json"), allow=[site.host])
    assert not deep.succeeded


@pytest.mark.parametrize(
    ("path", "told"), [("status/404", "status 404"), ("endless", "larger"), ("drip", "0.5 s")]
)
def test_what_cannot_be_loaded_is_told(site, path, told):
    found = load_web(f"{site.url}/{path}", timeout=0.5, allow=[site.host])
    assert not found.succeeded
    assert told in found.content


def test_without_leave_nothing_of_this_machine_is_loaded(site, connects):
    for url in (f"{site.url}/page", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"):
        for found in (load_web(url), download_from_url(url, "f"), digest_webpage(url, print)):
            assert found.status.name == "ERROR" or not url.startswith("http"), url
    assert connects == []
    assert site.asked == []


def test_the_text_of_a_page_is_what_it_says():
    assert parse_html_to_text(PAGE) == (
        "Rain\nGrey beads on [the glass](https://glass.example/a?b=1).\none\ntwo\naway"
    )
    assert parse_html_to_text(PAGE, ["a"]) == "[the glass](https://glass.example/a?b=1)\naway"
    assert parse_html_to_text(PAGE, ["div", "p"]).count("Grey") == 1, "what is inside of both is said once"
    assert parse_html_to_text("", ["p"]) == parse_html_to_text("<p>", ["p"]) == ""
    assert parse_html_to_text("a < b & c <p title='x > y'>d</p><!-- no") == "a < b & c\nd"
    assert parse_html_to_text("plain &lt;b&gt; text") == "plain <b> text"


PIECES = [
    "<div>",
    "<a href=http://x.example/>",
    "<p>x</p>",
    "<script>",
    "</p>",
    "&#0;",
    "<",
    "<!--",
    "<a b='",
]
PIECES += ["<!", "<?", "&", "<a ", "<![CDATA[", "<a b=\"'", "</", "<script></scrip", "<b><p>"]


@pytest.mark.parametrize("piece", PIECES)
def test_no_page_keeps_the_reader_busy(piece):
    begun = time.monotonic()
    parse_html_to_text(piece * (50_000 // len(piece)), ["p", "div", "a"])
    assert time.monotonic() - begun < 10


def test_a_page_is_digested_by_a_model(site, page):
    heard = []

    def model(messages):
        heard.append(messages)
        return " beads "

    found = digest_webpage(page(PAGE), model, allow=[site.host])
    assert (found.succeeded, found.content) == (True, "beads")
    assert heard[0][0]["role"] == "system"
    assert heard[0][1]["content"].startswith("Rain\nGrey beads on")
    assert digest_webpage("Rain. http://x.example is a text", model).content == "beads"
    assert "no text" in digest_webpage(page("<html></html>"), model, allow=[site.host]).content


# --------------------------------------------------------------------------------------------- files


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_is_downloaded_into_the_folder(site, page, tmp_path):
    url = page(b"\0data", "application/octet-stream")
    found = download_from_url(url, "rain (1).bin", folder=tmp_path, allow=[site.host])
    assert found.content == {"url": url, "file_path": str(tmp_path / "rain (1).bin")}
    assert (tmp_path / "rain (1).bin").read_bytes() == b"\0data"
    assert stat.S_IMODE((tmp_path / "rain (1).bin").stat().st_mode) & 0o177 == 0
    again = download_from_url(url, "rain (1).bin", folder=tmp_path, allow=[site.host])
    assert (again.succeeded, again.content) == (False, "there is a file named rain (1).bin already")
    assert len(site.asked) == 1, "what has a name already is not even fetched"


ODD = [
    "../up",
    "/etc/x",
    "a/b",
    "a\\b",
    ".",
    "..",
    ".hidden",
    "",
    " ",
    "CON",
    "nul.txt",
    "a\0b",
    "a\nb",
    "a" * 200,
]
ODD += ["C:x", "a|b", "a.", "a ", "-rf", "~", "%2e%2e%2fup", "a\u202eb"]


@pytest.mark.parametrize("name", ODD)
def test_no_name_leads_out_of_the_folder(site, page, tmp_path, name):
    inner = tmp_path / "inner"
    inner.mkdir()
    found = download_from_url(page("x"), name, folder=inner, allow=[site.host])
    assert not found.succeeded
    assert site.asked == []
    assert (names(tmp_path), names(inner)) == (["inner"], [])


TOLD = [
    ('attachment; filename="rain.txt"', "rain.txt"),
    ("attachment; filename*=UTF-8''gr%C3%BCn.txt", "grün.txt"),
    ('attachment; filename="../../up.txt"', "it"),
    ('attachment; filename="/etc/cron.d/x"', "it"),
    ("attachment; filename*=UTF-8''..%2f..%2fup", "it"),
    ('attachment; filename="C:\\\\x.exe"', "it"),
    ('attachment; filename=".bashrc"', "it"),
    ('attachment; filename="a\tb"', "it"),
    ("filename=" + "a" * 5000, "it"),
    ("", "it"),
]


@pytest.mark.parametrize(("told", "name"), TOLD)
def test_what_a_server_tells_is_a_plain_name_or_none(site, page, tmp_path, told, name):
    inner = tmp_path / "inner"
    inner.mkdir()
    found = download_from_url(page("x", content_disposition=told), folder=inner, allow=[site.host])
    assert found.succeeded, found.content
    assert (names(tmp_path), names(inner)) == (["inner"], [name])


@pytest.mark.posix
def test_a_link_is_not_written_through(site, page, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "it").symlink_to(tmp_path / "outside")
    (inner / "there").symlink_to(tmp_path / "nowhere" / "at all")
    for name in (None, "there"):
        found = download_from_url(page("x"), name, folder=inner, allow=[site.host])
        assert found.content.endswith("already")
    assert names(tmp_path) == ["inner"]


def test_what_fails_leaves_no_file(site, page, tmp_path):
    for path, told in (("status/500", "500"), ("endless", "larger than 1000 bytes")):
        found = download_from_url(
            f"{site.url}/{path}", "f", retries=0, folder=tmp_path, max_size=1000, allow=[site.host]
        )
        assert told in found.content
    gone = download_from_url(page("x"), "f", folder=tmp_path / "gone", allow=[site.host])
    assert gone.content == "the file f cannot be written: No such file or directory"
    assert names(tmp_path) == []


def test_a_connection_that_breaks_is_tried_again(site, tmp_path):
    def answer(request):
        if len(site.asked) == 1:
            return Response(b"x", headers={"content-length": "5"})  # the server breaks off
        return JSONResponse({})

    site.served["it"] = answer
    found = download_from_url(f"{site.url}/it", "f", folder=tmp_path, allow=[site.host])
    assert found.succeeded, found.content
    assert len(site.asked) == 2


def test_a_model_downloads_to_where_its_programmer_says(site, page, tmp_path):
    toolkit = ServiceToolkit(approve="auto")
    toolkit.add(download_from_url, folder=str(tmp_path), allow=[site.host])
    call = [{"name": "download_from_url", "arguments": {"url": page("rain"), "filepath": "r.txt"}}]
    assert "[STATUS]: SUCCESS" in toolkit.parse_and_call_func(call).content
    assert (tmp_path / "r.txt").read_text() == "rain"
    call[0]["arguments"]["folder"] = os.sep
    assert "folder is not known" in toolkit.parse_and_call_func(call).content
