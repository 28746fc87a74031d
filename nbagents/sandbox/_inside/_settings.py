"""`Settings`: what the first process of a sandbox is told, as arguments of its command. Nothing is secret.

By hand, since a parser of JSON takes longer to load than all the rest.
"""

from __future__ import annotations

__all__ = ["NUMBERS", "Settings"]

NUMBERS = (
    "level", "line", "network", "processes_shown", "temporary", "landlock", "families",
    "memory", "processes", "file", "files", "others",
)  # fmt: skip
"""Those that are numbers, or lists of numbers."""


class Settings:
    """Lists of texts by their names, and of numbers.

    >>> told = Settings({"level": [1], "argv": ["echo", "a b"]}).as_arguments()
    >>> told
    ['level', '1', '1', 'argv', '2', 'echo', 'a b']
    >>> Settings.read(told).number("level"), Settings.read(told).texts("argv")
    (1, ['echo', 'a b'])
    """

    def __init__(self, values: dict[str, list[str] | list[int]]) -> None:
        self.values = values

    @classmethod
    def read(cls, arguments: list[str]) -> Settings:
        """Return what `as_arguments` told."""
        values: dict[str, list[str] | list[int]] = {}
        place = 0
        while place < len(arguments):
            name, count = arguments[place], int(arguments[place + 1])
            given = arguments[place + 2 : place + 2 + count]
            values[name] = [int(one) for one in given] if name in NUMBERS else given
            place += 2 + count
        return cls(values)

    def as_arguments(self) -> list[str]:
        """Return all of it as arguments of a command: each name, how many values, the values."""
        told: list[str] = []
        for name, values in self.values.items():
            told += [name, str(len(values)), *map(str, values)]
        return told

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        return [str(one) for one in self.values.get(name, [])]

    def numbers(self, name: str) -> list[int]:
        """Return a list of numbers."""
        return [int(one) for one in self.values.get(name, [])]

    def number(self, name: str) -> int:
        """Return the only number of this name."""
        return self.numbers(name)[0]

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """Return a list of texts two by two."""
        flat = self.texts(name)
        return list(zip(flat[::2], flat[1::2], strict=True))
