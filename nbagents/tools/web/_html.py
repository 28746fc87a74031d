"""`parse_html_to_text`: what a page says, without what it looks like. Fetches nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

__all__ = ["parse_html_to_text"]

LONGEST = 500_000
"""Characters of a page that are read, comments not counted."""
_TAG = re.compile(r"""</?[a-zA-Z](?:[^<>"']|"[^"]{0,1000}"|'[^']{0,1000}')*+>""")
_BARE = re.compile(r"&(?!#?\w{1,32};)")
_SILENT = frozenset({"script", "style", "template", "noscript", "head"})
_APART = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3"}
    | {
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    }
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def parse_html_to_text(html_text: str, html_selected_tags: Sequence[str] | None = None) -> str:
    """Return the text of a page: what is in the elements named, or all. Links are written [text](address).

    >>> print(parse_html_to_text("<h1>Rain</h1><script>x()</script><p>Grey <b>beads</b></p>", ["h", "p"]))
    Rain
    Grey beads

    Args:
        html_text: The page.
        html_selected_tags: Names of elements, such as p, li or a; h stands for all headings.
    """
    from bs4 import BeautifulSoup

    page = BeautifulSoup(_tidied(html_text)[:LONGEST], "html.parser")
    wanted = set(html_selected_tags or ())
    if "h" in wanted:
        wanted |= _HEADINGS
    chosen = _outermost(page, wanted) if wanted else [page]
    texts = (_text(element) for element in chosen)
    return "\n".join(text for text in texts if text)


def _tidied(text: str) -> str:
    """Return a page with whole tags alone, since a parser may need hours for a page of half ones.

    In one go: nothing is looked at more than a few times.
    """
    pieces, at = [], 0
    while at < len(text) and (mark := text.find("<", at)) >= 0:
        pieces.append(_BARE.sub("&amp;", text[at:mark]))
        whole = _TAG.match(text, mark)
        if whole:
            pieces.append(whole[0])
            at = whole.end()
        elif text.startswith(("<!", "<?"), mark):
            ends = "-->" if text.startswith("<!--", mark) else ">"
            found = text.find(ends, mark + 2)
            at = found + len(ends) if found >= 0 else len(text)  # as browsers do, where it has no end
        else:
            pieces.append("&lt;")
            at = mark + 1
    pieces.append(_BARE.sub("&amp;", text[at:]))
    return "".join(pieces)


def _outermost(page: Any, wanted: set[str]) -> Iterator[Any]:
    """Yield the elements of these names that are in no other of them, in their order."""
    after: Any = None  # what stands after the last one that was chosen
    for element in page.descendants:
        if element is after:
            after = None
        if after is None and element.name in wanted:
            yield element
            after = _after(element)
            if after is None:
                return


def _after(element: Any) -> Any:
    """Return what stands after the end of an element; None at the end of the page."""
    while element is not None and element.next_sibling is None:
        element = element.parent
    return None if element is None else element.next_sibling


def _text(top: Any) -> str:
    from bs4.element import NavigableString, PreformattedString

    pieces: list[str] = []
    silent_until: Any = None
    link, link_until = "", None
    for element in itertools.chain((top,), top.descendants):
        if element is silent_until:
            silent_until = None
        if link and element is link_until:
            pieces.append(f"]({link})")
            link = ""
        if silent_until is not None:
            continue
        if getattr(element.previous_sibling, "name", None) in _APART:
            pieces.append("\n")
        if isinstance(element, NavigableString):
            if not isinstance(element, PreformattedString):  # no comment, no declaration
                pieces.append(str(element).replace("\n", " "))
        elif element.name in _SILENT:
            silent_until = _after(element)
            if silent_until is None:
                break
        elif element.name in _APART:
            pieces.append("\n")
        elif element.name == "a" and not link and _is_link(element.get("href")):
            link, link_until = element["href"], _after(element)
            pieces.append("[")
    if link:
        pieces.append(f"]({link})")
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _is_link(address: Any) -> bool:
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
