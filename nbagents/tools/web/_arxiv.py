"""`arxiv_search`: papers of arXiv."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import Unusable, answer, ask, whole

__all__ = ["arxiv_search"]

ENDPOINT = "https://export.arxiv.org/api/query"
SECONDS = 20.0
_ATOM = "{http://www.w3.org/2005/Atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_OWN = "{http://arxiv.org/schemas/atom}"


@effects("network")
@reserved("endpoint", "allow")
def arxiv_search(
    search_query: str,
    id_list: Sequence[str] | None = None,
    start: int = 0,
    max_results: int | None = None,
    *,
    endpoint: str = ENDPOINT,
    allow: Iterable[str] = (),
) -> ServiceResponse:
    """Search papers of arXiv. Returns how many there are, and entries with title, authors, summary and links.

    Args:
        search_query: What to search for. Prefixes name a field (ti: title, au: author, abs: abstract, cat:
            category, all:), and AND, OR and ANDNOT combine, as in ti:"deep learning" AND au:LeCun.
        id_list: Ids of papers to search among, or to return.
        start: The index of the first result.
        max_results: How many results to return, at most 100.
        endpoint: Where the service is.
        allow: Hosts that may be in a private network.
    """

    def found() -> dict[str, Any]:
        asked = {
            "search_query": search_query or None,
            "id_list": ",".join(id_list) if id_list else None,
            "start": max(int(start), 0),
            "max_results": None if max_results is None else whole(max_results, 1, 100),
        }
        return _read(ask(endpoint, asked, allow=allow, seconds=SECONDS).body)

    return answer(found)


def _read(data: bytes) -> dict[str, Any]:
    """Take an Atom feed apart; one that defines entities, which could be a bomb or read files, is refused."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        feed = fromstring(data, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, LookupError):
        raise Unusable("arXiv did not answer with a feed that can be read") from None
    if feed.tag != f"{_ATOM}feed":
        raise Unusable("arXiv did not answer with a feed")
    return {
        "updated": _when(feed.findtext(f"{_ATOM}updated")),
        "opensearch_total_results": _number(feed.findtext(f"{_SEARCH}totalResults")),
        "opensearch_start_index": _number(feed.findtext(f"{_SEARCH}startIndex")),
        "opensearch_itemsperpage": _number(feed.findtext(f"{_SEARCH}itemsPerPage")),
        "entries": [_entry(one) for one in feed.findall(f"{_ATOM}entry")],
    }


def _entry(entry: Any) -> dict[str, Any]:
    links = {link.get("title"): link.get("href") for link in entry.findall(f"{_ATOM}link")}
    primary = entry.find(f"{_OWN}primary_category")
    names = (_text(author.findtext(f"{_ATOM}name")) for author in entry.findall(f"{_ATOM}author"))
    return {
        "entry_id": _text(entry.findtext(f"{_ATOM}id")),
        "title": _text(entry.findtext(f"{_ATOM}title")),
        "updated": _when(entry.findtext(f"{_ATOM}updated")),
        "published": _when(entry.findtext(f"{_ATOM}published")),
        "summary": _text(entry.findtext(f"{_ATOM}summary")),
        "authors": [name for name in names if name],
        "pdf_url": links.get("pdf"),
        "comment": _text(entry.findtext(f"{_OWN}comment")),
        "primary_category": None if primary is None else primary.get("term"),
        "tags": [one.get("term") for one in entry.findall(f"{_ATOM}category")] or None,
        "journal_ref": _text(entry.findtext(f"{_OWN}journal_ref")),
        "doi": _text(entry.findtext(f"{_OWN}doi")),
    }


def _text(said: str | None) -> str | None:
    return None if said is None else " ".join(said.split())


def _number(said: str | None) -> int:
    try:
        return int(said or 0)
    except ValueError:
        return 0


def _when(said: str | None) -> str | None:
    try:
        return datetime.fromisoformat((said or "").strip()).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return _text(said)
