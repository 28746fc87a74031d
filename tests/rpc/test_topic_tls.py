"""Workers and a host that speak TLS: found by the address, or given what proves the host; else refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme
from topic_agents import Answerer, Ask, Relay, Told
from topics_here import knows

from nbagents.exceptions import AgentServerError, AuthenticationError
from nbagents.rpc import GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost
from nbagents.topics import AgentId

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def proof(tmp_path_factory) -> Path:
    """A folder with a certificate for this machine, its key, and who made it."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    return folder


@pytest.fixture(scope="module")
def host(proof):
    running = GrpcWorkerAgentRuntimeHost("localhost:0", tls=proof)
    running.start()
    yield running
    asyncio.run(running.stop())


def test_workers_that_find_the_host_or_are_told_of_it_reach_each_other_by_tls(host, proof):
    async def main():
        found = GrpcWorkerAgentRuntime(host.address)
        told = GrpcWorkerAgentRuntime(host.address, token=host.token, ca=str(proof / "ca.pem"))
        for runtime in (found, told):
            await runtime.start()
            knows(runtime, Told)
        await Answerer.register(told, "answerer", Answerer)
        await Relay.register(found, "relay", lambda: Relay("answerer/x"))
        reply = await told.send_message(Ask("hello" * 100_000), AgentId("relay", "x"))
        for runtime in (found, told):
            await runtime.stop()
        return reply

    assert asyncio.run(main()).text == "hello" * 100_000 + ", says answerer"


def test_a_host_that_another_vouches_for_gets_nothing(host, proof):
    async def main():
        runtime = GrpcWorkerAgentRuntime(host.address, token=host.token, ca=str(proof / "other.pem"))
        with pytest.raises(AuthenticationError, match="could not prove who it is"):
            await runtime.start()
        assert not runtime.is_running

    asyncio.run(main())


def test_nothing_goes_to_it_in_the_clear(host):
    async def main():
        runtime = GrpcWorkerAgentRuntime(host.address, token=host.token, insecure=True)
        with pytest.raises(AgentServerError):
            await runtime.start()

    asyncio.run(main())
