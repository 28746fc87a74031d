"""`bing_search` and `google_search`: searches of the web, with a key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import answer, ask_json, text_in, whole

__all__ = ["bing_search", "google_search"]


@effects("network", "spend")
@reserved("endpoint", "allow")
def bing_search(
    question: str,
    api_key: str,
    num_results: int = 10,
    *,
    endpoint: str = "https://api.bing.microsoft.com/v7.0/search",
    allow: Iterable[str] = (),
    **kwargs: Any,
) -> ServiceResponse:
    """Search the web with Bing. Returns a list of title, link and snippet.

    Microsoft has closed its own service to the public; ``endpoint`` names another that answers in its form.
    ``kwargs`` are such as ``mkt="en-US"``. ``allow`` names hosts that may be private.

    Args:
        question: What to search for.
        api_key: The key of the service.
        num_results: How many results to return, at most 50.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
        **kwargs: More that goes into the query.
    """

    def found() -> list[dict[str, str]]:
        query = {**kwargs, "q": question, "count": whole(num_results, 1, 50)}
        told = ask_json(endpoint, query, headers={"Ocp-Apim-Subscription-Key": api_key}, allow=allow)
        pages = told.get("webPages")
        return _results(pages.get("value") if isinstance(pages, dict) else None, "name", "url", num_results)

    return answer(found, api_key)


@effects("network", "spend")
@reserved("endpoint", "allow")
def google_search(
    question: str,
    api_key: str,
    cse_id: str,
    num_results: int = 10,
    *,
    endpoint: str = "https://www.googleapis.com/customsearch/v1",
    allow: Iterable[str] = (),
    **kwargs: Any,
) -> ServiceResponse:
    """Search the web with Google. Returns a list of title, link and snippet.

    ``kwargs`` are such as ``lr="lang_en"``. ``allow`` names hosts that may be private.

    Args:
        question: What to search for.
        api_key: The key of the Custom Search API.
        cse_id: The id of the search engine to use.
        num_results: How many results to return, at most 10.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
        **kwargs: More that goes into the query.
    """

    def found() -> list[dict[str, str]]:
        query = {**kwargs, "q": question, "key": api_key, "cx": cse_id, "num": whole(num_results, 1, 10)}
        told = ask_json(endpoint, query, allow=allow)
        return _results(told.get("items"), "title", "link", num_results)

    return answer(found, api_key)


def _results(found: Any, title: str, link: str, most: int) -> list[dict[str, str]]:
    return [
        {"title": text_in(one, title), "link": text_in(one, link), "snippet": text_in(one, "snippet")}
        for one in (found if isinstance(found, list) else [])[: max(most, 1)]
    ]
