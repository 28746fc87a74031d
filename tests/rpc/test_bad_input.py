"""Twenty-four kinds of bad input, to every method, by each of the ways that lead to it."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator

import grpc
import pytest
from wire import PICKLED, SERVICES, Answer, Wire, batch, entry, hello, number

from nbagents.message import Msg
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.rpc._limits import MAX_MESSAGE
from nbagents.rpc._methods import REQUESTS
from nbagents.rpc._proto import agent_pb2 as pb

pytestmark = pytest.mark.usefixtures("unharmed")
MADE = json.dumps({"class_name": "AgentBase", "args": ["n"]}).encode()
GADGETS: list[object] = [
    {"__module__": "os", "__name__": "system"},
    {"__module__": "nbagents.message", "__name__": "PlaceholderMessage", "_host": "127.0.0.1", "_port": 9},
    {"__promise__": "nobody-1"},
    {"__blob__": 0},
]
NAMES = ("../x", "/etc/x", "a/b", ".", "a\r\nb", "\u202ex", "x" * 129, "CON ", "-x", "\u200b")
NUMBERS = (0, -1, 2**63 - 1, -(2**63), 7)
PATHS = ("/etc/passwd", "../x", "", "x" * 5000, "/proc/self/environ", "%2e%2e/x", "a\0b", "C:\\x")
TAKES_ID = {
    "delete_agent": 1,
    "clone_agent": 1,
    "get_agent_memory": 1,
    "create_agent": 1,
    "call_agent_func": 3,
}
TAKES_NOTHING = ("is_alive", "get_agent_list", "get_server_info")
ENDS_THINGS = ("stop", "delete_all_agents")  # they take nothing too: whatever is well-formed is obeyed
METHODS = sorted(set(REQUESTS) - set(ENDS_THINGS))


def called(value: bytes, func: bytes = b"_reply", agent: bytes = b"echo") -> bytes:
    return entry(1, value) + entry(2, func) + entry(3, agent)


def with_json(method: str, value: bytes) -> bytes:
    """The body of a method with this where its JSON, or else its text, stands."""
    if method == "create_agent":
        return entry(1, b"fresh") + entry(2, value)
    if method == "call_agent_func":
        return called(value)
    return entry(1 if TAKES_ID.get(method) or method in ("set_model_configs", "download_file") else 15, value)


def everywhere(wire: Wire, method: str, body: bytes) -> Iterator[Answer]:
    for service in SERVICES:
        yield wire.unary(f"/{service}/{method}", body)
    if method != "download_file":
        yield wire.request(method, body)


def check_refused(wire: Wire, method: str, body: bytes, says: str = "") -> None:
    for answer in everywhere(wire, method, body):
        where = f"{method}: {answer.status} {answer.text!r} for {body[:60]!r}"
        assert answer.refused, where
        assert re.search(says, answer.text), where
        assert len(answer.text) <= 600, where
        assert not re.search(r"[\x00-\x1f\x7f\u202e]|Traceback|InternalError", answer.text), where


def check_json(wire: Wire, *values: bytes, says: str = "") -> None:
    """JSON that must be refused wherever JSON is taken; elsewhere it is an id that nobody has."""
    for value in values:
        check_refused(
            wire, "create_agent", with_json("create_agent", value), says and f"agent_init_args.*({says})"
        )
        check_refused(wire, "call_agent_func", called(value), says and f"value.*({says})")
        check_refused(wire, "set_model_configs", entry(1, value), says and f"value.*({says})")
        for method in ("delete_agent", "clone_agent", "get_agent_memory", "download_file"):
            check_refused(wire, method, entry(1, value))


def test_1_empty(wire):
    for method in set(METHODS) - set(TAKES_NOTHING):
        check_refused(wire, method, b"")


@pytest.mark.parametrize("kind", ["2 random bytes", "3 truncated", "4 trailing garbage"])
def test_bytes_that_are_no_message(wire, kind: str):
    bodies = {
        "2 random bytes": [b"\xff\xff\xff\xff", b"\x00" * 40, bytes(range(255, 0, -1))],
        "3 truncated": [b"\x0a\x05ab", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a"],
        "4 trailing garbage": [entry(1, b"abc") + b"\xff", number(1, 5) + b"\x07"],
    }
    for method in REQUESTS:
        for body in bodies[kind]:
            check_refused(wire, method, body, rf"(the body|the body of {method}) is not a \w+")


def test_3_and_4_json_cut_short_or_followed(wire):
    check_json(wire, MADE[:-1], MADE + b"x", b'"abc', b"[1,", b"{} {}", says="not valid JSON")


def test_5_wrong_type(wire):
    for method in set(METHODS) - set(TAKES_NOTHING):
        check_refused(wire, method, number(1, 5) if method != "update_placeholder" else entry(1, b"5"))
    for value in (b"3", b'"x"', b"[]", b"true", b"null"):
        check_refused(
            wire, "create_agent", with_json("create_agent", value), "agent_init_args is not a JSON object"
        )
    for value in (b"3", b'"x"', b"[3]", b"true", b"null"):
        check_refused(wire, "set_model_configs", entry(1, value), "model configuration")
    odd = Msg("user", "x").to_dict()
    for field, value in {"id": 3, "name": {}, "role": ["user"], "timestamp": 1e9}.items():
        check_refused(
            wire, "call_agent_func", called(json.dumps(odd | {field: value}).encode()), f"value.*{field}"
        )


def test_6_unknown_field(wire):
    for method in METHODS:
        answers = list(everywhere(wire, method, entry(99 % 16, b"x") + number(14, 3)))
        assert {answer.refused for answer in answers} == {method not in TAKES_NOTHING}
    odd = json.dumps({"class_name": "AgentBase", "command": "true"}).encode()
    check_refused(wire, "create_agent", with_json("create_agent", odd), "no field command; known: class_name")
    message = json.dumps(Msg("user", "x").to_dict() | {"command": "true"}).encode()
    check_refused(wire, "call_agent_func", called(message), "value.*unknown: command")
    source = entry(1, b"fresh") + entry(2, MADE) + entry(3, b"class X: pass")
    for service in SERVICES:
        assert wire.unary(f"/{service}/create_agent", source).refused


@pytest.mark.parametrize(
    "path", ["/RpcAgent/nonsense", "/RpcAgent/", "/x/y", "/nbagents.v1.AgentServer/nonsense"]
)
def test_7_unknown_method(wire, path: str):
    assert wire.unary(path, b"").status is grpc.StatusCode.UNIMPLEMENTED
    answer = wire.request(path, b"")
    assert re.match(r"ProtocolError: no method '.*' can be requested here", answer.text)


def test_8_unknown_value_of_few(wire):
    check_refused(
        wire, "call_agent_func", called(b"null", b"_nonsense"), "'_nonsense'; an agent takes _reply, "
    )
    odd = Msg("user", "x").to_dict() | {"role": "wizard"}
    check_refused(wire, "call_agent_func", called(json.dumps(odd).encode()), "Invalid role wizard")


def test_9_missing(wire):
    for given in ({}, {"args": ["n"]}, {"class_name": "AgentBase"}):
        check_refused(wire, "create_agent", with_json("create_agent", json.dumps(given).encode()))
    short = {key: value for key, value in Msg("user", "x").to_dict().items() if key != "content"}
    check_refused(wire, "call_agent_func", called(json.dumps(short).encode()), "missing.*: content")
    check_refused(wire, "call_agent_func", entry(2, b"_reply"), r"Agent \[\] not exists")
    check_refused(wire, "set_model_configs", entry(1, b'{"model_name": "m"}'), "config_name")


def test_10_duplicate_id(wire):
    body = entry(1, b"echo") + entry(
        2, json.dumps({"class_name": "remote_agents:Echo", "args": ["e"]}).encode()
    )
    check_refused(wire, "create_agent", body, r"\[echo\] already exists")


@pytest.mark.parametrize("method", ["is_alive", "create_agent", "download_file"])
def test_11_oversize(wire, method: str):
    body = entry(1, b"x" * MAX_MESSAGE)
    answer = wire.unary(f"/RpcAgent/{method}", body)
    assert answer.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(MAX_MESSAGE) in answer.text
    if method == "is_alive":
        assert wire.attach(body).status is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_11_oversize_names(wire):
    for method in TAKES_ID:
        huge = b"n" * 1_000_000
        body = {
            "create_agent": entry(1, huge) + entry(2, MADE),
            "call_agent_func": called(b"null", agent=huge),
        }
        check_refused(
            wire,
            method,
            body.get(method, entry(1, huge)),
            "at most 128" if method == "create_agent" else "n…",
        )
    named = entry(2, MADE) + entry(4, b"w") + entry(5, b"n" * 201)
    check_refused(wire, "create_agent", named, "at most 200")


def test_12_deep_nesting(wire):
    check_json(
        wire,
        b"[" * 200 + b"]" * 200,
        b"[" * 100_000,
        b'{"a":' * 1_000_000,
        says="deeper than 100 levels|a dictionary, not list|more than 250,000",
    )
    deep = b'{"config_name": "x", "a": ' + b"[" * 200 + b"]" * 200 + b"}"
    check_refused(wire, "set_model_configs", entry(1, deep), "value is nested deeper than 100 levels")


def test_13_huge_count(wire):
    check_json(wire, b"[" + b"[]," * 250_000 + b"[]]", says="more than 250,000 lists and dictionaries")
    many = batch(*[pb.Frame(ack=1)]) * 200_000
    answer = wire.attach(hello(), many)
    assert (answer.status, "more than 20,000 frames" in answer.text) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        True,
    )


def test_14_invalid_utf8(wire):
    for value in (b"\xff\xfe", b'"\xed\xa0\x80"', b"\xc3"):
        check_refused(wire, "create_agent", entry(1, value) + entry(2, MADE), "not a CreateAgentRequest")
        check_refused(
            wire, "create_agent", with_json("create_agent", value), "agent_init_args is not valid JSON"
        )
        check_refused(wire, "call_agent_func", called(value), "not a RpcMsg")
        for method in (
            "delete_agent",
            "clone_agent",
            "get_agent_memory",
            "download_file",
            "set_model_configs",
        ):
            check_refused(wire, method, entry(1, value), "not a StringMsg")


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\u0000b"', '"\\r\\nX"'], ids=["surrogate", "nul", "crlf"])
def test_15_odd_characters_are_data_or_refused(wire, text: str):
    for method in METHODS:
        for answer in everywhere(wire, method, with_json(method, text.encode())):
            assert answer.refused == (method not in (*TAKES_NOTHING, "call_agent_func")), (method, answer)


def test_16_no_numbers(wire):
    check_json(wire, b"NaN", b"[Infinity]", b'{"a": -Infinity}', b"1e400", b"[-1e400]", says="not valid JSON")


def test_17_numbers_out_of_range(wire):
    for value in NUMBERS[:4]:
        check_refused(wire, "update_placeholder", number(1, value), r"task -?\d+ ")
    check_json(wire, b"1" * 5000, says="not valid JSON")


def test_18_bad_id(wire):
    for name in NAMES:
        check_refused(
            wire, "create_agent", entry(1, name.encode()) + entry(2, MADE), "agent_id .* is not a valid id"
        )
        for method in ("delete_agent", "clone_agent", "get_agent_memory"):
            check_refused(wire, method, entry(1, name.encode()))
        check_refused(wire, "call_agent_func", called(b"null", agent=name.encode()), "not exists")


def test_19_bad_path(wire):
    for path in PATHS:
        check_refused(wire, "download_file", entry(1, path.encode()), "not found")
        given = {
            "class_name": "nowhere_to_be_found:Agent",
            "import_path": [path, "relative", "/no/such/folder"],
        }
        check_refused(
            wire, "create_agent", with_json("create_agent", json.dumps(given).encode()), "cannot import"
        )
    given = {"class_name": "remote_agents:Echo", "args": ["e"], "import_path": sys.path}
    made = wire.unary("/RpcAgent/create_agent", entry(1, b"later") + entry(2, json.dumps(given).encode()))
    assert not made.text  # the senseless folders have spoiled no later import


def test_20_pickles(wire):
    for method in REQUESTS:
        check_refused(wire, method, PICKLED)
    check_refused(
        wire, "create_agent", with_json("create_agent", PICKLED), "agent_init_args is not valid JSON"
    )
    check_refused(wire, "create_agent", entry(1, b"fresh") + entry(2, MADE) + entry(3, PICKLED))


def test_21_gadgets(wire):
    for gadget in GADGETS:
        nested = gadget
        for _ in range(5):
            nested = {"content": [nested]}
        for value in (gadget, nested):
            check_refused(wire, "call_agent_func", called(json.dumps(value).encode()), "value")
            made = {"class_name": "remote_agents:Echo", "args": [value]}
            check_refused(
                wire, "create_agent", with_json("create_agent", json.dumps(made).encode()), "agent_init_args"
            )


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 4000])
def test_22_bad_token(server, token):
    stranger = Wire(server.address, token)
    for method in REQUESTS:
        for service in SERVICES:
            assert stranger.unary(f"/{service}/{method}", b"").status is grpc.StatusCode.UNAUTHENTICATED
    assert stranger.attach(hello()).status is grpc.StatusCode.UNAUTHENTICATED
    stranger.close()


def test_23_another_server_or_start(server, wire):
    with RpcAgentServerLauncher() as other:
        stranger = Wire(server.address, other.token)
        assert stranger.unary("/RpcAgent/is_alive", b"").status is grpc.StatusCode.UNAUTHENTICATED
        stranger.close()
    frame = pb.Frame(seq=1, request=pb.Request(id=1, method="is_alive"))
    answer = wire.attach(hello(epoch="of an earlier start"), batch(frame))
    assert (answer.status, answer.frames) == (
        grpc.StatusCode.OK,
        [],
    )  # told that it is forgotten, and not served


def test_24_bad_times(wire):
    for when in ("0000-00-00", "9999-12-31 23:59:60", ""):
        message = json.dumps(Msg("user", "x").to_dict() | {"timestamp": when}).encode()
        assert not wire.unary(
            "/RpcAgent/call_agent_func", called(message)
        ).refused  # a text, never computed with
    value = pb.Payload(content_type="application/json", data=b"[[5], {}]")
    for milliseconds, kind in ((1, "CallTimeoutError"), (20, "CallTimeoutError")):
        call = pb.Call(
            call=f"late-{time.monotonic_ns()}", agent=pb.Agent(key="slow"), method="_reply", arguments=value,
            timeout_ms=milliseconds,
        )  # fmt: skip
        answer = wire.attach(hello(), batch(pb.Frame(seq=1, call=call)), want=1)
        assert [frame.update.error.type for frame in answer.frames] == [kind]
