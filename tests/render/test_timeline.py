"""Lanes: what they add up to and how they are drawn."""

from __future__ import annotations

import pytest

from nbagents.render import LaneView
from nbagents.render._timeline import timeline_html, timeline_lines, timing


def _lane(*spans: tuple[float, float, str]) -> LaneView:
    return LaneView("a", 0, spans)


def test_times_are_reckoned_from_lanes():
    times = timing([_lane((0, 2, "model")), _lane((0, 1, "queued"), (1, 3, "model"), (3, 4, "tool"))])
    assert (times.wall, times.work, times.overlaps) == (4, 5, True)
    assert times.words() == "wall 4.0 s · work 5.0 s · 1.2× parallel"


def test_given_times_win():
    times = timing([_lane((0, 2, "model"))], wall=5.0, work=12.9)
    assert (times.wall, times.work, times.overlaps) == (5.0, 12.9, False)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ((0.0, 1.0, "model"), (1.0, 2.0, "model"), False),
        ((0.0, 1.0, "model"), (0.5, 2.0, "model"), True),
        ((0.0, 9.0, "queued"), (0.5, 2.0, "model"), False),
        ((0.0, 9.0, "model"), (3.0, 4.0, "tool"), True),
    ],
)
def test_only_work_overlaps(first, second, overlap):
    assert timing([_lane(first), _lane(second)]).overlaps is overlap


def test_one_lane_never_overlaps_itself():
    assert not timing([_lane((0, 2, "model"), (1, 3, "tool"))]).overlaps


def test_bars_stay_on_their_track():
    html = timeline_html(lanes := [_lane((0, 1, "model"), (4, 99, "tool"))], timing(lanes, wall=5.0))
    assert 'style="left:0.00%;width:1.01%"' in html
    assert 'class="nba-bar nba-tool" style="left:4.04%;width:95.96%"' in html
    html = timeline_html(lanes := [_lane((-5, 0.0, "model"))], timing(lanes))
    assert 'style="left:0.00%;width:100.00%"' in html


def test_each_kind_has_its_mark():
    lanes = [
        _lane((0, 1, "queued"), (1, 2, "model"), (2, 3, "tool"), (3, 4, "human"), (4, 5, "stopped")),
        _lane((0, 5, "waiting")),
    ]
    lines = timeline_lines(lanes, timing(lanes))
    assert lines[1].endswith("5.0 s")
    assert "".join(dict.fromkeys(lines[2][3:51])) == "▒█▚░▞"
    assert set(lines[3][3:51]) == {"·"}


def test_a_lane_with_breaks_says_how_much_it_worked():
    lanes = [_lane((0, 1, "model"), (3, 4, "model"))]
    assert timeline_lines(lanes, timing(lanes))[2].endswith("2.0 s in 0.0–4.0 s")


def test_no_lanes_and_no_time_are_no_error():
    assert timeline_lines([_lane()], timing([_lane()]))[2] == "a" + " " * 52 + "–"
