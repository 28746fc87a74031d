"""`Unit`: a class written in a notebook, with all that it needs, as JSON. Compiles and imports nothing."""

from __future__ import annotations
import __future__

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..exceptions import ProtocolError

__all__ = ["LAZY_ANNOTATIONS", "Part", "Unit"]

LAZY_ANNOTATIONS = __future__.annotations.compiler_flag
LONGEST = 4 * 1024 * 1024
"""Characters of a unit; longer is no class that somebody wrote."""
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """One definition: its lines as the notebook has them, and where that is."""

    name: str
    text: str
    file: str
    line: int
    flags: int = 0

    def check(self) -> None:
        """Raise ProtocolError if a field cannot be."""
        texts = (self.name, self.text, self.file)
        numbers = (self.line, self.flags)
        if not all(isinstance(text, str) for text in texts) or not all(type(n) is int for n in numbers):
            raise ProtocolError("a part of agent_source_code has a field of the wrong type")
        if not self.name.isidentifier() or not 0 < self.line <= LONGEST or self.flags & ~LAZY_ANNOTATIONS:
            raise ProtocolError("a part of agent_source_code has a malformed name, line or flags")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a server needs to define a class as a notebook did.

    ``target`` is the class, by its name among the parts. ``imports`` are triples: the name to bind ("" for
    none), the module, and what of it ("" for itself). ``constants`` are literals; ``aliases`` further
    names of the parts. ``order`` is the one in which the parts can be defined. ``home`` names the notebook.
    """

    target: str
    parts: tuple[Part, ...]
    imports: tuple[tuple[str, str, str], ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    home: str = ""

    @property
    def key(self) -> str:
        """The same for the same code of the same notebook, wherever in its cells that stands."""
        parts = [(part.name, part.text, part.flags) for part in self.parts]
        code = [self.target, parts, self.imports, self.constants, self.aliases, self.home]
        return hashlib.sha256(json.dumps(code, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:24]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, given: Any) -> Unit:
        """Return the unit that `to_dict` told.

        Raises:
            ProtocolError: it is none.
        """
        try:
            fields = dict(given)
            fields["parts"] = tuple(Part(**part) for part in fields["parts"])
            fields["imports"] = tuple((str(a), str(b), str(c)) for a, b, c in fields.get("imports", ()))
            unit = cls(**fields)
        except (TypeError, ValueError, KeyError):
            raise ProtocolError("agent_source_code is not a class as nbagents sends it") from None
        unit.check()
        return unit

    def check(self) -> None:
        """Raise ProtocolError if a field cannot be."""
        tables = (self.constants, self.aliases)
        if not all(
            isinstance(table, dict) and all(isinstance(text, str) for text in (*table, *table.values()))
            for table in tables
        ):
            raise ProtocolError("agent_source_code has a table of the wrong type")
        names = [self.target, *self.constants, *self.aliases, *self.aliases.values()]
        for bound, module, attribute in self.imports:
            names += [name for name in (bound, attribute) if name] + [module]
        if not isinstance(self.home, str) or not all(isinstance(n, str) and _DOTTED.match(n) for n in names):
            raise ProtocolError("agent_source_code has a malformed name")
        for part in self.parts:
            part.check()
        if sum(len(part.text) for part in self.parts) > LONGEST:
            raise ProtocolError(f"agent_source_code has more than {LONGEST} characters")
