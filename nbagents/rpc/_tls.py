"""`TLS`: a server's certificate and key, by their paths; `Trust`: how a client makes sure of a server.

Loads no gRPC. Key files are read where they lie and never copied; errors tell their paths, never what is
in them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exceptions import UsageError

__all__ = ["TLS", "Trust"]

PAIRS = (("cert.pem", "key.pem"), ("tls.crt", "tls.key"), ("fullchain.pem", "privkey.pem"))
AUTHORITIES = ("ca.pem", "ca.crt")


@dataclass(frozen=True, slots=True)
class TLS:
    """The paths of a server's certificate (with its chain) and key, both PEM, the key without a passphrase.

    ``ca`` is the certificate that clients trust; without it they trust the server's own. It is for clients
    only: the server asks for a token, not for a certificate.
    """

    cert: str
    key: str
    ca: str | None = None

    @classmethod
    def of(cls, given: Any) -> TLS | None:
        """Make one of None, a `TLS`, ``(cert, key)``, ``(cert, key, ca)``, or a folder that holds them.

        In a folder they are ``cert.pem`` and ``key.pem``, or ``tls.crt`` and ``tls.key``, or
        ``fullchain.pem`` and ``privkey.pem``; and ``ca.pem`` or ``ca.crt``, if it is there. Paths become
        absolute.

        Raises:
            UsageError: it is none of these.
        """
        if given is None:
            return None
        if isinstance(given, str | os.PathLike):
            return cls._in(Path(given))
        if isinstance(given, TLS):
            given = (given.cert, given.key, given.ca)
        parts = list(given) if isinstance(given, tuple | list) else []
        known = [part for part in parts if isinstance(part, str | os.PathLike)]
        if len(known) < 2 or len(parts) > 3 or (len(known) < len(parts) and parts[2:] != [None]):
            raise UsageError("tls= is a folder, or the paths (cert, key) or (cert, key, ca)")
        return cls(*(os.path.abspath(part) for part in known))

    @classmethod
    def _in(cls, folder: Path) -> TLS:
        for cert, key in PAIRS:
            if (folder / cert).is_file() and (folder / key).is_file():
                ca = next((name for name in AUTHORITIES if (folder / name).is_file()), None)
                return cls(*(os.path.abspath(folder / name) for name in (cert, key, ca) if name))
        pairs = ", or ".join(f"{cert} and {key}" for cert, key in PAIRS)
        raise UsageError(f"tls= names the folder {folder}, in which there must be {pairs}")

    def name(self) -> str:
        """Try the files by a handshake; return a name that the certificate is for, "" if it has none.

        Raises:
            UsageError: they cannot be read, do not belong together, or have expired.
        """
        import ssl  # costs much, and few servers have certificates

        try:
            for path in filter(None, (self.cert, self.key, self.ca)):
                Path(path).read_bytes()  # whose error, unlike the ones below, tells the path
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.cert, self.key, password=lambda: "")  # never ask the terminal
            asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            asking.check_hostname = False
            asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            asking.load_verify_locations(self.ca or self.cert)
            to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = asking.wrap_bio(to_client, to_server)
            server = context.wrap_bio(to_server, to_client, server_side=True)
            told = _shaken(client, server)
        except (OSError, ValueError) as error:
            why = getattr(error, "verify_message", "") or getattr(error, "reason", None) or error
            raise UsageError(
                f"the certificate {self.cert} with the key {self.key} cannot be used: {why}"
            ) from None
        names = dict(reversed(told.get("subjectAltName", ())))
        return str(names.get("DNS") or names.get("IP Address") or "").replace("*", "any")

    def trust(self) -> Trust:
        """Return how clients on this machine make sure of the server. Raises as `name` does."""
        return Trust(self.ca or self.cert, self.name())


@dataclass(frozen=True, slots=True)
class Trust:
    """How a client makes sure of a server: by the certificate in the file ``ca``, or "" for the system's.

    The server's own certificate must be for ``name``, or without one for the host that was dialled.
    """

    ca: str
    name: str = ""

    def read(self) -> bytes | None:
        """Return the certificates; None for those that gRPC brings along, where the system has none.

        Raises:
            UsageError: the file cannot be read.
        """
        try:
            file = self.ca or _of_the_system()
            return Path(file).read_bytes() if file else None
        except OSError as error:
            raise UsageError(
                f"the certificates in {self.ca} cannot be read: {error.strerror or error}"
            ) from None


def _of_the_system() -> str:
    import ssl  # costs much, and few servers have certificates

    return ssl.get_default_verify_paths().cafile or ""


def _shaken(client: Any, server: Any) -> dict[str, Any]:
    """Let both sides shake hands; return what the client has learned of the server."""
    import ssl

    for _ in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        told = client.getpeercert() if client.version() else None
        if told:
            return dict(told)
    return {}
