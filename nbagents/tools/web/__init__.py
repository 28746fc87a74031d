"""Tools that use the web: searches, pages, downloads. All of them go through `nbagents.fetch`, but one.

That one is `ddgs_search`, whose library asks the search engines itself.
"""

from ._arxiv import arxiv_search
from ._dblp import dblp_search, dblp_search_authors, dblp_search_publications, dblp_search_venues
from ._ddgs import ddgs_search
from ._digest import digest_webpage
from ._download import download_from_url
from ._html import parse_html_to_text
from ._page import load_web
from ._search import bing_search, google_search
from ._wikipedia import wikipedia_search, wikipedia_search_categories

__all__ = [
    "arxiv_search",
    "bing_search",
    "dblp_search",
    "dblp_search_authors",
    "dblp_search_publications",
    "dblp_search_venues",
    "ddgs_search",
    "digest_webpage",
    "download_from_url",
    "google_search",
    "load_web",
    "parse_html_to_text",
    "wikipedia_search",
    "wikipedia_search_categories",
]
