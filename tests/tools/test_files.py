"""File tools: what they do in the work folder, and that they do nothing outside of it."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagents import Toolkit, _folder
from nbagents.exceptions import UsageError
from nbagents.tools import Effect, ServiceExecStatus, effects_of, files
from nbagents.tools.files import (
    create_directory,
    create_file,
    delete_directory,
    delete_file,
    get_current_directory,
    insert_text_file,
    list_directory_content,
    move_directory,
    move_file,
    read_json_file,
    read_text_file,
    view_text_file,
    write_json_file,
    write_text_file,
)

SECONDS = 10 if os.environ.get("NBAGENTS_LONG") == "1" else 1
SECRET = "the secret outside"
ABSENT = "is nothing in the work folder that a tool may use"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `desk`, the current one, among things that are not for it."""
    work = tmp_path / "desk"
    for folder in ("desk/deep/er", "desk/.hidden", "desk2", "outside"):
        (tmp_path / folder).mkdir(parents=True)
    for path in ("secret", "desk2/secret", "outside/secret", "desk/.env", "desk/.hidden/secret"):
        (tmp_path / path).write_text(SECRET)
    (work / "hello.txt").write_text("hello")
    (work / "deep" / "er" / "lines.txt").write_text("one\ntwo\nthree\n")
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "inner").symlink_to("hello.txt")
    (work / "out").symlink_to(tmp_path / "outside")
    (work / "proc").symlink_to("/proc/self")
    os.link(tmp_path / "secret", work / "hard")
    os.mkfifo(work / "fifo")
    monkeypatch.chdir(work)
    return tmp_path


