"""The searches, over HTTP against a site that answers in the forms of the real ones."""

from __future__ import annotations

import builtins
import inspect
import json
import subprocess
import sys

import pytest
from starlette.responses import JSONResponse, Response

from nbagents import tools
from nbagents.exceptions import ArgumentTypeError, UsageError
from nbagents.tools import (
    Effect,
    ServiceToolkit,
    Toolkit,
    arxiv_search,
    bing_search,
    dblp_search,
    ddgs_search,
    effects_of,
    google_search,
    wikipedia_search,
    wikipedia_search_categories,
)

KEY = "k3y-0123456789+/abcdef"
WEB = """
    arxiv_search bing_search dblp_search dblp_search_authors dblp_search_publications dblp_search_venues
    ddgs_search digest_webpage download_from_url google_search load_web wikipedia_search
    wikipedia_search_categories
"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title type="html">ArXiv Query: search_query=ti:rain</title>
  <updated>2026-11-20T00:00:00-05:00</updated>
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">71</opensearch:totalResults>
  <opensearch:startIndex xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">2</opensearch:startIndex>
  <opensearch:itemsPerPage xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">1</opensearch:itemsPerPage>
  <entry>
    <id>http://arxiv.org/abs/1234.5678v2</id>
    <updated>2026-01-02T03:04:05Z</updated>
    <published>2025-12-31T23:59:59Z</published>
    <title>Rain on glass:
      a study</title>
    <summary>  We look at beads.  </summary>
    <author><name>Ada Lovelace</name></author>
    <author><name>Émilie du Châtelet</name></author>
    <arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">4 pages</arxiv:comment>
    <link href="http://arxiv.org/abs/1234.5678v2" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/1234.5678v2" rel="related" type="application/pdf"/>
    <arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="physics.flu-dyn"/>
    <category term="physics.flu-dyn"/><category term="cs.CV"/>
  </entry>
</feed>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<feed xmlns="http://www.w3.org/2005/Atom"><title>&b;</title></feed>"""
FILE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<feed xmlns="http://www.w3.org/2005/Atom"><title>&f;</title></feed>"""


@pytest.fixture
def here(site):
    """How a tool is led to the site: the arguments that no model gives."""
    return lambda path: {"endpoint": f"{site.url}/{path}", "allow": [site.host]}


def asked(site) -> dict[str, str]:
    return dict(site.asked[-1].query_params)


# ----------------------------------------------------------------------------------------- with a key


def test_bing_answers(site, here):
    pages = [
        {"id": f"p{n}", "name": f"Rain {n}", "url": f"https://r/{n}", "snippet": "It rains"} for n in range(3)
    ]
    site.served["bing"] = lambda request: JSONResponse(
        {"_type": "SearchResponse", "webPages": {"value": pages}}
    )
    found = bing_search("rain & glass", KEY, 2, mkt="en-GB", **here("bing"))
    assert found.succeeded
    assert found.content[0] == {"title": "Rain 0", "link": "https://r/0", "snippet": "It rains"}
    assert len(found.content) == 2
    assert asked(site) == {"q": "rain & glass", "count": "2", "mkt": "en-GB"}
    assert site.asked[0].headers["ocp-apim-subscription-key"] == KEY
    site.served["bing"] = lambda request: JSONResponse({"_type": "SearchResponse"})
    assert bing_search("nothing \ud800", KEY, **here("bing")).content == []


def test_google_answers(site, here):
    items = [{"kind": "customsearch#result", "title": "Rain", "link": "https://r", "snippet": "It rains"}]
    site.served["google"] = lambda request: JSONResponse({"items": items})
    found = google_search("rain", KEY, "engine", **here("google"))
    assert found.content == [{"title": "Rain", "link": "https://r", "snippet": "It rains"}]
    assert asked(site) == {"q": "rain", "key": KEY, "cx": "engine", "num": "10"}


@pytest.mark.parametrize("search", ["bing", "google"])
def test_a_refusal_is_told_and_the_key_is_not(site, here, search):
    more = ["engine"] if search == "google" else []
    function = {"bing": bing_search, "google": google_search}[search]
    told = {"error": {"code": 401, "message": f"the key {KEY} is not valid"}}
    site.served[search] = lambda request: JSONResponse(told, 401)
    found = function("rain", KEY, *more, **here(search))
    assert not found.succeeded
    assert found.content.startswith("127.0.0.1 answered with the status 401: the key ")
    assert KEY not in found.content
    site.served[search] = lambda request: JSONResponse(
        {"webPages": {"value": [{"name": KEY, "url": str(request.url), "snippet": ""}]}}
        | {"items": [{"title": KEY, "link": str(request.url), "snippet": ""}]}
    )
    found = function("rain", KEY, *more, **here(search))
    assert found.succeeded
    assert "0123456789" not in json.dumps(found.content), "an answer that says the key is masked, too"
    site.served[search] = lambda request: Response("<html>gateway", 200)
    assert (
        function("rain", KEY, *more, **here(search)).content == "127.0.0.1 did not answer with a JSON object"
    )


@pytest.mark.parametrize(
    "odd", [[], {"webPages": 3, "items": 3}, {"webPages": {"value": [1, None]}, "items": [1]}]
)
def test_what_is_in_no_known_form_harms_nobody(site, here, odd):
    site.served["odd"] = lambda request: JSONResponse(odd)
    for found in (bing_search("q", KEY, **here("odd")), google_search("q", KEY, "c", **here("odd"))):
        assert isinstance(found.content, (list, str))


def test_a_model_neither_sees_nor_gives_what_is_the_programmers(site, here):
    site.served["bing"] = lambda request: JSONResponse({"webPages": {"value": []}})
    toolkit = ServiceToolkit(approve="auto")
    toolkit.add(bing_search, api_key=KEY, **here("bing"))
    schema = toolkit.json_schemas["bing_search"]["function"]
    assert set(schema["parameters"]["properties"]) == {"question", "num_results"}
    call = [{"name": "bing_search", "arguments": {"question": "rain"}}]
    assert "[STATUS]: SUCCESS" in toolkit.parse_and_call_func(call).content
    for taken in ("endpoint", "allow", "api_key"):
        call[0]["arguments"] = {"question": "rain", taken: "http://127.0.0.1:1/"}
        with pytest.raises(ArgumentTypeError, match=f"{taken} is not known"):
            toolkit.parse_and_call_func(call, raise_exception=True)
    assert len(site.asked) == 1


def test_no_tool_offers_a_model_what_leads_inside():
    toolkit = Toolkit(approve="auto")
    for name in WEB.split():
        function = getattr(tools, name)
        assert Effect.NETWORK in effects_of(function), name
        preset = {"model": print} if "model" in inspect.signature(function).parameters else {}
        toolkit.register_tool_function(function, preset_kwargs=preset)
        block = {"type": "tool_use", "id": "1", "name": name, "input": {"allow": ["169.254.169.254"]}}
        assert "allow is not known" in toolkit.call_tool_function(block).result(20).text
    offered = {
        name
        for schema in toolkit.get_json_schemas()
        for name in schema["function"]["parameters"]["properties"]
    }
    assert {"allow", "endpoint", "folder", "max_size", "self_parse_func", "digest_prompt"}.isdisjoint(offered)
    assert Effect.SPEND in effects_of(bing_search) & effects_of(google_search)


def test_an_address_of_a_private_network_is_refused_also_as_an_endpoint(connects):
    found = bing_search("rain", KEY, endpoint="http://169.254.169.254/latest")
    assert not found.succeeded
    assert "private network" in found.content
    assert connects == []


# -------------------------------------------------------------------------------------- without a key


def test_arxiv_answers(site, here):
    site.served["arxiv"] = lambda request: Response(FEED.encode(), media_type="application/atom+xml")
    found = arxiv_search('ti:"rain on glass" AND au:Lovelace', ["1234.5678"], 2, 1, **here("arxiv"))
    assert found.succeeded
    assert {key: value for key, value in found.content.items() if key != "entries"} == {
        "updated": "2026-11-20 00:00:00",
        "opensearch_total_results": 71,
        "opensearch_start_index": 2,
        "opensearch_itemsperpage": 1,
    }
    assert found.content["entries"] == [
        {
            "entry_id": "http://arxiv.org/abs/1234.5678v2",
            "title": "Rain on glass: a study",
            "updated": "2026-01-02 03:04:05",
            "published": "2025-12-31 23:59:59",
            "summary": "We look at beads.",
            "authors": ["Ada Lovelace", "Émilie du Châtelet"],
            "pdf_url": "http://arxiv.org/pdf/1234.5678v2",
            "comment": "4 pages",
            "primary_category": "physics.flu-dyn",
            "tags": ["physics.flu-dyn", "cs.CV"],
            "journal_ref": None,
            "doi": None,
        }
    ]
    assert asked(site) == {
        "search_query": 'ti:"rain on glass" AND au:Lovelace',
        "id_list": "1234.5678",
        "start": "2",
        "max_results": "1",
    }


@pytest.mark.parametrize("feed", [BOMB, FILE, "<feed", "<html/>", ""])
def test_a_feed_that_is_a_bomb_or_none_is_not_read(site, here, feed):
    site.served["arxiv"] = lambda request: Response(feed.encode(), media_type="application/atom+xml")
    found = arxiv_search("rain", **here("arxiv"))
    assert not found.succeeded
    assert found.content.startswith("arXiv did not answer with a feed")


def test_wikipedia_answers(site, here):
    page = {"pageid": 19, "ns": 0, "title": "Rain", "extract": "Rain is water.\n\n== Form ==\nDrops."}
    site.served["wiki"] = lambda request: JSONResponse(
        {"batchcomplete": "", "query": {"pages": {"19": page}}}
    )
    assert wikipedia_search("Rain", **here("wiki")).content == "Rain is water.\n\n== Form ==\nDrops."
    assert asked(site)["titles"] == "Rain"
    assert asked(site)["format"] == "json"
    assert site.asked[0].headers["user-agent"].startswith("nbagents/"), "Wikipedia asks for one"
    none = {"query": {"pages": {"-1": {"ns": 0, "title": "Rain", "missing": ""}}}}
    site.served["wiki"] = lambda request: JSONResponse(none)
    assert wikipedia_search("Rain", **here("wiki")).content == "Wikipedia has no article named 'Rain'"
    site.served["wiki"] = lambda request: JSONResponse({"error": {"code": "maxlag", "info": "Waiting"}})
    assert wikipedia_search("Rain", **here("wiki")).content == "Wikipedia refuses: Waiting"


def test_a_category_is_read_page_by_page(site, here):
    def answer(request):
        at, size = int(request.query_params.get("cmcontinue", 0)), int(request.query_params["cmlimit"])
        members = [{"pageid": n, "ns": 0, "title": f"Rain {n}"} for n in range(at, min(at + size, 1200))]
        more = {"continue": {"cmcontinue": str(at + size), "continue": "-||"}} if at + size < 1200 else {}
        return JSONResponse({"query": {"categorymembers": members}, **more})

    site.served["wiki"] = answer
    found = wikipedia_search_categories("Rain", **here("wiki")).content
    assert len(found) == 1000
    assert found[-1] == {"pageid": 999, "ns": 0, "title": "Rain 999"}
    assert len(site.asked) == 2
    assert asked(site)["cmtitle"] == "Category:Rain"
    assert len(wikipedia_search_categories("Rain", 5000, **here("wiki")).content) == 1200
    assert len(wikipedia_search_categories("Rain", 3, **here("wiki")).content) == 3


def test_dblp_answers(site, here):
    authors = {"author": [{"@pid": "1", "text": "Ada Lovelace"}, {"@pid": "2", "text": "Bo"}]}
    one = {"title": "Rain.", "year": "2026", "authors": authors, "doi": "10.1/2"}
    other = {"title": "Glass.", "authors": {"author": {"text": "Ada Lovelace"}}}
    person = {
        "author": "Ada Lovelace",
        "url": "https://d/1",
        "notes": {"note": {"@type": "a", "text": "London"}},
    }
    venue = {"venue": "Conference on Rain", "acronym": "CR", "type": "Conference", "url": "https://d/2"}
    forms = {"publ": [one, other], "author": [person], "venue": [venue]}

    def answer(request):
        infos = forms[request.url.path.split("/")[2]]
        hits = {"@total": str(len(infos)), "hit": [{"@score": "1", "info": info} for info in infos]}
        return JSONResponse({"result": {"query": "q", "hits": hits}})

    site.served["dblp"] = answer
    found = dblp_search("publication", "rain", 5, 1, 2, **here("dblp"))
    assert [one["authors"] for one in found.content] == ["Ada Lovelace, Bo", "Ada Lovelace"]
    assert found.content[0]["doi"] == "10.1/2"
    assert asked(site) == {"q": "rain", "format": "json", "h": "5", "f": "1", "c": "2"}
    assert dblp_search("author", "ada", **here("dblp")).content == [
        {"author": "Ada Lovelace", "url": "https://d/1", "affiliations": "London"}
    ]
    assert dblp_search("venue", "rain", **here("dblp")).content == [venue]
    site.served["dblp"] = lambda request: JSONResponse({"result": {"hits": {"@total": "0"}}})
    assert dblp_search("venue", "rain", **here("dblp")).content == []


# ------------------------------------------------------------------------------------------------ ddgs


def test_without_its_library_ddgs_search_says_what_to_install(monkeypatch):
    really = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "ddgs":
            raise ImportError(name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        ddgs_search("rain")
    assert caught.value.hint == "pip install 'jupyter-nbagents[search]'"


def test_ddgs_search_finds(site, proxied):
    """The real library, with DuckDuckGo's page from the site."""
    result = """<div class="web-result"><div class="body"><h2><a href="https://r/{0}">Rain {0}</a></h2>
        <a href="https://r/{0}">It rains on <b>glass</b></a></div></div>"""
    page = "".join(map(result.format, range(3)))
    site.served["html"] = lambda request: Response(
        f"<html><body>{page}</body></html>", media_type="text/html"
    )
    found = ddgs_search("rain", 2, backend="duckduckgo")
    assert found.succeeded, found.content
    assert len(found.content) == 2
    assert set(found.content[0]) == {"title", "link", "snippet"}
    assert found.content[0]["link"].startswith("https://r/")
    assert site.asked[0].headers["host"] == "html.duckduckgo.com"


def test_ddgs_search_tells_when_nobody_answers(monkeypatch):
    """By the real library, which finds a proxy that nobody listens at."""
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:9")
    found = ddgs_search("rain", 3)
    assert not found.succeeded
    assert found.content.startswith("no search engine answered")


def test_importing_the_tools_loads_no_client_and_no_parser():
    code = "import sys, nbagents.tools; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"httpx2", "httpcore2", "bs4", "defusedxml", "ddgs", "ssl", "pydantic"}
    assert heavy.intersection(done.stdout.split()) <= {"ssl"}
