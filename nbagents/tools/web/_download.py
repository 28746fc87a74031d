"""`download_from_url`: a file of the web, kept in one folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ...exceptions import FetchError, FetchRefusedError
from ...fetch import MOST, Fetched
from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import Unusable, answer, get

__all__ = ["download_from_url"]

_PLAIN = re.compile(r"[^\W_][\w .()+-]{0,119}\Z")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)


@effects("network", "write")
@reserved("timeout", "retries", "folder", "max_size", "allow")
def download_from_url(
    url: str,
    filepath: str | None = None,
    timeout: float = 120,
    retries: int = 3,
    *,
    folder: str | os.PathLike[str] = ".",
    max_size: int = MOST,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Download a file of the web into the working folder. Returns its url and its file_path.

    It becomes a new file right in ``folder``: what is there already stays as it is. Where no name is given,
    that which the server tells, or else that in the address, is used if it is a plain one. ``timeout``
    (seconds) and ``max_size`` (bytes) are for each of the tries. ``allow`` names hosts that may be private.

    Args:
        url: The address of the file, with http:// or https://.
        filepath: The name that the file gets, without a folder.
        timeout: Seconds to wait.
        retries: How often to try again.
        folder: Where the file is kept.
        max_size: Bytes that it may have.
        allow: Hosts that may be in a private network.
    """

    def kept() -> dict[str, str]:
        if filepath is not None and not _is_plain(filepath):
            raise Unusable(
                f"{filepath[:80]!r} is no plain name of a file: letters, digits and .-_()+, no folder"
            )
        place = Path(folder)
        if filepath is not None and os.path.lexists(place / filepath):
            raise Unusable(f"there is a file named {filepath} already")
        came = _fetched(url, max(int(retries), 0), seconds=timeout, most=max_size, allow=allow)
        if not came.ok:
            raise Unusable(f"it cannot be downloaded: its server answered with the status {came.status}")
        name = filepath or _name_of(came)
        _write(place, name, came.body)
        return {"url": url, "file_path": str(place / name)}

    return answer(kept)


def _fetched(url: str, retries: int, **options: Any) -> Fetched:
    for left in range(retries, -1, -1):
        try:
            return get(url, **options)
        except FetchRefusedError:
            raise
        except FetchError:
            if not left:
                raise
    raise AssertionError


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.match(name)) and not _DEVICE.match(name) and name[-1] not in " ."


def _name_of(came: Fetched) -> str:
    """Return the name that a file has elsewhere. What others say is a plain name or none, never a path."""
    told = Message()
    told["content-disposition"] = came.headers.get("content-disposition", "").replace("\n", "")
    names = [told.get_filename() or "", unquote(urlsplit(came.url).path.rpartition("/")[2])]
    for name in names:
        if _is_plain(name):
            return name
    return "download"


def _write(folder: Path, name: str, data: bytes) -> None:
    """Make a new file in a folder, by the folder itself: no link and no other name leads out of it."""
    new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    held: int | None = None
    try:
        if os.open in os.supports_dir_fd:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            file = os.open(name, new, 0o600, dir_fd=held)
        else:
            file = os.open(folder / name, new, 0o600)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(data)
        except OSError:
            os.unlink(name, dir_fd=held) if held is not None else (folder / name).unlink()
            raise
    except FileExistsError:
        raise Unusable(f"there is a file named {name} already") from None
    except OSError as error:
        raise Unusable(f"the file {name} cannot be written: {error.strerror}") from None
    finally:
        if held is not None:
            os.close(held)