@pytest.fixture(params=[False, True], ids=["the kernel", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to open what is below a folder."""
    if request.param:
        monkeypatch.setattr(_folder, "_has_openat2", False)


def good(answer: Any) -> Any:
    assert answer.status is ServiceExecStatus.SUCCESS, answer.content
    return answer.content


def bad(answer: Any) -> str:
    assert answer.status is ServiceExecStatus.ERROR, answer.content
    return str(answer.content)


def test_files_are_written_read_moved_and_deleted(place: Path, way: None) -> None:
    work = place / "desk"
    assert good(get_current_directory()) == str(work)
    good(create_file("new.txt", "a"))
    assert "is there already" in bad(create_file("new.txt"))
    assert "overwrite=true" in bad(write_text_file("new.txt", "b"))
    assert good(read_text_file("new.txt")) == "a"
    (work / "new.txt").chmod(0o640)
    good(write_text_file("new.txt", "Grüße", overwrite=True))
    assert good(read_text_file(str(work / "new.txt"))) == "Grüße", "an absolute path inside will do"
    assert (work / "new.txt").stat().st_mode & 0o777 == 0o640
    good(create_directory("a/b/c"))
    assert "is there already" in bad(create_directory("a/b"))
    assert "is there already" in bad(move_file("new.txt", "hello.txt"))
    good(move_file("new.txt", "a/b/moved.txt"))
    good(move_directory("a/b", "./b"))
    assert good(list_directory_content("b")) == ["c", "moved.txt"]
    assert good(list_directory_content()) == sorted(n for n in os.listdir(work) if n[0] != ".")
    assert ".env" in good(list_directory_content(hidden=True))
    assert "delete_directory" in bad(delete_file("b"))
    good(delete_file("b/moved.txt"))
    good(delete_directory("b"))
    assert not (work / "b").exists()
    good(write_json_file("data.json", {"a": [1, "ü"]}))
    assert good(read_json_file("data.json")) == {"a": [1, "ü"]}
    assert "is no JSON" in bad(read_json_file("hello.txt"))
    assert "JSON cannot hold that" in bad(write_json_file("odd.json", {1, 2}))
    assert [name for name in os.listdir(work) if len(name) > 20] == [], "nothing is left over"


def test_lines_are_shown_replaced_and_inserted(place: Path) -> None:
    path = "deep/er/lines.txt"

    def told(awaited: Any) -> str:
        return str(asyncio.run(awaited).text)

    assert told(view_text_file(path)) == "1: one\n2: two\n3: three"
    assert told(view_text_file(path, [-2, -1])) == "2: two\n3: three"
    assert "there are no lines" in told(view_text_file(path, [4, 9]))
    good(write_text_file(path, "TWO", ranges=[2, 2]))
    assert told(insert_text_file(path, "zero", 1)).startswith("inserted")
    told(insert_text_file(path, "four", 5))
    assert good(read_text_file(path)) == "zero\none\nTWO\nthree\nfour\n"
    assert asyncio.run(insert_text_file("../secret", "x", 1)).is_error
    assert (place / "secret").read_text() == SECRET


VECTORS = [
    "",
    "..",
    "/",
    "../secret",
    "../desk/hello.txt",
    "../desk2/secret",
    "../missing",
    "deep/../../secret",
    "deep/../hello.txt",
    "%2e%2e/secret",
    "..%2fsecret",
    "..\\secret",
    "hello.txt\0",
    "\0",
    "\ud800",
    "HELLO.TXT",
    ".env",
    ".hidden/secret",
    "link",
    "inner",
    "out/secret",
    "out/missing",
    "proc/environ",
    "fifo",
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
    "//etc/passwd",
    "file:///etc/passwd",
    "~/.bashrc",
    "$HOME/.bashrc",
    "x" * 300,
    "x" * 5000,
    "x/" * 2500 + "x",
    "{place}/secret",
    "{place}/missing",
    "{place}/desk2/secret",
    "{place}/desk/../secret",
    "{place}/desk/link",
]
NEEDS_ONE_THERE: list[Callable[[str], Any]] = [
    read_text_file,
    read_json_file,
    delete_file,
    delete_directory,
    lambda path: move_file(path, "taken away"),
    lambda path: move_directory(path, "taken away"),
    lambda path: write_text_file(path, "x", ranges=[1, 1]),
]
MAKES_ONE: list[Callable[[str], Any]] = [
    create_file,
    create_directory,
    lambda path: write_text_file(path, "x", overwrite=True),
    lambda path: write_json_file(path, "x", overwrite=True),
    lambda path: move_file("hello.txt", path),
    lambda path: move_directory("deep", path),
]
OUTSIDE = [path for path in VECTORS if path.startswith(("../", "{place}", "out/", ".", "proc/", "\0"))]


def snapshot(place: Path) -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(place.rglob("*")):
        kept = path.is_file() and not path.is_symlink() and "proc" not in path.parts
        found.append((str(path), path.read_bytes() if kept else b""))
    return found


def test_nothing_else_is_read_moved_or_deleted(place: Path, way: None) -> None:
    before = snapshot(place)
    for vector in VECTORS:
        path = vector.replace("{place}", str(place))
        for tool in NEEDS_ONE_THERE:
            said = bad(tool(path))
            assert ABSENT in said or "work folder itself" in said, (vector, said)
            assert SECRET not in said
    assert snapshot(place) == before


def test_nothing_is_made_elsewhere(place: Path, way: None) -> None:
    before = snapshot(place)
    for vector in OUTSIDE:
        for tool in MAKES_ONE:
            said = bad(tool(vector.replace("{place}", str(place))))
            assert ABSENT in said or "is there already" in said, (vector, said)
            assert "is there already" not in said or "desk/link" in vector
    for path in ("link", "inner", "fifo", "hard"):
        bad(move_file("hello.txt", path))
        if path != "hard":
            assert ABSENT in bad(write_text_file(path, "x", overwrite=True))
    assert snapshot(place) == before


def test_what_has_two_names_is_not_read_and_replaced_under_this_one_only(place: Path) -> None:
    assert ABSENT in bad(read_text_file("hard"))
    assert ABSENT in bad(write_text_file("hard", "x", ranges=[1, 1]))
    good(write_text_file("hard", "mine", overwrite=True))
    assert (place / "secret").read_text() == SECRET


def test_outside_existing_and_missing_are_answered_alike(place: Path) -> None:
    for there, missing in (("../secret", "../absent"), ("out/secret", "out/absent"), ("link", "lost")):
        for tool in NEEDS_ONE_THERE[:4]:
            assert bad(tool(there)).replace(there, missing) == bad(tool(missing))


def test_large_and_binary_files_are_refused(place: Path) -> None:
    with open("huge", "wb") as file:
        file.truncate(10 * 2**30)
    assert "larger than 10,000,000 bytes" in bad(read_text_file("huge"))
    assert "more than 10,000,000 bytes" in bad(write_text_file("new", "x" * 10_000_001))
    Path("binary").write_bytes(b"\xff\xfe\0")
    Path("nul").write_bytes(b"a\0b")
    for name in ("binary", "nul"):
        assert "no text in UTF-8" in bad(read_text_file(name))


def test_a_model_cannot_name_the_work_folder(place: Path) -> None:
    toolkit = Toolkit()
    for name in files.__all__:
        toolkit.register_tool_function(getattr(files, name))
    for schema in toolkit.get_json_schemas():
        assert not {"folder", "hidden"} & schema["function"]["parameters"]["properties"].keys()
    given = {"file_path": "secret", "folder": str(place)}
    block = {"type": "tool_use", "id": "1", "name": "read_text_file", "input": given}
    answer = toolkit.call_tool_function(block).result()
    assert answer.is_error
    assert "folder is not known" in answer.text
    own = Toolkit()
    own.register_tool_function(read_text_file, preset_kwargs={"folder": str(place / "outside")})
    block["input"] = {"file_path": "secret"}
    assert own.call_tool_function(block).result().text == SECRET


def test_a_tool_works_where_it_was_made(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolkit = Toolkit()
    toolkit.register_tool_function(read_text_file)
    block = {"type": "tool_use", "id": "1", "name": "read_text_file", "input": {"file_path": "hello.txt"}}
    monkeypatch.chdir(place / "outside")
    assert toolkit.call_tool_function(block).result().text == "hello"
    assert ABSENT in bad(read_text_file("hello.txt"))
    described = toolkit.described(lambda value, whose: "f")["tools"][0]
    assert described["preset_kwargs"] == {"folder": str(place / "desk")}, "and so it does in a server"
    monkeypatch.setattr("tempfile.tempdir", str(place / "outside"))
    with pytest.raises(UsageError, match="no folder to work in"):
        read_text_file("secret")
    assert good(read_text_file("secret", folder=str(place / "outside"))) == SECRET


def test_effects_are_declared() -> None:
    for name in files.__all__:
        reads = name.startswith(("read", "view", "list", "get"))
        declared = effects_of(getattr(files, name))
        assert declared and (declared == {Effect.READ}) is reads, name  # noqa: PT018
        assert inspect.getdoc(getattr(files, name))


@pytest.mark.parametrize("folder", ["/", "/proc", "/proc/self", "nowhere", "hello.txt"])
def test_what_is_no_work_folder_is_an_error_of_the_programmer(place: Path, folder: str) -> None:
    with pytest.raises(UsageError, match=r"no folder"):
        read_text_file("hello.txt", folder=folder)


@pytest.mark.linux
def test_nothing_is_left_open_by_file_tools(place: Path) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    for vector in VECTORS:
        for tool in (*NEEDS_ONE_THERE, *MAKES_ONE):
            tool(vector.replace("{place}", str(place)) if "{" in vector else f"../{vector}")
    good(create_directory("p/q/r"))
    assert opened() == before


def test_a_path_cannot_be_exchanged_meanwhile(place: Path, way: None) -> None:
    """One thread makes now a file, now a link to a secret of the same path, and of its folder likewise."""
    root, outside = place / "desk", place / "outside"
    (root / "folder").mkdir()
    (root / "folder" / "secret").write_text("harmless")
    (root / "way").symlink_to(outside)
    ending, swaps = threading.Event(), 0

    def swap() -> None:
        nonlocal swaps
        while not ending.is_set():
            os.symlink(outside / "secret", root / "new")
            os.rename(root / "new", root / "file")
            os.rename(root / "folder", root / "kept")
            os.rename(root / "way", root / "folder")
            os.rename(root / "folder", root / "way")
            os.rename(root / "kept", root / "folder")
            (root / "new").write_text("harmless")
            os.rename(root / "new", root / "file")
            swaps += 1

    (root / "file").write_text("harmless")
    thread = threading.Thread(target=swap)
    thread.start()
    read = {"harmless": 0, "": 0, "refused": 0}
    try:
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            for path in ("file", "folder/secret"):
                answer = read_text_file(path)
                text = answer.content if answer.succeeded else "refused"
                assert text in read, text
                read[text] += 1
            create_file("folder/planted", "x")
            write_text_file("folder/planted", "y", overwrite=True)
            delete_file("folder/planted")
    finally:
        ending.set()
        thread.join()
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_text() == SECRET
    assert min(read["harmless"], read["refused"], swaps) > 5 * SECONDS, read
