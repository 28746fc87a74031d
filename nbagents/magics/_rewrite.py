"""Rewrite our cells into ordinary code of the cell, so that IPython runs them truly asynchronously.

A cell magic is called by IPython and cannot be awaited, and an expression that came as a string
could only be evaluated. So a cell of ours becomes Python before IPython looks at it::

    %%agents poet critic            await NB.cell('agents', 'poet critic', '…')
    %%pipeline a -> b --until "E"   await NB.cell('pipeline', '…', '…', until=lambda msg: (E))
    %%pipeline if "E" a else b      await NB.cell('pipeline', '…', '…', conditions=[lambda msg: (E)])
    %%msghub a b                    hub = NB.open_hub('a b', '…')
    a(); b()                        a(); b()
                                    await NB.close_hub();

where ``NB`` is the registered magics object. Conditions and the body of a hub are the author's
own code, compiled and run by IPython where they stand: the body keeps its line numbers. A hub
whose body raises is closed by the object itself, after the cell. A hub without Python in its body
(speakers in turn), or with ``--dry-run``, becomes ``await NB.cell('msghub', …)``.

`rewrite_cell` belongs at the end of ``input_transformer_manager.cleanup_transforms``: after those
that strip blank lines, indentation and prompts, before those that know cell magics. It knows no
IPython, never raises and never looks at what agents there are. What is wrong with a cell is said
when the cell runs.
"""

from __future__ import annotations

import re

from ..exceptions import UsageError
from ._branches import has_forms
from ._condition import find_condition, wrapped
from ._grammar import is_blank_code, parse_pipeline_cell
from ._nodes import conditions_of
from ._words import split

__all__ = ["REGISTERED", "rewrite_cell"]

REGISTERED = "NbAgentsMagics"
"""The name of the magics class, under which IPython registers its object."""

_OURS = re.compile(r"%%(?P<kind>agent|agents|pipeline|msghub)(?:[ \t]+(?P<line>.*))?$", re.DOTALL)
_OBJECT = f"get_ipython().magics_manager.registry[{REGISTERED!r}]"


def rewrite_cell(lines: list[str]) -> list[str]:
    r"""Return the lines of a cell as IPython shall run them; a cell that is not ours as it is.

    The magic must stand on the first line that is neither blank nor a comment. Requests for help
    (``%%agents?``) are not ours.

    >>> [statement] = rewrite_cell(["%%agents poet\n", "What is rain?\n"])
    >>> statement.replace(_OBJECT, "NB")
    "await NB.cell('agents', 'poet', 'What is rain?\\n')\n"
    """
    at = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    found = _OURS.match(lines[at].rstrip()) if at is not None else None
    if at is None or found is None:
        return lines
    kind, line, body = found["kind"], found["line"] or "", lines[at + 1 :]
    before = lines[:at]
    try:
        if kind == "msghub" and _runs_body(line, body):
            return [*before, *_hub(line, body)]
        return [*before, _statement(kind, line, "".join(body))]
    except UsageError as error:
        return [*before, f"{_OBJECT}.refuse({str(error)!r})\n"]


# In a terminal, IPython asks whether a cell that begins with %% goes on; it would not, rewritten.
rewrite_cell.has_side_effects = True  # type: ignore[attr-defined]


def _statement(kind: str, line: str, body: str) -> str:
    condition = find_condition(line, "%%pipeline") if kind == "pipeline" else None
    more = "" if condition is None else f", until={wrapped(condition, '%%pipeline')}"
    if kind == "pipeline" and has_forms(split(line, "%%pipeline")):
        sources = conditions_of(parse_pipeline_cell(line, body).expr)
        functions = [wrapped(source, "%%pipeline", "the condition") for source in sources]
        more += f", conditions=[{', '.join(functions)}]" if functions else ""
    return f"await {_OBJECT}.cell({kind!r}, {line!r}, {body!r}{more})\n"


def _runs_body(line: str, body: list[str]) -> bool:
    is_dry = any(word.is_option and word.text == "--dry-run" for word in split(line, "%%msghub"))
    return not is_dry and not is_blank_code("".join(body))


def _hub(line: str, body: list[str]) -> list[str]:
    code = "".join(body)
    opening = f"hub = {_OBJECT}.open_hub({line!r}, {code!r})\n"
    # The blank line ends a body whose last line ends with a backslash.
    ending = "\n" if code.endswith("\n") else "\n\n"
    return [opening, *body, ending, f"await {_OBJECT}.close_hub();\n"]
