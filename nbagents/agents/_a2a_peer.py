"""`Peer`: the other side of an `A2AAgent`. This module loads the protocol's package."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from a2a.client import Client, ClientConfig, create_client
from a2a.client.card_resolver import parse_agent_card
from a2a.client.errors import A2AClientError
from a2a.types import AgentCard, CancelTaskRequest
from a2a.utils.errors import A2AError as ProtocolError

from ..config import Secret, redact
from ..exceptions import A2ARefusedError, A2ATaskError, A2AUnavailableError, NbAgentsError

__all__ = ["LAST_WORD", "Peer"]

CARD = "/.well-known/agent-card.json"
CONNECT = 10.0
"""Seconds."""
LARGEST = 64 * 2**20
"""Bytes that one answer may bring; a card may bring a hundredth."""
LAST_WORD = 5.0
"""Seconds that the other side has to take a cancellation."""


class Peer:
    """One agent elsewhere. Lives on the background loop."""

    def __init__(self, name: str, place: str | dict[str, Any], token: Secret | None, timeout: float) -> None:
        self.name = name
        self._place, self._token, self._timeout = place, token, timeout
        self._card: AgentCard | None = None

    async def cancel(self, task_id: str) -> None:
        """Have it stop a task; raises as `connected` does, and is over within a few seconds."""
        async with asyncio.timeout(LAST_WORD), self.connected() as client:
            await client.cancel_task(CancelTaskRequest(id=task_id))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """Open a connection; whatever fails in it is told in our words.

        Raises:
            A2AError: of the kind that fits.
        """
        with self.told():
            async with self._http() as http:
                if self._card is None:
                    self._card = await self._read_card(http)
                yield await create_client(self._card, client_config=ClientConfig(httpx_client=http))

    def _http(self) -> httpx.AsyncClient:
        headers = {"Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            follow_redirects=False,
            event_hooks={"response": [self._check]},
            verify=_trusted(),
        )

    async def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            which = "that token" if self._token else "a call without a token"
            raise A2ARefusedError(
                f"the agent behind {self.name} does not take {which}", hint="A2AAgent(..., token=...)"
            )
        if response.is_redirect:
            raise A2ARefusedError(
                f"the agent behind {self.name} answers with a redirect, which is not followed"
            )
        if status == 429 or status >= 500:
            raise A2AUnavailableError(f"the agent behind {self.name} answers with the status {status}")
        if status >= 400:
            raise A2ARefusedError(f"the agent behind {self.name} answers with the status {status}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise A2ARefusedError(f"the agent behind {self.name} sends what is compressed, unasked")
        response.stream = _Measured(response.stream, self.name)

    async def _read_card(self, http: httpx.AsyncClient) -> AgentCard:
        if not isinstance(self._place, str):
            return self._fit(parse_agent_card(json.loads(json.dumps(self._place))), None)
        path = urlsplit(self._place).path
        address = self._place if path.endswith(".json") else f"{self._place.rstrip('/')}{CARD}"
        response = await http.get(address)
        if len(response.content) > LARGEST // 100:
            raise A2ARefusedError(f"the card of {self.name} is larger than {LARGEST // 100:,} bytes")
        return self._fit(parse_agent_card(response.json()), _origin(address))

    def _fit(self, card: AgentCard, origin: tuple[str, str, int] | None) -> AgentCard:
        """Leave of a card the ways that are taken: JSON-RPC, and at the origin of the card alone."""
        ways = [way for way in card.supported_interfaces if way.protocol_binding.upper() == "JSONRPC"]
        near = [way for way in ways if origin is None or _origin(way.url) == origin]
        if ways and not near:
            host = urlsplit(ways[0].url).netloc.rpartition("@")[2] or "another place"
            raise A2ARefusedError(
                f"the card of {self.name} leads to {host[:200]!r}, which is not where the card is",
                hint="give the card itself, as a dictionary, if you know that it is right",
            )
        if not near:
            raise A2ARefusedError(f"the card of {self.name} offers no way by JSON-RPC")
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(near)
        return card

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell what fails inside in our words; raises as `connected` does."""
        try:
            yield
        except NbAgentsError:
            raise
        except httpx.TimeoutException:
            raise A2AUnavailableError(self._silent()) from None
        except httpx.HTTPError as error:
            raise A2AUnavailableError(self._broken(error)) from None
        except ProtocolError as error:
            cause = error.__cause__
            if isinstance(cause, httpx.TimeoutException):
                raise A2AUnavailableError(self._silent()) from None
            if isinstance(cause, httpx.HTTPError):
                raise A2AUnavailableError(self._broken(cause)) from None
            if isinstance(error, A2AClientError):
                raise A2AUnavailableError(
                    f"what is behind {self.name} does not answer as A2A agents do: {self.shown(str(error))}"
                ) from None
            raise A2ATaskError(
                f"the agent behind {self.name} does not do it: {self.shown(str(error))}"
            ) from None
        except Exception:  # noqa: BLE001  # what comes may have any shape, and the package trips in many ways
            raise A2AUnavailableError(
                f"what is behind {self.name} does not answer as A2A agents do"
            ) from None

    def _silent(self) -> str:
        return f"the agent behind {self.name} has said nothing for {self._timeout:g} s"

    def _broken(self, error: Exception) -> str:
        why = self.shown(str(error)) or type(error).__name__
        return f"the agent behind {self.name} cannot be reached: {why}"

    def shown(self, text: str) -> str:
        """Return a text of the other side as an error may show it."""
        line = " ".join(redact(text[:2000], self._token).split())
        return line if len(line) <= 500 else line[:500] + "…"


class _Measured(httpx.AsyncByteStream):
    """What comes, until it is too much."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST:
                raise A2ARefusedError(f"the agent behind {self._name} sends more than {LARGEST:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or default


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
