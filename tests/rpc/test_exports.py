"""Files that clients may download, and all those that they may not."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from nbagents import _folder
from nbagents.exceptions import (
    AgentServerNotAliveError,
    AuthenticationError,
    FileNotExportedError,
    MessageTooLargeError,
    UsageError,
)
from nbagents.rpc import AgentServerServicer, RpcAgentClient, RpcAgentServerLauncher
from nbagents.rpc._exports import Exports
from nbagents.rpc._proto import agent_pb2 as pb

SECRET = "the secret outside"
LIMIT = 3_000_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `exports` that is exported, among things that are not."""
    place = tmp_path_factory.mktemp("place")
    for folder in ("exports/deep/er", "exports/.hidden", "exports2", "more"):
        (place / folder).mkdir(parents=True)
    for path in ("secret", "exports2/secret", "exports/.env", "exports/.hidden/secret"):
        (place / path).write_text(SECRET)
    (place / "exports" / "hello.txt").write_text("hello")
    (place / "exports" / "empty").touch()
    (place / "exports" / "Grüße an Zoë.txt").write_text("Grüße")
    (place / "exports" / "deep" / "er" / "data.bin").write_bytes(os.urandom(2_500_000))
    (place / "more" / "other.txt").write_text("from the other folder")
    (place / "exports" / "big").write_bytes(b"\0" * (LIMIT + 1))
    with (place / "exports" / "huge").open("wb") as file:
        file.truncate(10 * 2**30)
    (place / "exports" / "link").symlink_to(place / "secret")
    (place / "exports" / "inner").symlink_to("hello.txt")
    (place / "exports" / "out").symlink_to(place)
    (place / "exports" / "proc").symlink_to("/proc/self")
    os.link(place / "secret", place / "exports" / "hard")
    os.mkfifo(place / "exports" / "fifo")
    return place


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[RpcAgentServerLauncher]:
    folders = [place / "exports", str(place / "more")]
    with RpcAgentServerLauncher(export=folders, export_limit=LIMIT) as launcher:
        yield launcher


def test_an_exported_file_is_copied(client: RpcAgentClient, place: Path, tmp_path: Path):
    for path in ("hello.txt", "empty", "Grüße an Zoë.txt", "deep/er/data.bin"):
        copy = Path(client.download_file(path))
        assert copy.name == Path(path).name
        assert copy.read_bytes() == (place / "exports" / path).read_bytes()
        assert (copy.parent.stat().st_mode & 0o077, copy.stat().st_mode & 0o077) == (0, 0)
    assert Path(client.download_file("other.txt")).read_text() == "from the other folder"
    assert client.download_file("hello.txt", tmp_path) == str(tmp_path / "hello.txt")
    assert client.download_file("hello.txt", str(tmp_path / "named")) == str(tmp_path / "named")
    assert (tmp_path / "named").read_text() == "hello"


def test_a_file_can_be_named_as_the_server_knows_it(client: RpcAgentClient, place: Path):
    assert Path(client.download_file(str(place / "exports" / "hello.txt"))).read_text() == "hello"


VECTORS = [
    "",
    ".",
    "..",
    "/",
    "nowhere",
    "nowhere/hello.txt",
    "../secret",
    "../exports/hello.txt",
    "../exports2/secret",
    "deep/../../secret",
    "deep/../hello.txt",
    "./hello.txt",
    "deep//er/data.bin",
    "hello.txt/",
    "%2e%2e/secret",
    "..%2fsecret",
    "..\\secret",
    "deep\\..\\..\\secret",
    "hello.txt\0",
    "\0",
    "\r\nhello.txt",
    "HELLO.TXT",
    "deep",
    "deep/er",
    ".env",
    ".hidden/secret",
    "link",
    "inner",
    "out/secret",
    "proc/environ",
    "hard",
    "fifo",
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
    "//etc/passwd",
    "file:///etc/passwd",
    "~/.bashrc",
    "$HOME/.bashrc",
    "x" * 5000,
    "x/" * 2500 + "x",
    "{place}/secret",
    "{place}/exports2/secret",
    "{place}/exports",
    "{place}/exports/",
    "{place}/exports/../secret",
    "{place}/exports/link",
    "{place}/exports/.env",
]


@pytest.mark.parametrize("walk", [False, True], ids=["the kernel", "step by step"])
@pytest.mark.parametrize("path", VECTORS)
def test_nothing_else_is_opened(place: Path, path: str, walk: bool, monkeypatch: pytest.MonkeyPatch):
    if walk:
        monkeypatch.setattr(_folder, "_has_openat2", False)
    exports = Exports([str(place / "exports")], LIMIT)
    with pytest.raises(FileNotExportedError, match=r"^not found among the exported files$"):
        exports.open(path.replace("{place}", str(place)))
    os.close(exports.open("deep/er/data.bin"))
    exports.close()


