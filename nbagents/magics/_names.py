"""Say which names an agent may bear, and complain about those that nobody bears.

An agent's name becomes a Python name in the notebook, hence the rule. Knows no agents: the
caller says which there are.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence

from ..exceptions import UsageError
from ._faults import closest, known_list

__all__ = ["EVERYONE", "check_name", "check_names", "is_name", "normal"]

EVERYONE = "all"
"""Stands for every agent wherever names are listed; hence no agent can be called so."""


def normal(name: str) -> str:
    """Return ``name`` as Python keeps identifiers: in normal form NFKC."""
    return unicodedata.normalize("NFKC", name)


def is_name(name: str) -> bool:
    """Whether ``name`` can be written as a variable.

    >>> is_name("poet"), is_name("诗人"), is_name("my-poet"), is_name("class")
    (True, True, False, False)
    """
    return normal(name).isidentifier() and not keyword.iskeyword(normal(name))


def check_name(name: str, *, magic: str = "%%agent") -> str:
    """Return ``name`` in normal form if an agent may be called so.

    Raises:
        UsageError: It is no Python name, a keyword, or ``all``; the message suggests one that would do.
    """
    if name == EVERYONE:
        why = f"{EVERYONE!r} means every agent in %%agents"
    elif keyword.iskeyword(normal(name)):
        why = f"{name!r} is a word of Python itself"
    elif not is_name(name):
        why = f"{name!r} cannot be written as a Python name"
    else:
        return normal(name)
    raise UsageError(f"{magic}: {why}. Call the agent {_suggest(name)!r}")


def check_names(names: Iterable[str], known: Sequence[str], *, magic: str = "") -> None:
    """Make sure that each of ``names`` is among ``known`` (or is ``all``).

    Raises:
        UsageError: One is not; the message guesses which was meant and lists the known ones.
    """
    prefix = f"{magic}: " if magic else ""
    for name in names:
        if name in known or name == EVERYONE:
            continue
        if not known:
            raise UsageError(f"{prefix}no agent called {name!r}. There is none yet: %%agent {name}")
        guess = closest(name, known)
        meant = f" Did you mean {guess!r}?" if guess else ""
        raise UsageError(f"{prefix}no agent called {name!r}.{meant}   Known: {known_list(known)}")


def _suggest(name: str) -> str:
    joined = re.sub(r"\W+", "_", normal(name)).strip("_")
    bare = joined.lstrip("0123456789_")
    if bare != joined:
        # 2poet becomes poet2: two agents told apart by a number stay told apart.
        bare = (bare or "agent") + re.sub(r"\D", "", joined[: len(joined) - len(bare)])
    if bare == EVERYONE:
        return "everyone"
    if bare and not is_name(bare):
        bare = f"{bare}_"
    return bare if is_name(bare) else "agent"
