"""Where services may keep things: which addresses are taken, and which are refused. Opens nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ..exceptions import UsageError

__all__ = ["check_far", "is_here"]


def is_here(host: str) -> bool:
    """Is that host this machine? A path is a socket's; of names only ``localhost`` is."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_far(hosts: Iterable[str], *, proved: bool, insecure: bool, hint: str) -> None:
    """Refuse another machine that is not reached by TLS, with a certificate that proves it.

    Raises:
        UsageError: it would have to be trusted blindly, and ``insecure`` does not say so.
    """
    far = [host for host in hosts if not is_here(host)]
    if far and not proved and not insecure:
        raise UsageError(
            f"{', '.join(far)[:200]} is another machine, and TLS with a checked certificate is not asked for:"
            " what is kept there, and its password, could be read and changed on the way",
            hint=f"{hint}; or insecure=True, where you trust the network",
        )
