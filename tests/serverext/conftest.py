"""A real Jupyter server with the extension, asked over HTTP, and kernels that it has started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.blocking import BlockingKernelClient

EXTENSION = Path(__file__).parents[2] / "nbagents" / "serverext" / "nbagents.json"
PATIENCE = 40.0


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Kernel:
    """A kernel that a Jupyter server has started for a notebook."""

    def __init__(self, jupyter: Jupyter, session: dict[str, Any]) -> None:
        self.jupyter, self.id, self.session_id = jupyter, session["kernel"]["id"], session["id"]
        self.client: BlockingKernelClient | None = None
        self.shown: dict[str, str] = {}
        self.said: list[str] = []
        self.parent, self.idle = "", True
        self._connect()

    def _connect(self) -> None:
        path = self.jupyter.runtime / f"kernel-{self.id}.json"
        wait_for(path.exists)
        self.client = BlockingKernelClient(connection_file=str(path))
        self.client.load_connection_file()
        self.client.start_channels()
        limit = time.monotonic() + PATIENCE  # the client's own way takes a slow heartbeat for a death
        while True:
            self.client.kernel_info()
            with contextlib.suppress(queue.Empty):
                self.client.get_shell_msg(timeout=1)
                self.client.get_iopub_msg(timeout=0.5)
                return
            assert time.monotonic() < limit, "the kernel does not answer"

    def load(self) -> str:
        """Load nbagents; return its banner once the server is there."""
        said = self.run("%load_ext nbagents")
        banners = dict(self.shown)
        while "agent server starting" in said and set(banners) == set(self.shown):
            self._listen(PATIENCE)
            said = "\n".join(self.shown[name] for name in banners)
        return said

    def run(self, code: str, *, wait: bool = True) -> str:
        """Run code and return what it says: streams, and what is shown as text, the last state of each."""
        assert self.client is not None
        self.shown, self.said = {}, []
        self.parent, self.idle = self.client.execute(code), False
        return self.finish() if wait else ""

    def finish(self) -> str:
        """Wait until what runs has ended; return what it says."""
        limit = time.monotonic() + PATIENCE
        while not self.idle:
            self._listen(limit - time.monotonic())
        return "\n".join([*self.said, *self.shown.values()])

    def interrupt(self) -> None:
        assert self.jupyter.ask(f"api/kernels/{self.id}/interrupt", "POST", {}).status == 204

    def _listen(self, seconds: float) -> None:
        assert self.client is not None
        message = self.client.get_iopub_msg(timeout=max(0.1, seconds))
        kind, content = message["msg_type"], message["content"]
        if kind in ("display_data", "update_display_data", "execute_result"):
            name = content.get("transient", {}).get("display_id") or uuid.uuid4().hex
            self.shown[name] = content["data"].get("text/plain", "")
        if message["parent_header"].get("msg_id") != self.parent:
            return
        if kind == "status" and content["execution_state"] == "idle":
            self.idle = True
        elif kind == "stream":
            self.said.append(content["text"])
        elif kind == "error":
            self.said.append(f"{content['ename']}: {content['evalue']}")

    def restart(self) -> None:
        assert self.client is not None
        self.client.stop_channels()
        assert self.jupyter.ask(f"api/kernels/{self.id}/restart", "POST", {}).status == 200
        self._connect()

    @property
    def pid(self) -> int:
        return int(self.run("import os; print(os.getpid())"))


class Jupyter:
    """One Jupyter server, in folders of its own."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.kernels: list[Kernel] = []
        for name in ("config", "data", "run", "tree", "etc/jupyter_server_config.d"):
            (folder / name).mkdir(parents=True, mode=0o700, exist_ok=True)
        self.runtime, self.sockets = folder / "run" / "r", folder / "run"
        shutil.copy(EXTENSION, folder / "etc" / "jupyter_server_config.d")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = uuid.uuid4().hex
        own = {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_CONFIG_PATH": str(folder / "etc"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "XDG_RUNTIME_DIR": str(self.sockets),
            "IPYTHONDIR": str(folder / "ipython"),
            "HOME": str(folder),
        }
        self.log_path = folder / "jupyter.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
                    f"--ServerApp.root_dir={folder / 'tree'}",
                    f"--IdentityProvider.token={self.token}",
                    *options,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own, **(environment or {})},
                start_new_session=True,
            )
        self.cookies = CookieJar()
        wait_for(lambda: self._listens())

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(self.log)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return self.ask("api").status == 200
        return False

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        *,
        who: str = "token",
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Ask as ``who``: "token", with it; "cookie", logged in as a page is; "nobody"."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if who == "token":
            request.add_header("Authorization", f"token {self.token}")
        elif who == "cookie":
            handlers.append(urllib.request.HTTPCookieProcessor(self.cookies))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE) as answer:
                return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(), dict(error.headers))

    def log_in(self) -> str:
        """Log in as a browser does; return the value for X-XSRFToken."""
        assert self.ask(f"tree?token={self.token}", who="cookie").status in (200, 404)
        return next(cookie.value or "" for cookie in self.cookies if cookie.name == "_xsrf")

    def api(self, path: str, method: str = "GET", body: Any = None, **given: Any) -> Answer:
        return self.ask(f"nbagents/api/{path}", method, body, **given)

    def servers(self) -> list[dict[str, Any]]:
        answer = self.api("servers")
        assert answer.status == 200, answer.text
        return answer.json

    def kernel(self, notebook: str = "one.ipynb") -> Kernel:
        made = self.ask(
            "api/sessions",
            "POST",
            {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}},
        )
        assert made.status == 201, made.text
        kernel = Kernel(self, made.json)
        self.kernels.append(kernel)
        return kernel

    def clear(self) -> None:
        """End all kernels and servers."""
        for kernel in self.kernels:
            kernel.client.stop_channels()
            self.ask(f"api/sessions/{kernel.session_id}", "DELETE")
        self.kernels.clear()
        for server in self.servers():
            assert self.api(f"servers/{server['id']}", "DELETE").status == 200

    def leftovers(self) -> list[str]:
        """The files of agent servers, and of the extension, that are there."""
        places = (self.runtime / "nbagents", self.sockets / "nbagents")
        return sorted(path.name for place in places if place.is_dir() for path in place.iterdir())

    def stop(self) -> None:
        for kernel in self.kernels:
            kernel.client.stop_channels()
        if self.process.poll() is None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            self.process.kill()
            self.process.wait()
        for path in (self.runtime / "nbagents").glob("*.json"):  # a user's server would stay for hours
            with contextlib.suppress(OSError, ValueError, KeyError, psutil.NoSuchProcess):
                left = psutil.Process(json.loads(path.read_text())["pid"])
                if "nbagents.rpc" in left.cmdline():
                    left.kill()


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is so, and return what it is."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > limit:
            pytest.fail(f"not so after {seconds} s")
        time.sleep(0.02)
    return found


def runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def jupyter_in_a_folder(*options: str, environment: dict[str, str] | None = None) -> Iterator[Jupyter]:
    folder = Path(tempfile.mkdtemp(prefix="nbj-", dir="/tmp"))  # short, as sockets want
    made = None
    try:
        made = Jupyter(folder, *options, environment=environment)
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def jupyter() -> Iterator[Jupyter]:
    """One for a whole file of tests."""
    with jupyter_in_a_folder("--ServerApp.allow_unauthenticated_access=False") as made:
        yield made


@pytest.fixture
def fresh(jupyter: Jupyter) -> Iterator[Jupyter]:
    """The same, without kernels and servers."""
    jupyter.clear()
    yield jupyter
    jupyter.clear()


@pytest.fixture
def make_jupyter() -> Iterator[Callable[..., Jupyter]]:
    """Make one that a test may kill."""
    with contextlib.ExitStack() as held:

        def make(*options: str, **environment: str) -> Jupyter:
            return held.enter_context(jupyter_in_a_folder(*options, environment=environment))

        yield make


@pytest.fixture(name="wait_for")
def wait_for_it() -> Callable[..., Any]:
    return wait_for


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    return runs


@pytest.fixture
def end() -> Callable[[int, int], None]:
    """Send a signal."""

    def send(pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)

    return send
