"""The allow-lists: what may stand in the HTML of a message, and in a fragment of ours that is read back.

Knows nothing of Markdown or of what a fragment means.
"""

from __future__ import annotations

import re

import nh3

__all__ = ["clean_html", "clean_message"]

# fmt: off
_TEXT_TAGS = frozenset({
    "a", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol",
    "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
})
_CARD_TAGS = _TEXT_TAGS | {
    "article", "b", "caption", "details", "figcaption", "figure", "header", "section", "summary",
}
# fmt: on
_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_LINK = re.compile(r"(?:https?://|mailto:)[^\s]+", re.IGNORECASE)
_OUR_CLASS = re.compile(r"nba(?:-[a-z0-9]+)*|mathjax_(?:ignore|process)")
# The place of a bar on its track is the only style that a fragment carries itself.
_OUR_STYLE = re.compile(r"(?:(?:left|width):\d{1,3}(?:\.\d{1,2})?%;?){1,2}")
_ROLES = frozenset({"group", "img", "log", "note", "region", "status"})
_CARD_ATTRIBUTES = {
    "*": {"aria-hidden", "aria-label", "aria-live", "class", "dir", "role", "style", "tabindex", "title"},
    "a": {"href"},
    "details": {"open"},
    "img": {"alt", "src"},
    "ol": {"start"},
    "td": {"colspan"},
    "th": {"colspan", "scope"},
}


def _address(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return value if _LINK.fullmatch(value) else None
    if attribute == "src":
        return value if _PICTURE.fullmatch(value) else None
    return value


def _ours(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        kept = [word for word in value.split() if _OUR_CLASS.fullmatch(word)]
        return " ".join(kept) or None
    if attribute == "style":
        return value if _OUR_STYLE.fullmatch(value) else None
    if attribute == "role":
        return value if value in _ROLES else None
    if attribute == "tabindex":
        return value if value == "0" else None
    return _address(tag, attribute, value)


_SCHEMES = {"http", "https", "mailto", "data"}
_REL = "noopener noreferrer nofollow"
_NEW_TAB = {"a": {"target": "_blank"}}

_message = nh3.Cleaner(
    tags=set(_TEXT_TAGS),
    attributes={
        "a": {"href"},
        "div": {"aria-label", "role", "tabindex"},
        "img": {"alt", "src"},
        "ol": {"start"},
        "th": {"scope"},
    },
    allowed_classes={
        "div": {"nba-scroll"},
        "p": {"nba-cut", "nba-text"},
        "span": {"nba-host", "mathjax_ignore"},
        "td": {"nba-center", "nba-right"},
        "th": {"nba-center", "nba-right"},
    },
    attribute_filter=_address,
    link_rel=_REL,
    set_tag_attribute_values=_NEW_TAB,
    url_schemes=_SCHEMES,
    url_relative="deny",
)
_card = nh3.Cleaner(
    tags=set(_CARD_TAGS),
    attributes=_CARD_ATTRIBUTES,
    attribute_filter=_ours,
    link_rel=_REL,
    set_tag_attribute_values=_NEW_TAB,
    url_schemes=_SCHEMES,
    url_relative="deny",
)


def clean_message(html: str) -> str:
    """Return the HTML of a message with everything removed that is not on the strict list."""
    return _message.clean(html)


def clean_html(fragment: str) -> str:
    """Return a fragment that was read from a notebook, safe to be put into a page.

    The fragments of this package come through as they are, all but their style sheet, which the
    page brings itself. From a stranger's fragment only text, plain structure and links that need a
    click remain: no script, no handler, no form, no frame, no picture from elsewhere, no style, no id.

    >>> clean_html('<p onclick="x()" class="nba-note big">hi<script>x()</script></p>')
    '<p class="nba-note">hi</p>'
    """
    # A broken surrogate cannot be handed to the parser.
    return _card.clean(fragment.encode("utf-8", "replace").decode("utf-8"))
