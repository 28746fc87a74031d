"""`check_tls`: the certificate and the key of an app, looked at before anything serves."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from ..exceptions import UsageError

__all__ = ["check_tls"]


def check_tls(options: Mapping[str, Any]) -> None:
    """Look at ``ssl_certfile``, ``ssl_keyfile`` and ``ssl_keyfile_password``, as uvicorn will read them.

    Raises:
        UsageError: there is a key and no certificate, or they cannot be read or do not fit.
    """
    certificate, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    if not certificate:
        if key:
            raise UsageError(
                "ssl_keyfile is of no use without ssl_certfile",
                hint="give ssl_certfile= and ssl_keyfile=",
            )
        return
    password = options.get("ssl_keyfile_password") or ""  # None would ask at the terminal
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password)
    except OSError as error:  # what is wrong with the files themselves, `ssl.SSLError`, too
        both = f"{certificate} and {key}" if key else f"{certificate}"
        why = error.strerror or getattr(error, "reason", None) or str(error)
        raise UsageError(
            f"https cannot be served with {both}: {' '.join(str(why).split())}",
            hint="a certificate with its chain and the key that belongs to it, both as PEM; a key with a"
            " passphrase needs ssl_keyfile_password=",
        ) from None
