"""``nbagents app``: an app in the foreground, looked after from elsewhere; what a container is made of."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from nbagents.cli._build_context import BuildContext

SERVICE = """
from nbagents import AgentApp
app = AgentApp(app_name="Friday")
users = AgentApp(tokens={"ada": "a-token-of-ada"})

@app.query(framework="text")
def answer(self, msgs):
    return "hello"

@app.shutdown
def end(self):
    open("ended", "w").close()
"""
TOKEN = "the-token-of-the-operator-0123456789"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with an app in it, and a file that would hide one of Python's if it could."""
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "json.py").write_text("raise SystemError('hidden')")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def begin(script: Callable[[str], str], runtime: Path) -> Iterator[Callable[..., Any]]:
    """Start a command that serves; return its process and the lines in which it says so."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, lines: int = 2) -> tuple[subprocess.Popen[str], list[str]]:
        command = [script("nbagents"), *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        said = [process.stdout.readline() for _ in range(lines)]
        assert all(said), process.communicate(timeout=30)[1]
        return process, said

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def asked(port: int, token: str, context: Any = None, host: str = "localhost") -> int:
    kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
    options = {"context": context} if context else {}
    connection = kind("localhost", port, timeout=20, **options)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Host": host}
    connection.request(
        "POST", "/process", json.dumps({"input": [{"content": "?"}], "stream": False}), headers
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def port_of(line: str) -> int:
    match = re.search(r":(\d+) as [0-9a-f]{16}\n", line)
    assert match, line
    return int(match[1])


def left(runtime: Path) -> list[str]:
    return [path.name for path in runtime.rglob("*") if not path.is_dir()]


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_in_order(
    begin: Any, number: int, folder: Path, runtime: Path
) -> None:
    process, said = begin("app", "service:app", "--port", 0, "--token-file", folder / "token")
    assert re.fullmatch(r"Friday serves at http://127\.0\.0\.1:\d+ as [0-9a-f]{16}\n", said[0])
    assert said[1] == f"token: in {folder / 'token'}\n"
    assert asked(port_of(said[0]), TOKEN) == 200
    assert asked(port_of(said[0]), "another") == 401
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (0, "", "")
    assert (folder / "ended").exists()
    assert left(runtime) == []


@pytest.mark.posix
def test_an_app_that_fails_at_its_end_says_so(begin: Any, folder: Path, runtime: Path) -> None:
    (folder / "service.py").write_text(f"{SERVICE}\n    raise LookupError('no more')\n")
    process, _ = begin("app", "service:app", "--port", 0)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "LookupError: no more" in errors
    assert left(runtime) == []


@pytest.mark.timeout(180)
def test_it_is_listed_and_stopped_from_elsewhere(begin: Any, run: Run, runtime: Path) -> None:
    process, said = begin("app", "--port", 0, "service:app", "--allow-host", "agents.example")
    token = json.loads(Path(said[1].removeprefix("token: in ").strip()).read_text())["token"]
    assert asked(port_of(said[0]), token, host="agents.example") == 200
    assert asked(port_of(said[0]), token, host="other.example") == 403
    listed = run("nbagents", "app", "list").stdout.splitlines()
    assert listed[0].split() == ["id", "name", "address", "mode", "source", "process", "since", "health"]
    deploy_id, *fields = listed[1].split()
    assert fields[:5] == [
        "Friday",
        f"http://127.0.0.1:{port_of(said[0])}",
        "foreground",
        "service:app",
        str(process.pid),
    ]
    assert fields[-1] == "answers"
    assert token not in "\n".join(listed)
    stopped = run("nbagents", "app", "stop", deploy_id)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert run("nbagents", "app", "list").stdout == "no app of yours serves\n"
    again = run("nbagents", "app", "stop", deploy_id)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (f"nbagents app: nothing is deployed as {deploy_id!r}\nTry: nbagents app list\n")
    assert left(runtime) == []


WRONG = {
    "no name": (["service"], "'service' names no app"),
    "an expression": (["service:app()"], "names no app"),
    "no module": (
        ["nothing_here:app"],
        "cannot be imported: ModuleNotFoundError: No module named 'nothing_here'\n",
    ),
    "no app": (["service:other"], "has no such name\nTry: service:app"),
    "no app but a function": (["service:answer"], "has a function of that name"),
    "a public address": (["service:app", "--host", "0.0.0.0"], "open to other machines"),
    "half of TLS": (["service:app", "--ssl-certfile", "x"], "both"),
    "tokens of users": (["service:users", "--token-file", "token"], "tokens of its users"),
    "no token file": (["service:app", "--token-file", "none"], "the token file none cannot be read"),
    "an open token file": (["service:app", "--token-file", "open"], "is open to others"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_what_cannot_be_served_says_why(run: Run, what: str, folder: Path) -> None:
    (folder / "open").write_text(TOKEN)
    (folder / "open").chmod(0o644)
    arguments, said = WRONG[what]
    failed = run("nbagents", "app", *arguments)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert said in failed.stderr
    assert TOKEN not in failed.stderr


def test_a_port_that_is_taken_is_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = run("nbagents", "app", "service:app", "--port", port)
    assert failed.returncode == 1
    assert f"the port {port} of 127.0.0.1 is taken by another program" in failed.stderr


# ------------------------------------------------------------------------------------- containers

INSTRUCTIONS = {
    "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD",
}  # fmt: skip


def parsed(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined)]


def faults(text: str) -> list[str]:
    """Return what is wrong with a Dockerfile, as a linter would tell it."""
    found = parsed(text)
    names = [name for name, _ in found]
    wrong = [f"unknown: {name}" for name in names if name not in INSTRUCTIONS]
    wrong += [] if names[:1] == ["FROM"] and names.count("FROM") == 1 else ["it begins with one FROM"]
    for name, rest in found:
        if name == "FROM" and not re.fullmatch(r"python:3\.\d+-slim", rest):
            wrong.append(f"an image without a version, or a large one: {rest}")
        if name == "USER" and (not rest.isdigit() or rest == "0"):
            wrong.append(f"a user that may be root: {rest}")
        if name in ("CMD", "HEALTHCHECK"):
            try:
                json.loads(rest[rest.index("[") :])
            except ValueError:
                wrong.append(f"{name} needs a shell")
        if name in ("ENV", "COPY", "RUN") and re.search(r"(?i)token|secret|passw|api_?key|tls", rest):
            wrong.append(f"a secret in {name}")
        if name == "RUN" and re.search(r"\b(sudo|curl|wget|ADD)\b|\bcd ", rest):
            wrong.append(f"not in RUN: {rest}")
    wrong += [f"one {name} only" for name in ("CMD", "HEALTHCHECK", "USER") if names.count(name) != 1]
    if {"USER", "CMD"} <= set(names) and names.index("USER") > names.index("CMD"):
        wrong.append("CMD runs as root")
    return wrong


def test_the_linter_of_this_test_finds_faults() -> None:
    text = "FROM python\nENV TOKEN=abc\nUSER root\nRUN cd /x\nCMD nbagents app\nADD x y\n"
    assert len(faults(text)) == 7


def test_a_dockerfile_is_written_once(run: Run, folder: Path) -> None:
    written = run("nbagents", "app", "dockerfile", "service:app")
    assert (written.returncode, written.stdout) == (0, "wrote Dockerfile\nwrote .dockerignore\n")
    text = (folder / "Dockerfile").read_text()
    assert faults(text) == []
    assert "requirements.txt" not in text
    assert ("USER", "10001") in parsed(text)
    assert ("RUN", "chmod -R a+rX,go-w .") in parsed(text)
    assert not any("/run/secrets" in rest for name, rest in parsed(text) if name != "CMD")
    again = run("nbagents", "app", "dockerfile", "service:app")
    assert (again.returncode, again.stderr) == (
        1,
        "nbagents app: Dockerfile is there already\nTry: --force replaces it\n",
    )
    (folder / "requirements.txt").touch()
    forced = run("nbagents", "app", "dockerfile", "service:app", "--force", "--behind-proxy")
    assert "left .dockerignore as it is" in forced.stdout
    text = (folder / "Dockerfile").read_text()
    assert faults(text) == []
    assert "COPY requirements.txt" in text
    for wrong in ("service", "service:app\nRUN evil", "a b:c"):
        assert run("nbagents", "app", "dockerfile", wrong, "--force").returncode == 1
    assert "note: there is no other.py" in run("nbagents", "app", "dockerfile", "other:app", "--force").stdout


KEPT_OUT = (
    ".env", "sub/.env.local", "prod.env", ".git/config", "sub/.aws/credentials", ".ssh/known_hosts", ".netrc",
    "token", "sub/token.txt", "nbagents-token", "api_token", "a.token", "tls.key", "sub/tls.crt", "ca.pem",
    "id_ed25519", "secrets/nbagents-token", "sub/secrets/any", "secrets.toml", "my-credentials.json",
    "service-account-1.json", "a.ipynb", ".ipynb_checkpoints/a.py", "states.db", "a.sqlite3-wal", "x.log",
    ".venv/bin/python", "venv/pyvenv.cfg", "sub/__pycache__/a.pyc", "Dockerfile", ".dockerignore",
)  # fmt: skip
LET_IN = (
    "service.py",
    "requirements.txt",
    "sub/tokens.py",
    "sub/tokenizer.json",
    "data/poems.txt",
    "json.py",
)


def test_an_image_has_the_app_and_no_secret(run: Run, folder: Path) -> None:
    for name in (*KEPT_OUT, *LET_IN):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    for name in ("Dockerfile", ".dockerignore"):
        (folder / name).unlink()
    written = run("nbagents", "app", "dockerfile", "service:app")
    assert written.stdout == "wrote Dockerfile\nwrote .dockerignore\n", written.stderr
    context = BuildContext(folder, (folder / ".dockerignore").read_text())
    assert set(context.files()) == set(LET_IN)
    # What no name tells of is found by what is in it.
    (folder / "sub" / "notes.md").write_text("the key is sk-0123456789abcdef0123456789abcdef\n")
    (folder / "sub" / "old").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (folder / "sub" / "image.bin").write_bytes(b"\xff\xfe\x00")
    again = run("nbagents", "app", "dockerfile", "service:app", "--force")
    notes = [line for line in again.stdout.splitlines() if line.startswith("note: ")]
    assert [line.split()[1] for line in notes] == ["sub/notes.md", "sub/old"]
    assert "sk-0123" not in again.stdout
    (folder / ".dockerignore").write_text("*\n!sub\n")
    kept = run("nbagents", "app", "dockerfile", "service:app", "--force").stdout
    assert "keeps service out of the image" in kept


PATTERNS = {  # as moby's own tests have them: pattern, file, is it kept out
    ("**", "a/b"): True, ("**/", "a"): True, ("dir/**", "dir/a/b"): True, ("**/dir", "dir/a"): True,
    ("**/file*txt", "a/b/file-x.txt"): True, ("*.md", "a.md"): True, ("*.md", "a/b.md"): False,
    ("a/*.md", "a/b/c.md"): False, ("docs", "docs/a/b"): True, ("docs", "a/docs"): False,
    ("/docs/", "docs/a"): True, ("?.txt", "a.txt"): True, ("?.txt", "ab.txt"): False,
    ("[a-c].txt", "b.txt"): True, ("[a-c].txt", "d.txt"): False, ("*\n!a", "a"): False,
    ("*\n!a\na/b", "a/b/c"): True, ("# a\n", "# a"): False, ("a.b", "axb"): False, ("./a", "a"): True,
}  # fmt: skip


def test_patterns_are_read_as_docker_reads_them() -> None:
    told = {case: not BuildContext(Path(), case[0]).has(case[1]) for case in PATTERNS}
    assert told == PATTERNS


@pytest.mark.posix
def test_a_line_that_is_no_pattern_is_named_and_a_pipe_is_not_waited_for(run: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert BuildContext(folder, "").with_secrets() == []
    (folder / ".dockerignore").write_text("*.log\n[z-a]\n")
    told = run("nbagents", "app", "dockerfile", "service:app", "--force")
    assert told.returncode != 0
    assert ".dockerignore has the line '[z-a]', which is no pattern: bad character range z-a" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.linux
@pytest.mark.parametrize("proxy", [True, False])
def test_what_the_container_runs_works_and_so_does_its_health_check(
    proxy: bool, run: Run, begin: Any, folder: Path, script: Callable[[str], str]
) -> None:
    """The very commands of the file, in the folder that would be copied; the mounted files lie elsewhere."""
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "tls.key")
    with (folder / "tls.crt").open("wb") as file:
        file.writelines(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "token").rename(folder / "nbagents-token")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run("nbagents", "app", "dockerfile", "service:app", "--port", port, *["--behind-proxy"] * proxy)
    found = dict(parsed((folder / "Dockerfile").read_text()))
    name, *arguments = (text.replace("/run/secrets", str(folder)) for text in json.loads(found["CMD"]))
    assert name == "nbagents"
    rest = found["HEALTHCHECK"]
    check = [script("python"), *json.loads(rest[rest.index("[") :])[1:]]
    assert subprocess.run(check, capture_output=True, timeout=30).returncode != 0
    process, said = begin(*arguments)
    assert said[1] == f"token: in {folder / 'nbagents-token'}\n"
    proxied = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    assert subprocess.run(check, capture_output=True, timeout=30, env=proxied).returncode == 0
    context = None
    if not proxy:
        context = ssl.create_default_context()
        ca.configure_trust(context)
    assert asked(port, TOKEN, context=context, host=f"localhost:{port}") == 200
    assert asked(port, "another", context=context, host=f"localhost:{port}") == 401
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert ("can read what is sent" in errors) == proxy
