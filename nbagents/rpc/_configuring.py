"""Bring model configurations to the servers that run already: those of this user that this process uses."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import NbAgentsError
from ._owned import owned_connections
from ._places import connection_at

__all__ = ["configure_servers"]

log = logging.getLogger(__name__)
PATIENCE = 10.0
"""Seconds for all servers together; one that is frozen gets them when it is used again, or not at all."""


def configure_servers(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Load model configurations, keys and all, into the running servers that this process uses.

    Only servers of this user are told, by their connection files: keys go to nobody else. Returns the
    addresses of those that took them. One that did not is logged. Blocking, at most ten seconds.

    Raises:
        UsageError: a configuration cannot travel.
    """
    own = owned_connections()
    if not own and f"{__package__}._directory" not in sys.modules:
        return []  # nothing was ever sent, and gRPC need not be loaded
    from ..models import model_config_to_wire
    from ._client import RpcAgentClient
    from ._directory import open_attachments

    plain = [model_config_to_wire(config) for config in configs]
    known = {connection.address: connection.token for connection in own}
    for address, token in open_attachments():
        connection = connection_at(address)
        if connection is not None and connection.token == token:
            known.setdefault(connection.address, token)
    taken: list[str] = []

    def tell(address: str, token: str) -> None:
        try:
            RpcAgentClient(address, token=token).set_model_configs(plain)
            taken.append(address)
        except (NbAgentsError, TimeoutError) as error:
            log.warning("the agent server at %s did not take the model configurations: %s", address, error)

    threads = [
        threading.Thread(target=tell, args=pair, name="nbagents-configure", daemon=True)
        for pair in known.items()
    ]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(limit - time.monotonic(), 0))
    return list(taken)
