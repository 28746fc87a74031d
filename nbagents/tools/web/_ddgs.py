"""`ddgs_search`: a search of the web without a key, by the library ddgs."""

from __future__ import annotations

from typing import Literal

from ...exceptions import UsageError
from .._effects import effects
from .._reserved import reserved
from .._service import ServiceResponse
from ._ask import Unusable, answer, whole

__all__ = ["ddgs_search"]

SECONDS = 10


@effects("network")
@reserved("backend")
def ddgs_search(
    question: str,
    num_results: int = 10,
    region: str = "us-en",
    timelimit: Literal["d", "w", "m", "y"] | None = None,
    *,
    backend: str = "auto",
) -> ServiceResponse:
    """Search the web, without a key, by several search engines. Returns a list of title, link and snippet.

    By the library ddgs, which asks DuckDuckGo and others as a browser would: what it finds changes with
    their pages, and they refuse who asks too often. ``backend`` names one of them, "duckduckgo" say.

    Args:
        question: What to search for.
        num_results: How many results to return, at most 50.
        region: Country and language, such as "us-en" or "de-de".
        timelimit: Only what is new: of the last day, week, month or year.
        backend: Which search engines to ask.
    """
    try:
        from ddgs import DDGS
        from ddgs.exceptions import DDGSException
    except ImportError:
        raise UsageError(
            "ddgs_search needs the library ddgs", hint="pip install 'jupyter-nbagents[search]'"
        ) from None
    most = whole(num_results, 1, 50)

    def found() -> list[dict[str, str]]:
        try:
            results = DDGS(timeout=SECONDS).text(
                question, region=region, timelimit=timelimit, max_results=most, backend=backend
            )
        except DDGSException as error:
            if "No results" in str(error):
                return []
            raise Unusable(
                "no search engine answered: they may refuse for a while, or be out of reach"
            ) from None
        return [
            {
                "title": str(one.get("title", "")),
                "link": str(one.get("href", "")),
                "snippet": str(one.get("body", "")),
            }
            for one in results[:most]
        ]

    return answer(found)
