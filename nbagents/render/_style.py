"""The look of every fragment: one scoped style sheet, the agents' colours, the classes that carry them.

A fragment reads well without it: shapes, words and order say everything that colour says. It asks
for no font, picture or sheet from anywhere.
"""

from __future__ import annotations

import re

__all__ = ["DARK", "LIGHT", "color_class", "sheet", "style_rules"]

LIGHT = ("#2c6eba", "#9d5d25", "#1d7c72", "#c22e8c", "#1e802e", "#884dd5", "#ca352f", "#786f1c")
"""Blue, orange, teal, magenta, green, violet, red, olive: at least 4.5:1 on white and on #f5f5f5."""
DARK = ("#6ea2dd", "#d68f51", "#2ab2a4", "#e17fbd", "#2bb642", "#b48fe5", "#e28683", "#aea029")
"""The same on a dark ground: at least 6:1 on #212121."""


def color_class(color: int | None) -> str:
    """Return the classes of an agent's colour; from the ninth agent on colours come again, ringed.

    >>> color_class(1), color_class(9), color_class(None)
    ('nba-c1', 'nba-c1 nba-ring', 'nba-cn')
    """
    if color is None:
        return "nba-cn"
    turn, index = divmod(max(color, 0), len(LIGHT))
    return f"nba-c{index}" + ("" if turn == 0 else " nba-ring" if turn % 2 else " nba-dash")


def sheet(html: str | None = None) -> str:
    """Return the style sheet that ``html`` needs, or the whole one. All selectors begin with ``.nba``."""
    parts = [rules for marker, rules in _SHEETS.items() if html is None or marker in html]
    return f"<style>{_THEME}{''.join(parts)}</style>"


def style_rules() -> str:
    """Return the rules of the whole sheet, for whoever brings fragments into a page without theirs."""
    return _THEME + "".join(_SHEETS.values())


def _agents(colors: tuple[str, ...]) -> str:
    return "".join(f"--nba-{index}:{color};" for index, color in enumerate(colors))


def _small(css: str) -> str:
    return re.sub(r"\s*\n\s*", "", css)


_TOKENS = _small("""
--nba-bg:var(--jp-layout-color1,var(--vscode-editor-background,var(--nba-bg0)));
--nba-alt:var(--jp-layout-color2,var(--vscode-textCodeBlock-background,var(--nba-alt0)));
--nba-fg:var(--jp-ui-font-color1,var(--vscode-editor-foreground,var(--nba-fg0)));
--nba-line:var(--jp-border-color2,var(--vscode-panel-border,var(--nba-line0)));
--nba-mono:var(--jp-code-font-family,var(--vscode-editor-font-family,
 ui-monospace,Menlo,Consolas,monospace));
--nba-sans:var(--jp-content-font-family,
 var(--vscode-font-family,system-ui,'Segoe UI','Noto Sans',sans-serif));
""")
_LIGHT_VALUES = _agents(LIGHT) + _small("""
--nba-bg0:#fff;--nba-alt0:#f4f4f5;--nba-fg0:#1f1f1f;--nba-line0:#dfe0e2;--nba-dim:#595959;--nba-n:#5f6368;
--nba-ink:#fff;--nba-ok:#1b7a2d;--nba-amber:#8a5200;--nba-bad:#b3261e;--nba-badbg:#fdf3f2;--nba-badfg:#1f1f1f;
--nba-badline:#efc5c1;--nba-link:#1a5fb4;color-scheme:light;
""")
_DARK_VALUES = _agents(DARK) + _small("""
--nba-bg0:#1e1e1e;--nba-alt0:#2a2a2b;--nba-fg0:#e3e3e3;--nba-line0:#3d3d3f;--nba-dim:#bdbdbd;--nba-n:#b4b8bd;
--nba-ink:#141414;--nba-ok:#57c46a;--nba-amber:#e3ab51;--nba-bad:#f2a19b;--nba-badbg:#3a2120;
 --nba-badfg:#f1e7e6;
--nba-badline:#6d3a37;--nba-link:#8ab9f1;color-scheme:dark;
""")
_STATED_DARK = ",".join(
    f"{front_end} .nba"
    for front_end in (
        '[data-jp-theme-light="false"]',
        ".vscode-dark",
        ".vscode-high-contrast:not(.vscode-high-contrast-light)",
        "html[theme=dark]",
        "html[data-theme=dark]",
    )
)
# The system's wish counts only where no front-end has stated a theme.
_UNSTATED = (
    ":root:not([theme],[data-theme],:has([data-jp-theme-light],.vscode-light,.vscode-dark,.vscode-high-contrast))"
    " .nba"
)
_THEME = (
    f".nba{{{_TOKENS}{_LIGHT_VALUES}}}"
    f"{_STATED_DARK}{{{_DARK_VALUES}}}"
    f"@media (prefers-color-scheme:dark){{{_UNSTATED}{{{_DARK_VALUES}}}}}"
    + "".join(f".nba .nba-c{i},.nba.nba-c{i}{{--nba-a:var(--nba-{i})}}" for i in range(len(LIGHT)))
    + _small("""
.nba{box-sizing:border-box;container-type:inline-size;margin:2px 0;max-width:100%;
 border:1px solid var(--nba-line);border-radius:4px;background:var(--nba-bg);color:var(--nba-fg);
 font:400 13px/1.5 var(--nba-sans);text-align:left;overflow-wrap:anywhere}
.nba *,.nba :before{box-sizing:border-box}
.nba p{margin:0 0 .6em;line-height:1.5}
.nba .nba-cn,.nba.nba-cn{--nba-a:var(--nba-n)}
.nba .nba-vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.nba.nba a{color:var(--nba-link);text-decoration:underline}
.nba.nba :is(code,pre){font-family:var(--nba-mono);font-size:.92em;color:var(--nba-fg);
 background:var(--nba-alt)}
.nba.nba :not(pre)>code{padding:1px 4px;border-radius:3px;background:var(--nba-alt)}
.nba.nba pre{margin:0 0 .6em;padding:8px 10px;border:0;border-radius:3px;line-height:1.45;
 white-space:pre-wrap}
.nba.nba pre code{padding:0;font-size:1em;background:0}
.nba :is(summary,a,[tabindex]):focus-visible{outline:2px solid var(--nba-link);outline-offset:1px}
""")
)

