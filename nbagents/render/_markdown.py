"""The text of a message to safe HTML: Markdown parsed without HTML, then cleaned against a strict list.

Knows nothing of messages, rows or runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ._math import keep_formulas
from ._plain import clip, tidy
from ._sanitize import clean_message

__all__ = ["markdown_lead", "markdown_to_html", "text_to_html"]

_LIMIT = 100_000
_MARKS = re.compile(r"[\[\]*_`|<$]")
_MOST_MARKS = 20_000
_PICTURE_LIMIT = 20_000
_ALIGNED = {"text-align:right": "nba-right", "text-align:center": "nba-center"}


def text_to_html(text: str) -> str:
    r"""Return plain text as HTML: nothing in it is markup, its lines stay.

    >>> text_to_html("1 < 2\nyes")
    '<p class="nba-text">1 &lt; 2<br>yes</p>'
    """
    return f'<p class="nba-text">{escape(tidy(text)).replace(chr(10), "<br>")}</p>'


def markdown_to_html(text: str, *, heading: int = 4, breaks: bool = True) -> str:
    """Return Markdown (CommonMark and tables) as safe HTML.

    HTML in the text is shown, never obeyed. A picture becomes its description and a link; nothing is
    fetched. Links lead to http, https or mailto, need a click, and show their host. ``heading`` is
    the rank of the text's first-rank headings. A newline breaks the line, as speakers mean it, unless
    ``breaks`` is false, as in written prose. Formulas stay as typed. At most 100 kB are shown, with a
    note of what is left out; a text that is nearly all marks is shown as plain text.

    >>> markdown_to_html("<b>No</b>, *do not* ![look](https://evil.example/a.png?what-i-know)")[:72]
    '<p>&lt;b&gt;No&lt;/b&gt;, <em>do not</em> [image: look <a href="https://'
    """
    # Only texts of a usual size are worth remembering.
    draw = _cached if len(text) <= 20_000 else _render
    return draw(text, heading, breaks)


def markdown_lead(text: str, lines: int, limit: int = 440) -> str:
    """Return the first lines of a Markdown text as plain text, its marks taken away."""
    parts: list[str] = []
    bullet = ""
    for token in _parser.parse(clip(tidy(text), 4 * limit), {}):
        if token.type == "list_item_open":
            bullet = f"{token.info}{token.markup} " if token.info else "• "
        elif token.type == "inline":
            parts.append(bullet + "".join(_spoken(child) for child in token.children or ()))
            bullet = ""
        elif token.type in ("fence", "code_block"):
            parts.append(token.content)
        if len(parts) >= lines:
            break
    shown = [line for line in "\n".join(parts).splitlines() if line.strip()]
    return clip("\n".join(shown[:lines]), limit)


def _render(text: str, heading: int, breaks: bool) -> str:
    plain = tidy(text[: 2 * _LIMIT])
    note = ""
    if len(plain) > _LIMIT:
        plain = plain[:_LIMIT]
        note = f'<p class="nba-cut">… shortened: {_LIMIT:,} of {len(text):,} characters are shown.</p>'
    if sum(1 for _ in _MARKS.finditer(plain)) > _MOST_MARKS:
        return text_to_html(plain) + note
    return clean_message(_parser.render(plain, {"heading": heading, "breaks": breaks}) + note)


_cached = lru_cache(maxsize=256)(_render)


def _spoken(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return "$" if token.type == "dollar" else token.content


def _finish(state: StateCore) -> None:
    """Set headings to their rank and cells to their side; make links and pictures harmless."""
    shift = state.env.get("heading", 4) - 1
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + shift, 6)}"
        elif token.type in ("th_open", "td_open"):
            side = _ALIGNED.get(str(token.attrs.pop("style", "")))
            if side:
                token.attrs["class"] = side
            if token.type == "th_open":
                token.attrs["scope"] = "col"
        elif token.type == "inline" and token.children:
            token.children = _harmless(token.children)


def _harmless(tokens: list[Token]) -> list[Token]:
    result: list[Token] = []
    opened: int | None = None
    for token in tokens:
        if token.type == "link_open":
            opened = len(result)
            result.append(token)
        elif token.type == "link_close" and opened is not None:
            result.append(token)
            result[opened:] = _link(result[opened:])
            opened = None
        elif token.type == "image":
            result += _picture(token, inside_link=opened is not None)
        else:
            result.append(token)
    return result


def _link(tokens: list[Token]) -> list[Token]:
    """Return a link that says where it leads; one that may not be followed loses its anchor."""
    address = str(tokens[0].attrs.get("href", ""))
    words = "".join(_spoken(token) for token in tokens).strip()
    target = _target(address)
    if target is None:
        return [*tokens[1:-1], *([] if words == address else [_text(f" ({clip(address, 300)})")])]
    return tokens if _names(words, address, target) else [*tokens, _host(target)]


def _target(address: str) -> str | None:
    """Return the host, or the mail address, that a link leads to; None if it may not be a link."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    if parts.scheme == "mailto":
        return parts.path or None
    # Before an @ stands whatever the writer likes, such as the name of a bank.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.hostname + port


def _names(words: str, address: str, target: str) -> bool:
    bare = address.partition(":")[2].lstrip("/")
    if words in (address, bare, target):
        return True
    start = words.lower().removeprefix("https://").removeprefix("http://")
    return (
        "//" in words
        and start.startswith(target)
        and start[len(target) : len(target) + 1] in ("", "/", "?", "#")
    )


def _picture(token: Token, *, inside_link: bool) -> list[Token]:
    address = str(token.attrs.get("src", ""))
    if address.startswith("data:"):
        return [token] if len(address) <= _PICTURE_LIMIT else [_text(f"[image: {token.content}]")]
    head = f"[image: {token.content}" if token.content else "[image"
    if inside_link or not address:
        return [_text(head + "]")]
    if _target(address) is None:
        return [_text(f"{head} ({clip(address, 300)})]")]
    opening = Token("link_open", "a", 1, attrs={"href": address})
    return [_text(head + " "), opening, _text(address), Token("link_close", "a", -1), _text("]")]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _host(target: str) -> Token:
    return Token("host", "", 0, content=f" ({target})")


def _show_host(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f'<span class="nba-host">{escape(tokens[index].content)}</span>'


def _show_dollar(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # Two prices in one line are no formula, whatever MathJax thinks.
    return '<span class="mathjax_ignore">$</span>'


def _show_softbreak(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "<br>\n" if env.get("breaks", True) else "\n"


def _open_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="nba-scroll" role="region" aria-label="table" tabindex="0"><table>'


def _close_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>"


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 40})
    parser.enable("table")
    keep_formulas(parser)
    parser.core.ruler.push("finish", _finish)
    for name, rule in (
        ("host", _show_host),
        ("dollar", _show_dollar),
        ("softbreak", _show_softbreak),
        ("table_open", _open_table),
        ("table_close", _close_table),
    ):
        parser.add_render_rule(name, rule)
    return parser


_parser = _make_parser()
