"""What IPython puts into a notebook is no tool of the notebook's."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from nbagents.magics._tools import own_tools


def test_ipythons_open_is_no_tool_and_ones_own_is():
    def search(query: str) -> str:
        return query

    theirs = InteractiveShell.instance().user_ns["open"]
    assert own_tools({"open": theirs, "search": search}) == ["search"]
    assert own_tools({"open": search}) == ["open"]
