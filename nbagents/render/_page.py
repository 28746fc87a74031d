"""A whole page that stands alone: prose, code and cards of an executed notebook, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Literal

from ._markdown import markdown_to_html
from ._plain import one_line, tidy
from ._sanitize import clean_html
from ._style import sheet

__all__ = ["Cell", "page_html"]

Cell = tuple[Literal["markdown", "code", "html", "text"], str]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_FIRST_HEADING = re.compile(r"\A\s*# \S")
_LAYOUT = """
<style>
:root{color-scheme:light dark;--ground:#fff;--ink:#1f1f1f;--soft:#f6f6f7;--rule:#dfe0e2;--dim:#595959;
 --key:#6a3fb5}
@media (prefers-color-scheme:dark){:root{--ground:#161617;--ink:#e3e3e3;--soft:#212122;--rule:#3a3a3c;
 --dim:#b9b9b9;--key:#b99af0}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.6 system-ui,"Segoe UI","Noto Sans",
 sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:860px;margin:0 auto;padding:40px 20px 80px}
main>.prose{max-width:70ch}
h1{font-size:1.75em;line-height:1.25;margin:0 0 .6em;letter-spacing:-.01em}
.prose :is(h2,h3,h4,h5,h6){line-height:1.3;margin:1.8em 0 .5em}
.prose h2{font-size:1.3em}.prose h3{font-size:1.1em}.prose :is(h4,h5,h6){font-size:1em}
.prose p,.prose ul,.prose ol{margin:0 0 .9em}
.prose a{color:inherit}
.prose code{padding:1px 4px;border-radius:3px;background:var(--soft);
 font:.88em ui-monospace,Menlo,Consolas,monospace}
.prose pre code{padding:0;background:none}
.prose blockquote{margin:0 0 .9em;padding-left:14px;border-left:3px solid var(--rule);color:var(--dim)}
.prose table{border-collapse:collapse}
.prose :is(th,td){padding:4px 16px 4px 0;border-bottom:1px solid var(--rule);text-align:left;
 vertical-align:top}
.nba-scroll{overflow-x:auto}
.nba-host{color:var(--dim)}
pre{margin:0;white-space:pre-wrap;font:13px/1.55 ui-monospace,Menlo,Consolas,monospace}
.code{margin:20px 0 8px;padding:10px 14px;border:1px solid var(--rule);border-radius:4px;
 background:var(--soft)}
.code b{color:var(--key);font-weight:600}
.out{margin:0 0 8px;padding:4px 14px;color:var(--ink)}
.shown{margin:0 0 20px}
@media (max-width:500px){main{padding:24px 12px 60px}body{font-size:15px}}
</style>
"""


def page_html(title: str, cells: Iterable[Cell]) -> str:
    """Return a self-contained HTML page of ``cells``, which are pairs of kind and content.

    ``markdown`` is prose, ``code`` a cell's source, ``text`` output as it is, and ``html`` a
    fragment of this package, which is cleaned once more, since notebooks pass through many hands. The
    page runs no script, fetches nothing, follows the reader's light or dark, and fits a telephone.
    """
    shown = [(kind, tidy(content)) for kind, content in cells]
    name = escape(one_line(title, 200))
    # The notebook's own first heading is the page's; there must be one, and one only.
    has_heading = bool(shown) and shown[0][0] == "markdown" and bool(_FIRST_HEADING.match(shown[0][1]))
    heading = "" if has_heading else f"<h1>{name}</h1>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{name}</title>{_LAYOUT.rstrip()}\n{sheet()}\n</head>\n<body>\n<main>\n{heading}"
        + "\n".join(_cell(kind, content) for kind, content in shown)
        + "\n</main>\n</body>\n</html>\n"
    )


def _cell(kind: str, content: str) -> str:
    if kind == "markdown":
        return f'<div class="prose">{markdown_to_html(content, heading=1, breaks=False)}</div>'
    if kind == "code":
        return f'<pre class="code"><code>{_source(content)}</code></pre>'
    if kind == "html":
        return f'<div class="shown">{clean_html(content)}</div>'
    if kind == "text":
        return f'<pre class="out">{escape(content)}</pre>'
    raise ValueError(f"a page has no cells of kind {kind!r}; its kinds are markdown, code, html and text")


def _source(code: str) -> str:
    """Escape a cell's source; the magics at the start of lines stand out."""
    return re.sub(r"(?m)^(%%?[A-Za-z_]\w*)", r"<b>\1</b>", escape(code.strip("\n")))
