"""`check_schema`: do arguments fit a JSON schema that was given, by the programmer or by another program?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..exceptions import ArgumentNotFoundError, ArgumentTypeError

__all__ = ["check_schema"]

MOST_REFERENCES = 20_000
"""References that are followed in one check of a foreign schema: some that refer to each other never end."""
SHOWN = 300
"""Characters of a problem that are told."""


class _Endless(Exception):  # never leaves this module
    """There are too many references."""


def check_schema(
    name: str, given: Mapping[str, Any], schema: Mapping[str, Any], *, foreign: bool = False
) -> None:
    """See whether arguments fit a JSON schema. May take seconds, the first time.

    Nothing is fetched, whatever the schema refers to. Arguments that stand nowhere in the schema are
    refused, unless it says ``additionalProperties``. In a ``foreign`` one, of a program which is not
    trusted, that is left to this program, and so are patterns: a regular expression can hold this process
    for ever.

    Raises:
        ArgumentNotFoundError: one is missing.
        ArgumentTypeError: one does not fit, is not known, or the schema is none.
    """
    import jsonschema  # here, since it may take seconds: what checks formats comes along
    import referencing

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    changed = _foreign(kind) if foreign else {}
    whole = dict(schema)
    if not foreign and not whole.keys() & {"additionalProperties", "patternProperties"}:
        whole.setdefault("unevaluatedProperties", False)
        changed["unevaluatedProperties"] = jsonschema.Draft202012Validator.VALIDATORS["unevaluatedProperties"]
    kind = jsonschema.validators.extend(kind, changed)
    try:
        if foreign:
            whole = _of_one_kind(whole)
        # A registry of its own, since the default one fetches what a schema refers to from the network.
        found = kind(whole, registry=referencing.Registry()).iter_errors(dict(given))
        error = jsonschema.exceptions.best_match(found)
    except _Endless:
        raise ArgumentTypeError(f"the schema of {name} cannot be used: its references do not end") from None
    except Exception as odd:  # noqa: BLE001  # a schema of somebody else's may be anything
        raise ArgumentTypeError(f"the schema of {name} cannot be used: {type(odd).__name__}") from None
    if error is None:
        return
    if error.validator == "unevaluatedProperties" and not error.absolute_path:
        known = ", ".join(whole.get("properties") or {}) or "no arguments"
        raise ArgumentTypeError(f"{name} takes {known}; {error.message[:SHOWN]}")
    where = ".".join(map(str, error.absolute_path))
    told = f"{name}: {where + ': ' if where else ''}{error.message[:SHOWN]}"
    raise (ArgumentNotFoundError if error.validator == "required" else ArgumentTypeError)(told)


def _of_one_kind(schema: Any) -> Any:
    """Return a schema whose parts name no draft: those that do would have validators of their own."""
    if isinstance(schema, Mapping):
        return {
            key: _of_one_kind(part)
            for key, part in schema.items()
            if not (key == "$schema" and isinstance(part, str))
        }
    return [_of_one_kind(part) for part in schema] if isinstance(schema, (list, tuple)) else schema


def _foreign(kind: Any) -> dict[str, Any]:
    """Return what takes the place of keywords: no regular expression runs, and references end."""
    left = MOST_REFERENCES

    def counted(follow: Any) -> Any:
        def step(validator: Any, *given: Any) -> Iterator[Any]:
            nonlocal left
            left -= 1
            if left < 0:
                raise _Endless
            yield from follow(validator, *given) or ()

        return step

    def unless_patterns(check: Any) -> Any:
        def step(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            if "patternProperties" not in schema:
                yield from check(validator, value, instance, schema) or ()

        return step

    def nothing(*_: Any) -> Iterator[Any]:
        yield from ()

    changed: dict[str, Any] = dict.fromkeys(
        ("pattern", "patternProperties", "unevaluatedProperties", "format"), nothing
    )
    for word, change in (
        ("$ref", counted),
        ("$dynamicRef", counted),
        ("$recursiveRef", counted),
        ("additionalProperties", unless_patterns),
    ):
        if word in kind.VALIDATORS:
            changed[word] = change(kind.VALIDATORS[word])
    return changed
