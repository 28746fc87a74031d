"""One-line cards: an agent that is ready, and the banner of the extension."""

from __future__ import annotations

from collections.abc import Sequence

from ._body import coded
from ._frame import fragment
from ._head import DEMO, agent_classes, who
from ._plain import one_line
from ._views import AgentCardView

__all__ = ["agent_line_html", "agent_line_text", "banner_html", "banner_text"]

_PARTS = 12


def agent_line_html(view: AgentCardView) -> str:
    """Return one line about an agent: avatar, name, and how it stands. Backticks mark code."""
    chip = f' <span class="nba-chip">{DEMO}</span>' if view.is_demo else ""
    line = who(view.name, after=f" <span>{coded(one_line(view.line, 300))}{chip}</span>")
    return fragment("div", f"nba-one {agent_classes(view.color, is_demo=view.is_demo)}", line)


def agent_line_text(view: AgentCardView) -> str:
    """Return one line about an agent as plain text.

    >>> agent_line_text(AgentCardView("poet", 0, "ready · memory 0", is_demo=True))
    'poet ready · memory 0 · demo · not an AI'
    """
    return f"{one_line(view.name, 60)} {one_line(view.line, 300)}" + (f" · {DEMO}" if view.is_demo else "")


def banner_html(parts: Sequence[str], notes: Sequence[str] = (), *, ready: bool = True) -> str:
    """Return the banner: its parts in one line, the first one strong, and a line for each note.

    Backticks mark code. The dot is filled once the server is ``ready``.
    """
    shown = [coded(one_line(part, 200)) for part in parts[:_PARTS]]
    if shown:
        shown[0] = f"<strong>{shown[0]}</strong>"
    dot = f'<span class="nba-dot" aria-hidden="true">{"●" if ready else "○"}</span> '
    html = f"<p>{dot}{' · '.join(shown)}</p>"
    html += "".join(f'<p class="nba-sub">{coded(one_line(note, 300))}</p>' for note in notes[:_PARTS])
    return fragment("div", "nba-one nba-banner", html)


def banner_text(parts: Sequence[str], notes: Sequence[str] = (), *, ready: bool = True) -> str:
    """Return the banner as plain text.

    >>> print(banner_text(["nbagents ready", "model: demo"], ["help: %agents?"]))
    ● nbagents ready · model: demo
      help: %agents?
    """
    first = f"{'●' if ready else '○'} " + " · ".join(one_line(part, 200) for part in parts[:_PARTS])
    return "\n".join([first, *(f"  {one_line(note, 300)}" for note in notes[:_PARTS])])
