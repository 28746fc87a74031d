"""`wikipedia_search` and `wikipedia_search_categories`: what Wikipedia has on something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import Unusable, answer, ask_json, text_in, whole

__all__ = ["wikipedia_search", "wikipedia_search_categories"]

ENDPOINT = "https://en.wikipedia.org/w/api.php"
_EACH = 500
"""Members that Wikipedia tells at once."""


@effects("network")
@reserved("endpoint", "allow")
def wikipedia_search(query: str, *, endpoint: str = ENDPOINT, allow: Iterable[str] = ()) -> ServiceResponse:
    """Read the article of Wikipedia on something, as plain text. It may be long.

    Args:
        query: The title of the article.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """

    def found() -> str:
        asked = {"action": "query", "titles": query, "prop": "extracts", "explaintext": "1", "redirects": "1"}
        told = _told(endpoint, asked, allow)
        pages = told.get("pages")
        entries = list(pages.values()) if isinstance(pages, dict) else []
        text = "\n".join(filter(None, (text_in(page, "extract") for page in entries)))
        if not text:
            raise Unusable(f"Wikipedia has no article named {query!r}")
        return text

    return answer(found)


@effects("network")
@reserved("endpoint", "allow")
def wikipedia_search_categories(
    query: str, max_members: int = 1000, *, endpoint: str = ENDPOINT, allow: Iterable[str] = ()
) -> ServiceResponse:
    """List what is in a category of Wikipedia. Returns a list of pageid, ns and title.

    Args:
        query: The name of the category.
        max_members: How many members to return, at most 5000.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """
    most = whole(max_members, 1, 5000)

    def found() -> list[dict[str, Any]]:
        members: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"action": "query", "list": "categorymembers", "cmtitle": f"Category:{query}"}
        asked["cmlimit"] = min(most, _EACH)
        for _ in range(most // _EACH + 2):
            told, after = _page(endpoint, asked, allow)
            members += told
            if not after or len(members) >= most:
                break
            asked["cmcontinue"] = after
        if not members:
            raise Unusable(f"Wikipedia has nothing in a category named {query!r}")
        return members[:most]

    return answer(found)


def _page(endpoint: str, asked: dict[str, Any], allow: Iterable[str]) -> tuple[list[dict[str, Any]], str]:
    told = ask_json(endpoint, {**asked, "format": "json"}, allow=allow)
    _check(told)
    query = told.get("query")
    listed = query.get("categorymembers") if isinstance(query, dict) else None
    members = [
        {"pageid": one.get("pageid"), "ns": one.get("ns"), "title": text_in(one, "title")}
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]
    return members, text_in(told, "continue", "cmcontinue")


def _told(endpoint: str, asked: dict[str, Any], allow: Iterable[str]) -> dict[str, Any]:
    told = ask_json(endpoint, {**asked, "format": "json"}, allow=allow)
    _check(told)
    query = told.get("query")
    return query if isinstance(query, dict) else {}


def _check(told: dict[str, Any]) -> None:
    if told.get("error"):  # with the status 200
        raise Unusable(f"Wikipedia refuses: {text_in(told, 'error', 'info')[:300]}")
