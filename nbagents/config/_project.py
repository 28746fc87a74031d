"""`ProjectConfig`: what ``nbagents.toml`` may say, and nothing more."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..exceptions import UsageError
from ._secret import redact

__all__ = ["PROJECT_FILE", "ProjectConfig"]

PROJECT_FILE = "nbagents.toml"
_MODEL_NAME = re.compile(r"(?!.*://)[A-Za-z0-9][\w./:@+\-]{0,199}\Z")
_BARRED = {
    "base_url": "OPENAI_BASE_URL",
    "api_base": "OPENAI_BASE_URL",
    "url": "OPENAI_BASE_URL",
} | dict.fromkeys(("api_key", "key", "token", "secret", "openai_api_key"), "OPENAI_API_KEY")


_LATER = ("timeout",)
"""Limits of a run: refused by name, since a limit that does nothing is worse than none."""


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """What ``nbagents.toml`` says, or ``%agents config``: which model, within which limits, at what price.

    A project file comes along with a notebook that somebody else may have written. So it can name
    a model, but not the address that a key would be sent to, and not a key.
    """

    model: str | None = None
    """A model, as after ``-m``."""
    budget: float | None = None
    """Dollars at which a run pauses."""
    max_calls: int | None = None
    """Calls of models after which a run pauses."""
    prices: Mapping[str, list[float]] = field(default_factory=dict)
    """What models cost, by name: dollars for a million tokens read, and written."""
    origin: str = PROJECT_FILE
    """Where this comes from, for the banner."""

    @classmethod
    def find(cls, folder: str | os.PathLike[str]) -> ProjectConfig:
        """Read the nearest ``nbagents.toml``, from ``folder`` upwards; empty if there is none.

        Raises:
            UsageError: it cannot be read, or says what it must not.
        """
        start = Path(folder).absolute()
        for place in (start, *start.parents):
            path = place / PROJECT_FILE
            if os.path.isfile(path):  # Path.is_file raises in a folder that is closed to us
                return cls.read(path)
        return cls()

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ProjectConfig:
        """Read one file. Raises `UsageError` as `find` does."""
        import tomllib  # here, since few have such a file

        try:
            text = Path(path).read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{path}: is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path}: is not TOML: {redact(str(error))}") from None
        _refuse_barred(table, path, text)
        known = {each.name for each in fields(cls)} - {"origin"}
        for key in table:
            if key in _LATER:
                raise UsageError(f"{_line(path, text, key)}: {key} is not available in this version")
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                guess = f"; did you mean {close[0]}?" if close else "."
                raise UsageError(
                    f"{_line(path, text, key)}: unknown setting {key}{guess} Known: "
                    + ", ".join(sorted(known))
                )
        model = table.get("model")
        if model is not None and (not isinstance(model, str) or not _MODEL_NAME.match(model)):
            raise UsageError(f'{_line(path, text, "model")}: model must be a name, such as model = "demo"')
        limits = {key: _limit(table, key, path, text) for key in ("budget", "max_calls")}
        prices = table.get("prices", {})
        if not isinstance(prices, dict):
            raise UsageError(f"{_line(path, text, 'prices')}: prices is a table: [prices]")
        for name, value in prices.items():
            if not _is_price(value):
                raise UsageError(
                    f"{_line(path, text, name)}: the price of {name} must be two numbers, dollars for a"
                    f" million tokens read and written, such as [0.15, 0.60], not {value!r}"
                )
        return cls(model=model, prices=prices, origin=Path(path).name, **limits)


def _limit(table: Mapping[str, Any], key: str, path: str | os.PathLike[str], text: str) -> Any:
    value = table.get(key)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    fine = is_whole or (key == "budget" and isinstance(value, float) and value < float("inf"))
    if value is None or (fine and value > 0):
        return value
    what = "dollars" if key == "budget" else "a whole number"
    raise UsageError(f"{_line(path, text, key)}: {key} must be {what} above 0, not {value!r}")


def _is_price(value: Any) -> bool:
    pair = value if isinstance(value, list) else [value, value]
    return len(pair) == 2 and all(
        isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < float("inf")
        for each in pair
    )


def _refuse_barred(table: Mapping[str, Any], path: str | os.PathLike[str], text: str) -> None:
    for key, value in table.items():
        variable = _BARRED.get(key.lower().replace("-", "_"))
        if variable is not None:
            raise UsageError(
                f"{_line(path, text, key)}: {key} must not stand in a project file: whoever wrote the file"
                f" would decide where your key goes. Use the environment instead: export {variable}=…",
                hint=f"export {variable}=…",
            )
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Mapping):
                _refuse_barred(inner, path, text)


def _line(path: str | os.PathLike[str], text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", line.split("#", 1)[0]):
            return f"{path}, line {number}"
    return str(path)
