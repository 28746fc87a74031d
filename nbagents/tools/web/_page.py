"""`load_web`: one page of the web."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...fetch import SECONDS, Fetched
from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import Unusable, answer, get
from ._html import parse_html_to_text

__all__ = ["load_web"]

_TEXTS = ("json", "xml", "javascript", "yaml", "csv")
_SHOWN = 80


@effects("network")
@reserved("self_parse_func", "allow")
def load_web(
    url: str,
    keep_raw: bool = True,
    html_selected_tags: Sequence[str] | None = None,
    self_parse_func: Callable[[Fetched], Any] | None = None,
    timeout: float = 5,
    *,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Load a page of the web. Returns its source, its text, or its JSON data.

    ``content`` has ``raw`` (the source: a text, or bytes where it is none), ``html_to_text`` if elements are
    named, ``json`` if that is what it is, and ``self_define_func``, what ``self_parse_func`` returned of the
    `nbagents.fetch.Fetched`. Only addresses of the public internet are loaded, at most 10 MiB; ``allow``
    names hosts that may be private.

    Args:
        url: The address of the page, with http:// or https://.
        keep_raw: Return the source of the page.
        html_selected_tags: Return the text in these elements, such as h, p, li, a; h stands for all headings.
        self_parse_func: Is called with what came.
        timeout: Seconds to wait, at most 20.
        allow: Hosts that may be in a private network.
    """

    def loaded() -> dict[str, Any]:
        came = get(url, allow=allow, seconds=min(max(float(timeout), 0.1), SECONDS))
        if not came.ok:
            raise Unusable(f"the page cannot be loaded: its server answered with the status {came.status}")
        kind = came.content_type or "text/html"
        is_text = kind.startswith("text/") or any(one in kind for one in _TEXTS)
        content: dict[str, Any] = {}
        if keep_raw:
            content["raw"] = came.text if is_text else came.body
        if self_parse_func is not None:
            content["self_define_func"] = self_parse_func(came)
        if "html" in kind and html_selected_tags:
            content["html_to_text"] = parse_html_to_text(came.text, html_selected_tags)
        elif "json" in kind:
            try:
                content["json"] = came.json()
            except ValueError:
                raise Unusable("the page is said to be JSON, and is none") from None
        if not content:
            raise Unusable(f"nothing of the page was asked for that it has: it is {kind[:_SHOWN]}")
        return content

    return answer(loaded)
