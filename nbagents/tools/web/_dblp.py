"""`dblp_search` and its kinds: publications, authors and venues of computer science."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import answer, ask_json, text_in, whole

__all__ = ["dblp_search", "dblp_search_authors", "dblp_search_publications", "dblp_search_venues"]

ENDPOINT = "https://dblp.org/search"
"""Below it are ``publ/api``, ``author/api`` and ``venue/api``."""


@effects("network")
@reserved("endpoint", "allow")
def dblp_search(
    search_type: Literal["publication", "author", "venue"],
    question: str,
    num_results: int = 30,
    first_hit: int = 0,
    num_completion: int = 10,
    *,
    endpoint: str = ENDPOINT,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Search DBLP, the bibliography of computer science.

    Args:
        search_type: What to search: publications, authors or venues.
        question: What to search for.
        num_results: How many results to return, at most 1000.
        first_hit: The index of the first result.
        num_completion: How many completions of the words to consider.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """
    kinds = {
        "publication": dblp_search_publications,
        "author": dblp_search_authors,
        "venue": dblp_search_venues,
    }
    return kinds[search_type](
        question, num_results, first_hit, num_completion, endpoint=endpoint, allow=allow
    )


@effects("network")
@reserved("endpoint", "allow")
def dblp_search_publications(
    question: str,
    num_results: int = 30,
    first_hit: int = 0,
    num_completion: int = 10,
    *,
    endpoint: str = ENDPOINT,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Search publications in DBLP. Returns a list of title, venue, pages, year, type, doi, url and authors.

    Args:
        question: What to search for.
        num_results: How many results to return, at most 1000.
        first_hit: The index of the first result.
        num_completion: How many completions of the words to consider.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """

    def entry(info: dict[str, Any]) -> dict[str, Any]:
        plain = {
            name: text_in(info, name) for name in ("title", "venue", "pages", "year", "type", "doi", "url")
        }
        return {**plain, "authors": ", ".join(_texts(info.get("authors"), "author"))}

    asked = _asked(question, num_results, first_hit, num_completion)
    return answer(lambda: _hits(f"{endpoint}/publ/api", asked, allow, entry))


@effects("network")
@reserved("endpoint", "allow")
def dblp_search_authors(
    question: str,
    num_results: int = 30,
    first_hit: int = 0,
    num_completion: int = 10,
    *,
    endpoint: str = ENDPOINT,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Search authors in DBLP. Returns a list of author, url and affiliations.

    Args:
        question: What to search for.
        num_results: How many results to return, at most 1000.
        first_hit: The index of the first result.
        num_completion: How many completions of the words to consider.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """

    def entry(info: dict[str, Any]) -> dict[str, Any]:
        notes = _texts(info.get("notes"), "note")
        return {
            "author": text_in(info, "author"),
            "url": text_in(info, "url"),
            "affiliations": "; ".join(notes),
        }

    asked = _asked(question, num_results, first_hit, num_completion)
    return answer(lambda: _hits(f"{endpoint}/author/api", asked, allow, entry))


@effects("network")
@reserved("endpoint", "allow")
def dblp_search_venues(
    question: str,
    num_results: int = 30,
    first_hit: int = 0,
    num_completion: int = 10,
    *,
    endpoint: str = ENDPOINT,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Search conferences and journals in DBLP. Returns a list of venue, acronym, type and url.

    Args:
        question: What to search for.
        num_results: How many results to return, at most 1000.
        first_hit: The index of the first result.
        num_completion: How many completions of the words to consider.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """

    def entry(info: dict[str, Any]) -> dict[str, Any]:
        return {name: text_in(info, name) for name in ("venue", "acronym", "type", "url")}

    asked = _asked(question, num_results, first_hit, num_completion)
    return answer(lambda: _hits(f"{endpoint}/venue/api", asked, allow, entry))


def _asked(question: str, results: int, first: int, completions: int) -> dict[str, Any]:
    return {
        "q": question,
        "format": "json",
        "h": whole(results, 1, 1000),
        "f": max(int(first), 0),
        "c": whole(completions, 0, 1000),
    }


def _hits(
    url: str, asked: dict[str, Any], allow: Iterable[str], entry: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    told: Any = ask_json(url, asked, allow=allow)
    for name in ("result", "hits", "hit"):
        told = told.get(name) if isinstance(told, dict) else None
    infos = [one.get("info") for one in (told if isinstance(told, list) else []) if isinstance(one, dict)]
    return [entry(info) for info in infos if isinstance(info, dict)]


def _texts(value: Any, name: str) -> list[str]:
    """Return the texts of a list that DBLP writes as one value where there is one."""
    listed = value.get(name) if isinstance(value, dict) else None
    entries = listed if isinstance(listed, list) else [listed]
    found = (one if isinstance(one, str) else text_in(one, "text") for one in entries if one)
    return [text for text in found if text]
