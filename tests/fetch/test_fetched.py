"""`fetch` gets what is there, within its limits, from a real web site."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
import time

import pytest

from nbagents import fetch as fetching
from nbagents._loop import background
from nbagents.exceptions import FetchError, FetchRefusedError, UsageError
from nbagents.fetch import Fetched, fetch


def got(url: str, **options) -> Fetched:
    return background().run(fetch(url, **options), timeout=30)


def refusal(url: str, **options) -> str:
    with pytest.raises(FetchError) as caught:
        got(url, **options)
    return str(caught.value)


def test_a_page_is_fetched(site):
    page = got(f"{site.url}/page", allow=[site.host])
    assert (page.status, page.ok, page.content_type) == (200, True, "text/html")
    assert page.text == "<p>Grey beads on the glass</p>" == page.body.decode()
    assert page.url == f"{site.url}/page"
    assert got(f"{site.url}/status/404", allow=["127.0.0.1"]).status == 404


def test_any_loop_may_await_it(site):
    async def both():
        return await asyncio.gather(*(fetch(f"{site.url}/page", allow=[site.host]) for _ in range(2)))

    assert [page.status for page in asyncio.run(both())] == [200, 200]


def test_it_asks_as_it_was_told_to(site):
    told = got(
        f"{site.url}/echo", method="post", headers={"X-Key": "k"}, body=b"{}", allow=[site.host]
    ).json()
    assert (told["method"], told["body"]) == ("POST", "{}")
    assert told["headers"]["x-key"] == "k"
    assert told["headers"]["host"] == site.host
    assert told["headers"]["user-agent"].startswith("nbagents/")
    assert got(f"{site.url}/page", method="HEAD", allow=[site.host]).body == b""


def test_what_is_packed_is_unpacked(site):
    assert got(f"{site.url}/packed", allow=[site.host]).body == b"small"


@pytest.mark.parametrize("path", ["bomb", "endless", "said/10000000000"])
def test_more_than_the_limit_is_not_read(site, path):
    begun = time.monotonic()
    assert "larger than 10485760 bytes" in refusal(f"{site.url}/{path}", allow=[site.host])
    assert time.monotonic() - begun < 10
    if path == "endless":
        assert site.ended.wait(10), "the connection is closed"
    assert "larger than 10 bytes" in refusal(f"{site.url}/page", allow=[site.host], most=10)


@pytest.mark.parametrize("encoding", ["gzip, gzip, gzip", "br", "zstd", "odd"])
def test_what_is_packed_as_nobody_asked_is_not_unpacked(site, encoding):
    assert "packed" in refusal(f"{site.url}/bomb/{encoding}", allow=[site.host])


def test_the_time_is_for_all_of_it(site):
    begun = time.monotonic()
    assert "did not come within 0.5 s" in refusal(f"{site.url}/drip", allow=[site.host], seconds=0.5)
    assert time.monotonic() - begun < 5
    assert site.ended.wait(10)


def test_a_server_that_says_nothing_is_left(site):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "within 0.3 s" in refusal(f"http://{host}/", allow=[host], seconds=0.3)


def test_cancelling_ends_it(site):
    async def cancelled():
        task = asyncio.ensure_future(fetch(f"{site.url}/drip", allow=[site.host]))
        await asyncio.to_thread(site.dripping.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert site.ended.wait(10), "the connection is closed"


def test_what_is_no_http_is_said_to_be_none(site):
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def speak():
            with odd.accept()[0] as peer:
                peer.recv(1000)
                peer.sendall(b"+OK POP3 ready\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        host = f"127.0.0.1:{odd.getsockname()[1]}"
        assert refusal(f"http://{host}/", allow=[host]).endswith("what it answers is no HTTP")
        thread.join(10)
    assert refusal(f"http://{host}/", allow=[host]).endswith("nobody answers there")


# ------------------------------------------------------------------------------------------ redirects


def test_redirects_are_followed_but_not_for_ever(site):
    answer = got(f"{site.url}/to/301?url=/page", allow=[site.host])
    assert (answer.status, answer.url) == (200, f"{site.url}/page")
    assert "more than 5 times" in refusal(f"{site.url}/loop/0", allow=[site.host])
    assert len(site.asked) == 2 + 6


def test_keys_and_bodies_stay_with_the_host_they_are_for(site):
    here, there = site.host, site.host.replace("127.0.0.1", "localhost")
    url = f"{site.url}/to/307?url=http://{there}/echo"
    sent = {"headers": {"X-Key": "k", "Authorization": "Bearer b", "Accept": "text/html"}}
    told = got(url, allow=[here, there], **sent).json()["headers"]
    assert told["accept"] == "text/html"
    assert {"x-key", "authorization"}.isdisjoint(told)
    assert "to another host" in refusal(url, allow=[here, there], method="POST", body=b"secret", **sent)
    same = got(f"{site.url}/to/307?url=/echo", allow=[here], method="POST", body=b"secret", **sent).json()
    assert (same["body"], same["headers"]["x-key"]) == ("secret", "k")
    after = got(f"{site.url}/to/303?url=/echo", allow=[here], method="POST", body=b"secret").json()
    assert (after["method"], after["body"]) == ("GET", "")


@pytest.mark.parametrize(
    "aim",
    [
        "http://169.254.169.254/latest/meta-data/", "http://localhost:{port}/page",
        "http://0x7f.1:{port}/page", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_", "http://user:word@127.0.0.1:{port}/page",
        "http://[::ffff:7f00:1]:{port}/page", "http://127.0.0.1:22/", "//127.0.0.1:25/",
        "http://[", "data:,hi",
    ],
)  # fmt: skip
def test_a_redirect_does_not_lead_inside(site, connects, aim):
    """The site itself is allowed, by its host and port, as a public one is."""
    from urllib.parse import quote

    aim = aim.format(port=site.host.partition(":")[2])
    with pytest.raises(FetchRefusedError) as caught:
        got(f"{site.url}/to/302?url={quote(aim, safe='')}", allow=[site.host])
    assert connects == ["127.0.0.1"], "the site, and nobody after it"
    assert len(site.asked) == 1
    assert "169.254" not in str(caught.value), "who has sent it there is not told what it leads to"
    assert str(caught.value).startswith("127.0.0.1 is not fetched")


# ------------------------------------------------------------------------------------------ safe connections


def test_the_name_is_what_the_certificate_is_for(site, trusted, names):
    names.answers["site.example"] = [["127.0.0.1"]]
    page = got(f"{site.safe_url}/page", allow=[site.safe_host])
    assert page.status == 200
    assert site.asked[0].headers["host"] == site.safe_host
    names.answers["other.example"] = [["127.0.0.1"]]
    other = site.safe_host.replace("site", "other")
    assert "certificate" in refusal(f"https://{other}/page", allow=[other])


def test_a_certificate_of_nobody_is_not_trusted(site, names):
    names.answers["site.example"] = [["127.0.0.1"]]
    assert "certificate" in refusal(f"{site.safe_url}/page", allow=[site.safe_host])
    assert "TLS" in refusal(f"https://{site.host}/page", allow=[site.host])


def test_no_proxy_of_the_environment_is_asked(site, monkeypatch, connects):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert got(f"{site.url}/page", allow=[site.host]).status == 200
    assert refusal("http://10.0.0.1/", seconds=5)
    assert connects == ["127.0.0.1"]


def test_no_cookie_comes_back_and_no_address_is_logged(site, caplog):
    caplog.set_level("DEBUG")
    got(f"{site.url}/page?key=topsecret", allow=[site.host])
    assert "topsecret" not in caplog.text


# ------------------------------------------------------------------------------------------ for programmers


@pytest.mark.parametrize("odd", ["http://127.0.0.1", "", "a b@c", "127.0.0.1:x", "127.0.0.1/path"])
def test_who_allows_what_is_no_host_is_told(odd):
    with pytest.raises(UsageError, match="allow names hosts"):
        got("http://127.0.0.1/", allow=[odd])


@pytest.mark.parametrize("odd", [{"x": "a\r\nb: c"}, {"x y": "a"}, {"x": "\ud800"}, {"x": 7}])
def test_headers_that_are_none_are_not_sent(site, odd):
    with pytest.raises(UsageError, match=r"127\.0\.0\.1 cannot be sent"):
        got(f"{site.url}/page", headers=odd, allow=[site.host])
    assert site.asked == []


def test_nothing_is_left_behind(site):
    got(f"{site.url}/page", allow=[site.host])
    before = len([one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() >= 0])
    for path in ("page", "status/500", "bomb"):
        with contextlib.suppress(FetchError):
            got(f"{site.url}/{path}", allow=[site.host])
    gc.collect()
    after = len([one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() >= 0])
    assert after <= before
    assert fetching.MOST == 10 * 2**20
