"""What tools must not do: tell keys, fill every prompt, hold their agents up, end more than themselves."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from urllib.parse import quote

import pytest

from nbagents import events
from nbagents.tools import (
    ServiceExecStatus,
    ServiceResponse,
    ServiceToolkit,
    Toolkit,
    ToolResponse,
    list_directory_content,
)
from nbagents.tools._remade import parts_from

KEY = "q8w7/e6r5 t4y3"


def with_tool(function, **options):
    toolkit = Toolkit()
    toolkit.register_tool_function(function, **options)
    return toolkit


def call(toolkit, name, **given):
    return toolkit.call_tool_function({"type": "tool_use", "id": "c1", "name": name, "input": given})


def called(toolkit, name, **given):
    return asyncio.run(call(toolkit, name, **given).last())


# ---------------------------------------------------------------------------------------- keys


def raising(question: str, api_key: str) -> str:
    raise OSError(f"401 for https://search.example?q={question}&key={quote(api_key, safe='')} ({api_key})")


def returning(question: str, api_key: str) -> ServiceResponse:
    return ServiceResponse(ServiceExecStatus.ERROR, f"{api_key} was refused")


def yielding(question: str, api_key: str):
    yield f"{api_key} was refused"
    yield "again"


@pytest.mark.parametrize("function", [raising, returning, yielding])
def test_a_key_that_is_preset_is_told_to_nobody(function, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []
    stop = events.subscribe(lambda event: heard.append(str(event.data)))
    toolkit = ServiceToolkit()
    toolkit.add(function, api_key=KEY)

    async def all_answers():
        return [answer.text async for answer in call(toolkit, function.__name__, question="rain")]

    try:
        told = asyncio.run(all_answers())
    finally:
        stop()
    assert "refused" in told[-1] or "401" in told[-1]
    for text in [*told, *heard, caplog.text, repr(vars(toolkit.tools[function.__name__]))]:
        assert "q8w7" not in text


def test_keys_in_presets_of_other_names_and_in_headers_are_masked():
    def fetch(bing_api_key: str, headers: dict) -> str:
        return f"{bing_api_key} {headers['Authorization']}"

    toolkit = with_tool(
        fetch, preset_kwargs={"bing_api_key": "abcdef12", "headers": {"Authorization": "hush-hush"}}
    )
    assert called(toolkit, "fetch").text == "… …"


def test_the_function_gets_its_key_here_and_elsewhere():
    lengths = []

    def search(api_key: str) -> None:
        lengths.append((type(api_key), len(api_key)))

    toolkit = with_tool(search, preset_kwargs={"api_key": KEY})
    called(toolkit, "search")
    described = toolkit.described(lambda value, whose: "it")
    assert described["tools"][0]["preset_kwargs"] == {"api_key": KEY}
    called(parts_from({"toolkit": described}, {"it": search})["toolkit"], "search")
    assert lengths == [(str, len(KEY))] * 2


# ------------------------------------------------------------------------------------- amounts


def test_long_answers_are_cut():
    def long() -> str:
        return "x" * 5_000_000

    answer = called(with_tool(long), "long")
    assert answer.text.startswith("x" * 100_000 + "… (4900000 more")
    toolkit = Toolkit(max_output_chars=10)
    toolkit.register_tool_function(long)
    assert called(toolkit, "long").text == "x" * 10 + "… (4999990 more characters are left out)"
    again = parts_from({"toolkit": toolkit.described(lambda value, whose: "it")}, {"it": long})["toolkit"]
    assert len(called(again, "long").text) < 100
    toolkit.max_output_chars = None
    assert len(called(toolkit, "long").text) == 5_000_000


def longest_wait(toolkit, name):
    """Seconds that the loop was held at a time, and the answer."""

    async def main():
        held, last = 0.0, time.perf_counter()
        task = asyncio.ensure_future(call(toolkit, name).last())
        while not task.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            held, last = max(held, now - last), now
        return held, task.result()

    return asyncio.run(main())


def test_a_long_answer_does_not_hold_the_loop():
    def long() -> str:
        return "- / sk " * 700_000

    assert longest_wait(with_tool(long), "long")[0] < 0.5


def test_many_pieces_are_joined_at_once():
    def lines():
        for number in range(20_000):
            yield f"line {number}"

    toolkit = Toolkit(max_output_chars=None)
    toolkit.register_tool_function(lines)
    told = 0

    async def main():
        nonlocal told
        async for answer in call(toolkit, "lines"):
            told, last = told + 1, answer
        return last

    start = time.monotonic()
    answer = asyncio.run(main())
    assert answer.text.count("\n") == 19_999
    assert answer.text.endswith("line 19999")
    assert answer.is_last
    assert 100 <= told < 200 + (time.monotonic() - start) * 25


def test_a_generator_does_not_run_far_ahead():
    made = 0

    def lines():
        nonlocal made
        for _ in range(100_000):
            made += 1
            yield "line"

    async def main():
        stream = aiter(call(with_tool(lines), "lines"))
        await anext(stream)
        for _ in range(200):
            await asyncio.sleep(0.001)
        ahead = made
        await stream.aclose()
        return ahead

    assert asyncio.run(main()) < 5000


# -------------------------------------------------------------------------------------- ending


def test_what_ends_more_than_the_tool_is_its_failure():
    def cancelled():
        raise asyncio.CancelledError

    def interrupted():
        raise KeyboardInterrupt

    def empty():
        return next(iter([]))

    async def cancels_itself():
        raise asyncio.CancelledError("the other task was cancelled")

    async def leaves():
        raise SystemExit

    for function, says in [
        (cancelled, "CancelledError"),
        (interrupted, "KeyboardInterrupt"),
        (empty, "StopIteration"),
        (cancels_itself, "CancelledError: the other task was cancelled"),
        (leaves, "SystemExit"),
    ]:
        for timeout in (None, 60):
            answer = called(with_tool(function, timeout=timeout), function.__name__)
            assert (answer.text, answer.is_error) == (f"Error: {says}", True)


def test_a_generator_that_does_not_close_is_left_to_itself(caplog):
    go = asyncio.Event()

    async def stubborn():
        try:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                yield ToolResponse.of_text("late")
        finally:
            while not go.is_set():
                try:
                    await go.wait()
                except asyncio.CancelledError:
                    continue

    async def main():
        answer = await call(with_tool(stubborn, timeout=0.05), "stubborn").last()
        go.set()
        return answer

    assert asyncio.run(main()).text == "Error: TimeoutError: stubborn did not answer within 0.05 s"
    assert "the tool stubborn does not end" in caplog.text


def test_what_is_put_in_place_of_an_answer_may_be_a_text():
    def tool() -> str:
        return "said"

    toolkit = with_tool(tool, postprocess_func=lambda call, answer: answer.text.upper())
    assert called(toolkit, "tool").text == "SAID"


def picture(size):
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * size}}


def test_blocks_are_left_out_where_there_is_no_room_for_them():
    def paint() -> ToolResponse:
        text = {"type": "text", "text": "drawn"}
        return ToolResponse([text, picture(4_000_000), picture(20_000_000), picture(7_000_000), text])

    told = called(with_tool(paint), "paint").content
    assert [block["type"] for block in told] == ["text", "image", "text", "text"]
    assert told[2]["text"] == "(2 blocks are left out: an answer has room for 10,000,000 bytes in all)"
    toolkit = Toolkit(max_output_bytes=None)
    toolkit.register_tool_function(paint)
    assert len(called(toolkit, "paint").content) == 5
    toolkit.max_output_bytes = 1000
    again = parts_from({"toolkit": toolkit.described(lambda value, whose: "it")}, {"it": paint})["toolkit"]
    assert [block["type"] for block in called(again, "paint").content] == ["text", "text", "text"]


def test_texts_and_any_number_of_blocks_count_too():
    def long() -> str:
        return "é" * 5_000_000

    def many() -> ToolResponse:
        return ToolResponse([{"type": "text", "text": ""}] * 100_000)

    toolkit = Toolkit(max_output_chars=None, max_output_bytes=1_000_000)
    toolkit.register_tool_function(long)
    toolkit.register_tool_function(many)
    text = called(toolkit, "long").text
    assert 900_000 < len(text.encode()) <= 1_000_000
    assert text.endswith("more bytes are left out)")
    assert len(called(toolkit, "many").content) < 20_000


# -------------------------------------------------------------------------------- odd characters


def test_what_utf_8_cannot_hold_does_not_stay_in_an_answer(tmp_path, monkeypatch):
    (tmp_path / "a\udcff.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    answer = called(with_tool(list_directory_content), "list_directory_content", directory_path=".")
    assert "a�.txt" in answer.text

    def odd(kind: str):
        if kind == "blocks":
            return [
                {"type": "text", "text": "\udcff"},
                {"type": "image", "source": {"type": "url", "url": "\udcff"}},
            ]
        if kind == "note":
            return ServiceResponse(ServiceExecStatus.SUCCESS, "\ud83d\ude00", note="\udcff")
        raise ValueError("\udcff")

    for kind in ("blocks", "note", "error"):
        answer = called(with_tool(odd), "odd", kind=kind)
        json.dumps(answer.content, ensure_ascii=False).encode()
        assert "�" in answer.text
    assert called(with_tool(odd), "odd", kind="note").text == "😀\n(�)"
