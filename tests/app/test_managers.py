"""`LocalDeployManager`: what it still has, what it returns, and a key with a passphrase."""

from __future__ import annotations

import asyncio
import copy
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from nbagents.app import AgentApp, LocalDeployManager
from nbagents.exceptions import UsageError

PASSPHRASE = "correct horse battery staple"


def test_what_has_not_ended_is_still_the_managers(runtime: Path) -> None:
    app, go_on = AgentApp(app_name="Hangs"), threading.Event()
    app.shutdown(lambda self: go_on.wait(60))

    async def steps() -> None:
        manager = LocalDeployManager(port=0, shutdown_timeout=0.1)
        told = await manager.deploy(app)
        first = await manager.stop(told["deploy_id"])
        assert (first["success"], "takes long" in first["message"]) == (False, True)
        assert [one["deploy_id"] for one in manager.get_deployment_info()] == [told["deploy_id"]]
        go_on.set()
        again = await manager.stop(told["deploy_id"])
        assert (again["success"], again["message"]) == (True, "it had ended already")
        assert manager.get_deployment_info() == []

    asyncio.run(steps())


def test_no_copy_of_what_deploy_returns_shows_the_token(runtime: Path) -> None:
    async def steps() -> None:
        manager = LocalDeployManager(port=0)
        told: Any = await manager.deploy(AgentApp())
        copies = [told, told.copy(), told | {"name": "x"}, {"name": "x"} | told, copy.copy(told)]
        assert [told["token"] in repr(each) for each in copies] == [False] * 5
        assert {each["token"] for each in copies} == {told["token"]}
        assert told.pop("token")
        assert told["deploy_id"] in repr(told)
        await manager.stop(told["deploy_id"])

    asyncio.run(steps())


@pytest.mark.linux
@pytest.mark.parametrize("mode", ["daemon_thread", "detached_process"])
def test_a_key_with_a_passphrase_is_used_in_each_mode(
    mode: str, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    plain = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    sealed = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, form, sealed))
    (tmp_path / "keyed.py").write_text("from nbagents import AgentApp\napp = AgentApp()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    app: Any = "keyed:app" if mode == "detached_process" else AgentApp()
    tls = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}

    async def steps() -> None:
        manager = LocalDeployManager(port=0)
        with pytest.raises(UsageError, match="https cannot be served") as raised:
            await manager.deploy(app, mode=mode, **tls)
        assert "ssl_keyfile_password=" in (raised.value.hint or "")
        told = await manager.deploy(app, mode=mode, **tls, ssl_keyfile_password=PASSPHRASE)
        try:
            async with httpx.AsyncClient(verify=False, trust_env=False, timeout=20) as http:
                assert (await http.get(f"{told['url']}/health")).status_code == 200
        finally:
            assert (await manager.stop(told["deploy_id"]))["success"]

    asyncio.run(steps())
