"""An app over HTTPS; and certificates that cannot be used are refused before anything serves."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import trustme

from nbagents import Msg
from nbagents.app import AgentApp, Serving
from nbagents.exceptions import UsageError


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> dict[str, str]:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    issued.private_key_pem.write_to_path(str(key))
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


@pytest.fixture
def app() -> Iterator[AgentApp]:
    made = AgentApp(app_name="Friday")
    made.query()(lambda self, msgs: Msg("Friday", f"You said: {msgs[-1].content}"))
    yield made
    if made.serving is not None:
        made.serving.stop()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_with_a_certificate_and_its_key_it_serves_https(
    app: AgentApp, files: dict[str, str], trusting: ssl.SSLContext
) -> None:
    serving = app.serve("0.0.0.0", 0, **files)  # which needs TLS
    url = f"https://127.0.0.1:{serving.port}"
    assert serving.url.startswith("https://")
    with httpx.Client(verify=trusting, timeout=20, trust_env=False) as http:
        told = http.get(f"{url}/", headers={"Authorization": f"Bearer {app.token}"})
        assert (told.status_code, told.json()["service"]) == (200, "Friday")
        assert http.get(f"{url}/").status_code == 401
        client = openai.OpenAI(base_url=f"{url}/compatible-mode/v1", api_key=app.token, http_client=http)
        assert client.responses.create(model="Friday", input="hello").output_text == "You said: hello"
    with httpx.Client(timeout=20, trust_env=False) as http:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            http.get(f"{url}/health")
        with pytest.raises(httpx.RemoteProtocolError):
            http.get(f"http://127.0.0.1:{serving.port}/health")


def test_one_file_with_both_will_do(
    app: AgentApp, files: dict[str, str], trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(Path(files["ssl_keyfile"]).read_bytes() + Path(files["ssl_certfile"]).read_bytes())
    serving = app.serve(port=0, ssl_certfile=str(both))
    with httpx.Client(verify=trusting, timeout=20, trust_env=False) as http:
        assert http.get(f"{serving.url}/health").status_code == 200


@pytest.mark.parametrize("begin", [AgentApp.run, AgentApp.serve], ids=["run", "serve"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_key_without_a_certificate_is_refused(
    app: AgentApp, files: dict[str, str], begin: Callable[..., Serving], host: str
) -> None:
    with pytest.raises(UsageError, match="ssl_keyfile is of no use without ssl_certfile") as raised:
        begin(app, host, 0, ssl_keyfile=files["ssl_keyfile"])
    assert "ssl_certfile=" in (raised.value.hint or "")
    assert app.serving is None


ENCRYPTED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgPw4l8pH2NMAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDp0o2q1mN0rQ4yq0pPZgJ0EgZA=
-----END ENCRYPTED PRIVATE KEY-----
"""


@pytest.mark.parametrize("odd", ["missing", "no certificate", "another's key", "with a passphrase"])
def test_what_is_no_certificate_is_refused(
    app: AgentApp, files: dict[str, str], authority: trustme.CA, tmp_path: Path, odd: str
) -> None:
    given: dict[str, Any] = dict(files)
    if odd == "missing":
        given["ssl_certfile"] = str(tmp_path / "nothing.crt")
    elif odd == "no certificate":
        Path(files["ssl_certfile"]).write_text("hello")
    elif odd == "with a passphrase":
        Path(files["ssl_keyfile"]).write_text(ENCRYPTED)
    else:
        authority.issue_cert("elsewhere.org").private_key_pem.write_to_path(files["ssl_keyfile"])
    with pytest.raises(UsageError, match="https cannot be served with"):
        app.serve(port=0, **given)
    assert app.serving is None
