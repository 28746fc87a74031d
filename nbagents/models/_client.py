"""The openai package: imported late and off the loop, and its clients made for one endpoint each.

The import takes over a second, so it happens in a thread, at the first request or when `prewarm`
asks for it. Clients live on the background loop. They share two pools of connections, one that
goes through the proxies of the environment and one, for this machine itself, that never does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._loop import background
from ..config import MODEL_CONNECT_TIMEOUT, Secret, redact
from ..exceptions import UsageError
from ._address import is_loopback
from ._endpoint import Endpoint

if TYPE_CHECKING:
    import openai

__all__ = ["make_client", "no_key", "openai_module", "pool_for", "prewarm"]

_openai: ModuleType | None = None
_importing = threading.Lock()
_pools: dict[tuple[Any, ...], Any] = {}


def _import() -> ModuleType:
    global _openai
    import openai

    with _importing:
        if _openai is None:
            # what is not done here is done at the first request, on the loop: more modules, certificates
            with contextlib.suppress(UsageError):
                _pool(openai, direct=False)
            http = _pool(openai, direct=True)
            openai.AsyncOpenAI(api_key="-", base_url="http://127.0.0.1", http_client=http).chat.completions  # noqa: B018
            _openai = openai
    return openai


async def openai_module() -> ModuleType:
    """Return the openai package; the first time it is imported in a thread meanwhile."""
    return _openai if _openai is not None else await asyncio.to_thread(_import)


def prewarm() -> None:
    """Begin to import the openai package, in a daemon thread; return at once."""
    threading.Thread(target=_import, name="nbagents-prewarm", daemon=True).start()


def make_client(
    endpoint: Endpoint, *, timeout: float, max_retries: int, more: dict[str, Any]
) -> openai.AsyncOpenAI:
    """Return a client for one endpoint. On the background loop, with openai imported.

    It takes nothing from the environment: `resolve` has done so, for the endpoints it is meant for.

    Raises:
        UsageError: ``more`` holds what the client does not take, or a proxy's address is unusable.
    """
    import openai

    theirs = (
        line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    )
    headers: dict[str, Any] = {name: openai.Omit() for name in theirs if name}
    plain = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in endpoint.headers.items()
    }
    fine = openai.Timeout(timeout, connect=min(timeout, MODEL_CONNECT_TIMEOUT))
    try:
        client = openai.AsyncOpenAI(
            api_key=endpoint.api_key.reveal() if endpoint.api_key else "no key",
            base_url=endpoint.base_url,
            default_headers=headers | plain,
            http_client=_pool(openai, direct=is_loopback(endpoint.base_url)),
            timeout=fine,
            max_retries=max_retries,
            **more,
        )
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, its frames hold the key
        problem = redact(str(error).rpartition("() ")[2] or str(error), endpoint.api_key)
    else:
        client.organization, client.project = endpoint.organization, endpoint.project
        return client
    raise UsageError(f"the model configuration does not fit the openai client: {problem}")


def no_key() -> dict[str, Any]:
    """Return the headers of a request that is to carry no key. With openai imported."""
    import openai

    return {"Authorization": openai.Omit()}


def pool_for(url: str) -> Any:
    """Return the connections for an address. On the background loop, with openai imported."""
    import openai

    return _pool(openai, direct=is_loopback(url))


def _pool(openai: ModuleType, *, direct: bool) -> Any:
    """Return the connections of this loop; shared, since each pool costs 20 ms and a megabyte."""
    import urllib.request  # here, since both take 15 ms, and the openai package brings them anyway
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    proxies = () if direct else tuple(sorted(urllib.request.getproxies().items()))
    place = (background().loop, direct, proxies)
    pool = _pools.get(place)
    if pool is None:
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # two keys at one host stay strangers
        try:
            pool = openai.DefaultAsyncHttpxClient(trust_env=not direct, cookies=no_cookies)
        except (ImportError, ValueError):
            pool = None
        if pool is None:
            raise UsageError(
                "the address in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used: it must begin with"
                " http:// or https:// (for socks5:// the package socksio is needed)"
            )
        _pools[place] = pool
    return pool
