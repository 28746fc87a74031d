"""Messages, runs and memory as safe HTML, each with a plain text twin.

What is shown is told as plain frozen data (``RunView`` and its kin); nothing here knows runs, agents
or a front-end. Text of models, names, titles and errors is data: it is parsed as Markdown without
HTML, cleaned against a strict list, or escaped. No fragment holds a script or an address that is
fetched, and each is readable with all its style taken away. Everything is safe from any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._error import error_html, error_text
    from ._folds import split_content
    from ._graph import HUB, EdgeView, GraphView, NodeView, graph_figure, graph_html, graph_picks, graph_text
    from ._line import agent_line_html, agent_line_text, banner_html, banner_text
    from ._live import LiveRows, live_run, wall_time
    from ._markdown import markdown_to_html, text_to_html
    from ._memory import entry_html, memory_html, memory_size, memory_text
    from ._message import message_html, message_text
    from ._page import Cell, page_html
    from ._pictures import PICTURE_BYTES, attached, picture_type
    from ._plain import content_text
    from ._question import QuestionView, question_html, question_text
    from ._run import run_html, run_text
    from ._sanitize import clean_html
    from ._serving import latency_words, serving_facts, serving_html, serving_run, serving_text
    from ._style import color_class, style_rules
    from ._table import table_html, table_text
    from ._views import (
        AgentCardView,
        EntryView,
        ErrorView,
        FoldView,
        LaneView,
        MemoryView,
        MessageLike,
        RowView,
        RunView,
        SectionView,
        ServingView,
        Span,
        State,
        TableView,
    )
    from ._visible import visible_arguments, visible_json, visible_object, visible_text

__all__ = [
    "HUB",
    "PICTURE_BYTES",
    "AgentCardView",
    "Cell",
    "EdgeView",
    "EntryView",
    "ErrorView",
    "FoldView",
    "GraphView",
    "LaneView",
    "LiveRows",
    "MemoryView",
    "MessageLike",
    "NodeView",
    "QuestionView",
    "RowView",
    "RunView",
    "SectionView",
    "ServingView",
    "Span",
    "State",
    "TableView",
    "agent_line_html",
    "agent_line_text",
    "attached",
    "banner_html",
    "banner_text",
    "clean_html",
    "color_class",
    "content_text",
    "entry_html",
    "error_html",
    "error_text",
    "graph_figure",
    "graph_html",
    "graph_picks",
    "graph_text",
    "latency_words",
    "live_run",
    "markdown_to_html",
    "memory_html",
    "memory_size",
    "memory_text",
    "message_html",
    "message_text",
    "page_html",
    "picture_type",
    "question_html",
    "question_text",
    "run_html",
    "run_text",
    "serving_facts",
    "serving_html",
    "serving_run",
    "serving_text",
    "split_content",
    "style_rules",
    "table_html",
    "table_text",
    "text_to_html",
    "visible_arguments",
    "visible_json",
    "visible_object",
    "visible_text",
    "wall_time",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_error": "error_html error_text",
        "_folds": "split_content",
        "_graph": "HUB EdgeView GraphView NodeView graph_figure graph_html graph_picks graph_text",
        "_line": "agent_line_html agent_line_text banner_html banner_text",
        "_live": "LiveRows live_run wall_time",
        "_markdown": "markdown_to_html text_to_html",
        "_memory": "entry_html memory_html memory_size memory_text",
        "_message": "message_html message_text",
        "_page": "Cell page_html",
        "_pictures": "PICTURE_BYTES attached picture_type",
        "_plain": "content_text",
        "_question": "QuestionView question_html question_text",
        "_run": "run_html run_text",
        "_sanitize": "clean_html",
        "_serving": "latency_words serving_facts serving_html serving_run serving_text",
        "_style": "color_class style_rules",
        "_table": "table_html table_text",
        "_views": "AgentCardView EntryView ErrorView FoldView LaneView MemoryView MessageLike RowView"
        " RunView SectionView ServingView Span State TableView",
        "_visible": "visible_arguments visible_json visible_object visible_text",
    },
)