@pytest.mark.parametrize("path", VECTORS)
def test_nothing_else_is_given_away(client: RpcAgentClient, server, place: Path, path: str, tmp_path: Path):
    path = path.replace("{place}", str(place))
    with pytest.raises(FileNotExportedError, match=r"not found among the exported files$"):
        client.download_file(path, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_stream("/RpcAgent/download_file")
        metadata = [("authorization", f"Bearer {server.token}")]
        with pytest.raises(grpc.RpcError) as caught:
            list(call(pb.StringMsg(value=path).SerializeToString(), metadata=metadata, timeout=10))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert caught.value.details() == "not found among the exported files"


@pytest.mark.linux
def test_this_kernel_is_asked_to_look_below_the_folder():
    assert _folder._has_openat2


@pytest.mark.linux
def test_nothing_is_left_open(place: Path):
    def opened() -> list[str]:
        links = []
        for fd in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # that of the listing itself
                links.append(os.readlink(f"/proc/self/fd/{fd}"))
        return [path for path in links if path.startswith(str(place))]

    exports = Exports([str(place / "exports")], LIMIT)
    assert opened() == [str(place / "exports")]
    for path in VECTORS:
        with pytest.raises(FileNotExportedError):
            exports.open(path.replace("{place}", str(place)))
    with pytest.raises(MessageTooLargeError):
        exports.open("big")
    assert opened() == [str(place / "exports")]
    exports.close()
    exports.close()
    assert opened() == []


@pytest.mark.parametrize("path", ["big", "huge"])
def test_a_file_that_is_too_large_meets_a_named_limit(client: RpcAgentClient, path: str, tmp_path: Path):
    with pytest.raises(MessageTooLargeError, match="larger than export_limit, 3,000,000 bytes"):
        client.download_file(path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_grows_is_cut_off_at_the_limit(tmp_path: Path):
    growing = tmp_path / "growing"
    growing.write_bytes(b"x" * LIMIT)
    exports = Exports([str(tmp_path)], LIMIT)
    servicer = AgentServerServicer(threading.Event(), exports=exports)
    parts = servicer.download_file(pb.StringMsg(value="growing"))
    assert len(next(parts).data) == 2**20
    with growing.open("ab") as file:
        file.write(b"x")
    with pytest.raises(MessageTooLargeError):
        list(parts)
    servicer.close()
    exports.close()


@pytest.mark.parametrize("seconds", [1, pytest.param(10, marks=pytest.mark.long)])
@pytest.mark.parametrize("walk", [False, True], ids=["the kernel", "step by step"])
def test_no_moment_in_which_a_path_can_be_exchanged(
    tmp_path: Path, seconds: float, walk: bool, monkeypatch: pytest.MonkeyPatch
):
    """One thread makes now a file, now a link to a secret of the same path, and of its folder likewise."""
    if walk:
        monkeypatch.setattr(_folder, "_has_openat2", False)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text(SECRET)
    root = tmp_path / "exports"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("harmless")
    (root / "way").symlink_to(tmp_path / "outside")
    (root / "file").write_text("harmless")
    ending, swaps = threading.Event(), 0

    def swap() -> None:
        nonlocal swaps
        while not ending.is_set():
            os.symlink(tmp_path / "outside" / "file", root / "new")
            os.rename(root / "new", root / "file")
            os.rename(root / "folder", root / "kept")
            os.rename(root / "way", root / "folder")
            os.rename(root / "folder", root / "way")
            os.rename(root / "kept", root / "folder")
            (root / "new").write_text("harmless")
            os.rename(root / "new", root / "file")
            swaps += 1

    exports = Exports([str(root)])
    thread = threading.Thread(target=swap)
    thread.start()
    read = {"harmless": 0, "": 0, "refused": 0}
    try:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for path in ("file", "folder/file"):
                try:
                    fd = exports.open(path)
                except FileNotExportedError:
                    read["refused"] += 1
                    continue
                text = os.read(fd, 100).decode()
                os.close(fd)
                assert text in read, text
                read[text] += 1
    finally:
        ending.set()
        thread.join()
        exports.close()
    assert min(read["harmless"], read["refused"], swaps) > 10 * seconds, read


# ---------------------------------------------------------------------------- the folders


@pytest.mark.parametrize("folder", ["/", "nowhere", "secret", "/proc/.."])
def test_what_is_no_folder_to_export_is_refused(runtime: Path, place: Path, folder: str):
    with pytest.raises(UsageError, match="export="):
        RpcAgentServerLauncher(export=place / folder).launch()


def test_a_folder_stays_the_one_that_was_exported(runtime: Path, tmp_path: Path):
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "file").write_text("harmless")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text(SECRET)
    with RpcAgentServerLauncher(export=str(tmp_path / "exports")) as launcher:
        client = RpcAgentClient(launcher.address)
        (tmp_path / "exports").rename(tmp_path / "moved")
        (tmp_path / "exports").symlink_to(tmp_path / "outside")
        assert Path(client.download_file("file")).read_text() == "harmless"


def test_by_default_nothing_is_exported(runtime: Path):
    with RpcAgentServerLauncher() as launcher:
        client = RpcAgentClient(launcher.address)
        for path in ("x", str(launcher.connection.path), launcher.connection.path.name):
            with pytest.raises(FileNotExportedError, match="this server exports no files"):
                client.download_file(path)


def test_downloads_need_the_token_and_the_server(server: RpcAgentServerLauncher, runtime: Path):
    with pytest.raises(AuthenticationError):
        RpcAgentClient(server.address, token="x" * 40).download_file("hello.txt")
    with RpcAgentServerLauncher(port=0, export=runtime) as other:
        client = RpcAgentClient("localhost", other.port, token=other.token)
        assert client.is_alive()
    with pytest.raises(AgentServerNotAliveError):
        client.download_file("hello.txt")


def test_a_copy_that_cannot_be_written_says_so(client: RpcAgentClient, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        client.download_file("hello.txt", tmp_path / "nowhere" / "copy")
    with pytest.raises(UsageError, match="is not the path of a file"):
        client.download_file("deep/..")