_SHEETS = {
    "nba-head": """
.nba .nba-head{display:flex;flex-wrap:wrap;gap:0 12px;align-items:baseline;padding:6px 12px}
.nba>.nba-head~*{border-top:1px solid var(--nba-line)}
.nba :is(.nba-log,.nba-rest)>*+*{border-top:1px solid var(--nba-line)}
.nba .nba-title{font-weight:600}
""",
    "nba-who": """
.nba .nba-who{display:flex;flex-wrap:wrap;align-items:center;gap:0 8px;min-height:20px}
.nba .nba-av{flex:none;width:20px;height:20px;border-radius:50%;background:var(--nba-a);color:var(--nba-ink);
 font:600 11px/20px var(--nba-sans);text-align:center;pointer-events:none}
.nba .nba-av:before{content:attr(title)}
.nba .nba-ring .nba-av,.nba.nba-ring .nba-av{box-shadow:0 0 0 1.5px var(--nba-bg),0 0 0 3px var(--nba-a)}
.nba .nba-dash .nba-av,.nba.nba-dash .nba-av{outline:1.5px dashed var(--nba-a);outline-offset:1.5px}
.nba .nba-isdemo .nba-av,.nba.nba-isdemo .nba-av{outline:1.5px dotted var(--nba-a);outline-offset:1.5px}
.nba .nba-doing{color:var(--nba-dim)}
@media (forced-colors:active){.nba .nba-av{border:1px solid CanvasText}}
""",
    "nba-name": ".nba .nba-name{color:var(--nba-a);font-weight:600}",
    "nba-meta": """
.nba .nba-meta{margin-left:auto;color:var(--nba-dim);font-size:12px;font-variant-numeric:tabular-nums}
.nba .nba-state{font-weight:600}
.nba .nba-done{color:var(--nba-ok)}
.nba .nba-failed{color:var(--nba-bad)}
.nba .nba-stopped,.nba .nba-human{color:var(--nba-amber)}
@container (max-width:30rem){.nba .nba-meta{margin-left:0}}
""",
    "nba-chip": """
.nba .nba-chip{display:inline-block;padding:0 6px;border:1px solid var(--nba-line);border-radius:9px;
 font-size:11px;line-height:16px;color:var(--nba-dim);background:var(--nba-bg);max-width:100%}
.nba .nba-meta .nba-chip:not(:last-child){margin-right:4px}
.nba .nba-var{border-radius:3px;font-size:.92em;line-height:1.4;color:var(--nba-fg);background:var(--nba-alt)}
""",
    "nba-row": """
.nba .nba-row{position:relative;padding:8px 12px 8px 15px}
.nba .nba-row:before{content:"";position:absolute;left:0;top:0;bottom:0;width:3px;background:var(--nba-a)}
""",
    "nba-body": """
.nba .nba-body{margin:2px 0 0 28px;max-width:80ch;font-size:var(--jp-content-font-size1,14px)}
.nba .nba-body>:first-child{margin-top:0}
.nba .nba-body>:last-child{margin-bottom:0}
.nba .nba-text{white-space:pre-wrap}
@container (max-width:30rem){.nba .nba-body{margin-left:0}}
""",
    "nba-muted": ".nba .nba-muted .nba-body{color:var(--nba-dim);text-decoration:line-through}",
    "nba-sub": """
.nba .nba-sub{margin:4px 0 0 28px;max-width:80ch;color:var(--nba-dim);font-size:12px}
.nba.nba .nba-sub pre{margin:2px 0 0;font-size:12px}
@container (max-width:30rem){.nba .nba-sub{margin-left:0}}
""",
    "nba-pictures": """
.nba .nba-pictures{display:flex;flex-wrap:wrap;gap:8px;margin-top:6px}
.nba .nba-picture{max-width:min(100%,420px);max-height:420px;border-radius:4px}
""",
    "mathjax_process": """
.nba .nba-body :is(ul,ol){margin:0 0 .6em;padding-left:1.5em;line-height:1.5}
.nba .nba-body li{margin:.1em 0}
.nba .nba-body li p{margin:0}
.nba .nba-body :is(h4,h5,h6){margin:.9em 0 .3em;font:600 1em/1.4 var(--nba-sans);color:var(--nba-fg)}
.nba .nba-body h4{font-size:1.12em}
.nba .nba-body blockquote{margin:0 0 .6em;padding:0 0 0 10px;border-left:2px solid var(--nba-line);
 color:var(--nba-dim)}
.nba .nba-body hr{height:0;margin:.8em 0;border:0;border-top:1px solid var(--nba-line);background:0}
.nba .nba-body img{max-width:100%}
.nba :is(.nba-host,.nba-cut){color:var(--nba-dim)}
""",
    "<table": """
.nba .nba-scroll{overflow-x:auto;margin:0 0 .6em}
.nba.nba table{border-collapse:collapse;margin:0;font-size:1em;table-layout:auto;color:var(--nba-fg);
 background:0}
.nba.nba table :is(th,td){padding:3px 14px 3px 0;border:0;border-bottom:1px solid var(--nba-line);
 text-align:left;
 vertical-align:top;font-weight:400;min-width:4.5em;max-width:none;white-space:normal;color:inherit;
 background:0}
.nba.nba tbody tr,.nba.nba tbody tr:hover{background:0}
.nba.nba thead{border:0}
.nba.nba table thead th{font-weight:600}
.nba.nba table .nba-right{text-align:right}
.nba.nba table .nba-center{text-align:center}
.nba caption{padding:0 0 4px;text-align:left;font-weight:600;color:var(--nba-fg);caption-side:top}
.nba.nba-table{padding:8px 12px}
.nba.nba-table .nba-scroll{margin:0;overflow-wrap:break-word}
.nba.nba-table table{min-width:min(100%,32em)}
.nba.nba-table table :is(th,td){min-width:0;padding-right:18px}
.nba.nba-table .nba-short{white-space:nowrap}
.nba.nba-table .nba-of{display:none;color:var(--nba-dim)}
.nba.nba-table tbody tr:last-child>td{border-bottom:0}
@container (max-width:30rem){.nba.nba-table thead{position:absolute;width:1px;height:1px;overflow:hidden;
 clip-path:inset(50%)}
 .nba.nba-table tbody tr{display:flex;flex-wrap:wrap;padding:4px 0;border-bottom:1px solid var(--nba-line)}
 .nba.nba-table tbody tr:last-child{border-bottom:0}
 .nba.nba-table tbody td{min-width:0;padding:0 14px 0 0;border:0}
 .nba.nba-table .nba-of{display:inline}}
""",
    "<details": """
.nba summary{cursor:pointer;list-style:none}
.nba summary::-webkit-details-marker{display:none}
.nba .nba-toggle{display:inline-block;min-height:24px;padding:3px 0;color:var(--nba-dim);font-size:12px}
.nba .nba-toggle:before{content:"\\25b8\\00a0"}
.nba details[open]>summary .nba-toggle:before{content:"\\25be\\00a0"}
.nba .nba-lead{display:block}
.nba details[open]>summary .nba-lead{display:none}
.nba .nba-rest>summary{padding:2px 12px 2px 43px}
@container (max-width:30rem){.nba .nba-rest>summary{padding-left:15px}}
""",
    "nba-facts": """
.nba.nba .nba-facts{margin:0;padding:6px 12px;font-size:12px}
.nba.nba .nba-facts>div{display:flex;gap:2px 10px;padding:1px 0}
.nba.nba .nba-facts dt{flex:none;float:none;width:5em;margin:0;color:var(--nba-dim);font-weight:400}
.nba.nba .nba-facts dd{flex:1;float:none;width:auto;min-width:0;margin:0;padding:0;
 font-variant-numeric:tabular-nums}
@container (max-width:30rem){.nba.nba .nba-facts dt{width:4.2em}
 .nba.nba .nba-facts>.nba-long{flex-direction:column}}
""",
    "nba-sep": """
.nba .nba-sep{margin:0;padding:3px 12px;background:var(--nba-alt);color:var(--nba-fg);font-size:12px;
 text-align:center}
""",
    "nba-call": """
.nba .nba-call>summary>.nba-toggle{font-variant-numeric:tabular-nums}
.nba .nba-call>p{margin:4px 0 0;color:var(--nba-dim)}
.nba.nba .nba-call>pre{max-height:20em;overflow:auto}
.nba .nba-call[open]{padding-bottom:4px}
.nba .nba-sub p.nba-call{margin:0}
.nba .nba-call .nba-done{color:var(--nba-ok)}
.nba .nba-call .nba-failed{color:var(--nba-bad)}
.nba .nba-call .nba-stopped{color:var(--nba-amber)}
""",
    "nba-note": """
.nba .nba-note{margin:0;padding:6px 12px;font-size:12px;
 box-shadow:inset 3px 0 var(--nba-amber)}
.nba .nba-icon{font-weight:600;color:var(--nba-amber)}
""",
    "nba-foot": """
.nba .nba-foot{margin:0;padding:6px 12px;font-size:12px;
 color:var(--nba-dim)}
.nba .nba-foot .nba-toggle{padding:0;min-height:0}
.nba .nba-told:empty{display:none}
.nba .nba-more{display:flex;flex-wrap:wrap;gap:2px 16px}
.nba .nba-more>details[open]{flex-basis:100%}
.nba .nba-more summary .nba-toggle{min-height:24px;padding:3px 0}
.nba .nba-more pre{margin:4px 0 0}
""",
    "nba-error": """
.nba .nba-error{margin:6px 0 0 28px;padding:8px 12px;border:1px solid var(--nba-badline);border-radius:4px;
 background:var(--nba-badbg);color:var(--nba-badfg);max-width:90ch}
.nba.nba-error{padding:8px 12px;border-color:var(--nba-badline);background:var(--nba-badbg);
 color:var(--nba-badfg)}
.nba>.nba-error{margin:8px 12px}
.nba .nba-error p,.nba.nba-error p{margin:0;white-space:pre-wrap}
.nba.nba .nba-error :is(code,pre),.nba.nba-error.nba-error :is(code,pre){background:var(--nba-bg)}
.nba .nba-error .nba-toggle,.nba.nba-error .nba-toggle{color:inherit}
.nba .nba-what{color:var(--nba-bad);font-weight:600}
@container (max-width:30rem){.nba .nba-row .nba-error{margin-left:0}}
""",
    "nba-lanes": """
.nba .nba-lanes{margin:0;padding:8px 12px}
.nba .nba-foot .nba-lanes{padding:4px 0 0}
.nba .nba-lanes figcaption{margin:0 0 4px;color:var(--nba-dim);font-size:12px;
 font-variant-numeric:tabular-nums}
.nba.nba .nba-lanes table{width:100%}
.nba.nba .nba-lanes :is(th,td){min-width:0;padding:1px 0;border:0;font-size:12px;vertical-align:middle;
 font-variant-numeric:tabular-nums}
.nba.nba .nba-lanes tbody th{width:1%;padding-right:10px;color:var(--nba-a);font-weight:600;
 white-space:nowrap}
.nba.nba .nba-lanes .nba-when{width:1%;padding-left:10px;color:var(--nba-dim);text-align:right;
 white-space:nowrap}
.nba.nba .nba-lanes .nba-axis{color:var(--nba-dim);font-weight:400;font-size:11px}
.nba .nba-end{float:right}
.nba .nba-track{position:relative;display:block;height:12px;background:
 linear-gradient(var(--nba-line),var(--nba-line)) 0 100%/100% 1px no-repeat}
.nba .nba-bar{position:absolute;top:1px;height:9px;min-width:2px;border-radius:2px;background:var(--nba-a)}
.nba .nba-queued{background:0;border:1px solid var(--nba-a);opacity:.6}
.nba .nba-tool{background:repeating-linear-gradient(135deg,var(--nba-a) 0 3px,var(--nba-bg) 3px 5px)}
.nba .nba-wait{background:radial-gradient(circle,var(--nba-a) 1px,transparent 1.5px) 0 0/6px 9px}
.nba .nba-cutoff{border:1px solid var(--nba-a);
 background:repeating-linear-gradient(45deg,var(--nba-a) 0 2px,transparent 2px 5px)}
@media (forced-colors:active){.nba .nba-bar{border:1px solid CanvasText}}
@container (max-width:30rem){.nba.nba .nba-lanes .nba-when{white-space:normal;min-width:7em}
 .nba.nba .nba-lanes tbody th{max-width:9em;overflow:hidden;text-overflow:ellipsis}}
@container (max-width:22rem){.nba.nba .nba-lanes .nba-plot{display:none}}
""",
    "nba-graph": """
.nba .nba-graph{margin:0;padding:8px 12px}
.nba .nba-graph svg{display:block;width:100%;max-width:480px;height:auto;overflow:visible}
.nba .nba-graph ul{margin:4px 0 0;padding:0;list-style:none;columns:14em;color:var(--nba-dim);font-size:12px;
 font-variant-numeric:tabular-nums}
.nba .nba-graph circle{fill:var(--nba-a)}
.nba .nba-graph circle.nba-hub{fill:none;stroke:var(--nba-a);stroke-width:2;stroke-dasharray:4 3}
.nba .nba-graph path{fill:none;stroke:var(--nba-a);opacity:.75}
.nba .nba-graph polygon{fill:var(--nba-a)}
.nba .nba-graph text{font-family:var(--nba-sans);text-anchor:middle;fill:var(--nba-fg);font-size:13px}
.nba .nba-graph .nba-letter{fill:var(--nba-ink);font-weight:600}
.nba .nba-graph :is(.nba-count,.nba-label){paint-order:stroke;stroke:var(--nba-bg);stroke-width:4px}
.nba .nba-graph .nba-count{font-size:12px}
""",
    "nba-one": """
.nba.nba-one{padding:3px 8px;border:0;background:var(--jp-layout-color0,var(--nba-bg))}
.nba.nba-one .nba-who{flex-wrap:nowrap;align-items:flex-start}
.nba.nba-one .nba-name{flex:none;max-width:40%}
.nba.nba-one p{margin:0}
.nba .nba-dot{color:var(--nba-ok)}
.nba.nba-one p.nba-sub{margin:0 0 0 16px}
""",
    "nba-caret": """
.nba .nba-caret:after{content:"";display:inline-block;width:.5em;height:1em;margin-left:1px;
 vertical-align:-.15em;
 background:var(--nba-a);animation:nba-blink 1s steps(2,start) infinite}
@keyframes nba-blink{to{visibility:hidden}}
@media (prefers-reduced-motion:reduce){.nba .nba-caret:after{animation:none}}
""",
}
_SHEETS = {marker: _small(rules) for marker, rules in _SHEETS.items()}
