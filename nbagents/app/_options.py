"""`check_options`: what `AgentApp.run` may be given beside an address, looked at before anything listens."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ..exceptions import UsageError

__all__ = ["check_options"]

KNOWN = (
    *("shutdown_timeout", "startup_timeout"),
    # Those of uvicorn that an app does not set itself, and that make sense on a thread.
    *("ssl_certfile", "ssl_keyfile", "ssl_keyfile_password", "ssl_version", "ssl_cert_reqs"),
    *("ssl_ca_certs", "ssl_ciphers", "headers", "date_header", "root_path"),
    *("limit_concurrency", "limit_max_requests", "timeout_keep_alive", "h11_max_incomplete_event_size"),
)
_OF_DEPLOYERS = ("mode", "environment", "deploy_id", "source")


def check_options(names: Iterable[str]) -> None:
    """Look whether there are options of these names.

    Raises:
        UsageError: there is none of a name; with the one that was meant, where that is plain.
    """
    for name in names:
        if name in KNOWN:
            continue
        if name in _OF_DEPLOYERS:
            hint = "that is for deployers: await app.deploy(LocalDeployManager(port=...), mode=...)"
        elif close := difflib.get_close_matches(name, KNOWN, 1):
            hint = f"did you mean {close[0]}=?"
        else:
            hint = f"there are {', '.join(f'{known}=' for known in KNOWN[:4])}; see AgentApp.run"
        raise UsageError(f"there is no option {name!r} of run", hint=hint)
