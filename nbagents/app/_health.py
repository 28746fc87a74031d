"""Does an app answer at its address? Asked from outside, as a stranger would, without its token."""

from __future__ import annotations

import http.client
import ssl
import urllib.parse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ..rpc._places import normal_address
from ._deployment import Deployment

__all__ = ["check_health", "healths"]

PATIENCE = 3.0
"""Seconds that each may take to answer who lists them."""


def check_health(url: str, seconds: float) -> None:
    """Ask at an address; any certificate will do, since nothing is told there. Blocking.

    Raises:
        OSError: it does not answer that it is well; the text says what it does.
    """
    address = urllib.parse.urlsplit(url)
    host, _, port = normal_address(address.netloc).rpartition(":")
    host = host.strip("[]")
    if address.scheme == "https":
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, int(port), timeout=seconds, context=anybody
        )
    else:
        connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"what answers there is no app: {type(error).__name__}") from None
    finally:
        connection.close()
    if status != 200:
        raise OSError(f"it answers with {status}")


def healths(those: Sequence[Deployment]) -> list[str]:
    """Return how each fares: "answers", why not, "dead", or "not known" of other machines.

    Blocking: 3 s for sixteen of them, at most.
    """
    if not those:
        return []
    with ThreadPoolExecutor(max_workers=min(16, len(those))) as pool:
        return list(pool.map(_health, those))


def _health(one: Deployment) -> str:
    if not one.alive:
        return "not known" if one.foreign else "dead"
    try:
        check_health(one.url, PATIENCE)
    except TimeoutError:
        return "does not answer: something holds it up"
    except OSError as error:
        return f"does not answer: {error.strerror or error}"
    return "answers"
