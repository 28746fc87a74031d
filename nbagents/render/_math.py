"""Formulas in Markdown: kept as they were typed, so that a reader, or MathJax, finds them whole.

Knows only the parser's rule interface.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

__all__ = ["keep_formulas"]

# Every repetition is bounded or stops at its own mark, so no input takes quadratic time.
_FORMULA = re.compile(
    r"\$\$[^$]{1,4000}\$\$"
    r"|\$(?![\s$])[^$\n]{1,500}(?<![\s\\])\$(?![\d$])"
    r"|\\\((?:[^\\\n]|\\[^()\n]){1,500}\\\)"
    r"|\\\[(?:[^\\]|\\[^\[\]]){1,2000}\\\]"
)


def keep_formulas(parser: MarkdownIt) -> None:
    r"""Teach a parser to leave ``$…$``, ``$$…$$``, ``\(…\)`` and ``\[…\]`` alone; other dollars are money."""
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph"]})


def _inline(state: StateInline, silent: bool) -> bool:
    source, at = state.src, state.pos
    if source[at] not in "$\\":
        return False
    found = _FORMULA.match(source, at, state.posMax)
    if found:
        kind, text, step = "text", found[0], len(found[0])
    elif source[at] == "$" or source.startswith("\\$", at):
        kind, text, step = "dollar", "$", 1 if source[at] == "$" else 2
    else:
        return False
    if not silent:
        token = state.push(kind, "", 0)
        token.content = text
    state.pos += step
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Take lines from one that begins with ``$$`` to one that ends with it."""
    first = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith("$$", first) or state.is_code_block(start):
        return False
    for line in range(start, min(end, start + 60)):
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
        if not text or state.sCount[line] < state.blkIndent:
            return False
        if text.endswith("$$") and (line > start or len(text) > 4):
            break
    else:
        return False
    if silent:
        return True
    state.line = line + 1
    state.push("paragraph_open", "p", 1).map = [start, state.line]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, state.line, state.blkIndent, False).strip()
    inline.map, inline.children = [start, state.line], []
    state.push("paragraph_close", "p", -1)
    return True
