"""The demo server is closed: to whoever lacks the key, and to names other than this machine's own."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from nbagents.demo import create_app

PATHS = [
    (method, route.path.replace("{name}", "demo"))
    for route in create_app("key").routes
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
]
ERROR = {"message", "type", "param", "code"}


def send(demo, method: str, path: str, headers: list[tuple[str, str]]) -> tuple[int, bytes]:
    """Send exactly these headers, which a well-bred client would not let through."""
    parts = urlsplit(demo.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_routes_are_those_that_are_tried_here():
    assert {path for _, path in PATHS} == {
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/images/generations",
        "/v1/models",
        "/v1/models/demo",
    }


@pytest.mark.parametrize(
    ("method", "path"), [*PATHS, ("GET", "/"), ("OPTIONS", "/v1/models"), ("GET", "/docs")]
)
@pytest.mark.parametrize(
    "given",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer wrong")],
        [("Authorization", "Basic {key}")],
        [("Authorization", "{key}")],
        [("Authorization", "Bearer {key}x")],
        [("Authorization", "Bearer wrong"), ("Authorization", "Bearer {key}")],
        [("X-Api-Key", "{key}")],
        [("Authorization", "Bearer \u00ff")],
    ],
)
def test_without_the_key_every_door_is_closed(demo, method: str, path: str, given: list[tuple[str, str]]):
    host = urlsplit(demo.base_url).netloc
    headers = [("Host", host), *((name, value.format(key=demo.key)) for name, value in given)]
    status, body = send(demo, method, path, headers)
    assert status == 401
    assert demo.key.encode() not in body
    assert method == "HEAD" or b"invalid_request_error" in body


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "0.0.0.0", "", "[::1]"]
)
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_another_host_name_is_refused_even_with_the_key(demo, method: str, path: str, host: str):
    headers = [("Host", host), ("Authorization", f"Bearer {demo.key}")]
    status, _ = send(demo, method, path, headers)
    assert status == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_this_machines_own_names_are_let_in(demo, name: str):
    port = urlsplit(demo.base_url).port
    for host in (name, f"{name}:{port}"):
        headers = [("Host", host), ("Authorization", f"Bearer {demo.key}")]
        assert send(demo, "GET", "/v1/models", headers)[0] == 200


def test_it_listens_on_loopback_only_and_lets_no_web_page_read(demo):
    assert urlsplit(demo.base_url).hostname == "127.0.0.1"
    with demo.http(origin="https://evil.example") as http:
        answer = http.get("/models")
    assert not [name for name in answer.headers if name.startswith("access-control")]
