"""The flusher shows what has changed, soon but not too often, and ends when nothing is live."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from nbagents.widgets import Flusher


class Thing:
    """Counts its refreshes; goes on until it is told to stop."""

    def __init__(self, seconds: float = 0) -> None:
        self.times: list[float] = []
        self.seconds = seconds
        self.first = threading.Event()
        self.stop = threading.Event()

    def refresh(self) -> bool:
        self.times.append(time.monotonic())
        self.first.set()
        if self.seconds:
            self.stop.wait(self.seconds)
        return not self.stop.is_set()


def _mark_for(flusher: Flusher, things: list[Thing], seconds: float) -> None:
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        for thing in things:
            flusher.mark(thing)
        pause.wait(0.005)


def test_it_shows_a_new_thing_at_once():
    flusher, thing = Flusher(), Thing()
    flusher.add(thing)
    assert thing.first.wait(1)
    flusher.remove(thing)


def test_one_thing_is_shown_at_most_ten_times_a_second():
    flusher, thing = Flusher(), Thing()
    flusher.add(thing)
    _mark_for(flusher, [thing], 1.0)
    flusher.remove(thing)
    gaps = [b - a for a, b in zip(thing.times, thing.times[1:], strict=False)]
    assert 5 <= len(thing.times) <= 11
    assert min(gaps) >= 0.09


def test_all_things_together_at_most_twenty_times_a_second():
    flusher, things = Flusher(), [Thing() for _ in range(8)]
    for thing in things:
        flusher.add(thing)
    _mark_for(flusher, things, 1.0)
    for thing in things:
        flusher.remove(thing)
    counts = [len(thing.times) for thing in things]
    assert sum(counts) <= 22
    assert min(counts) >= 1


def test_what_has_not_changed_is_shown_once_a_second_only():
    flusher, thing = Flusher(), Thing()
    flusher.add(thing)
    threading.Event().wait(0.7)
    flusher.remove(thing)
    assert len(thing.times) == 1


def test_what_takes_long_to_draw_is_drawn_more_rarely():
    flusher, thing = Flusher(), Thing(seconds=0.08)
    flusher.add(thing)
    _mark_for(flusher, [thing], 1.0)
    flusher.remove(thing)
    assert len(thing.times) <= 4


def test_the_thread_ends_with_the_last_thing_and_begins_anew():
    flusher, thing = Flusher(), Thing()
    thing.stop.set()
    flusher.add(thing)
    assert thing.first.wait(1)
    limit = time.monotonic() + 2
    while flusher._thread is not None and time.monotonic() < limit:
        threading.Event().wait(0.01)
    assert flusher._thread is None
    again = Thing()
    flusher.add(again)
    assert again.first.wait(1)
    flusher.remove(again)


def test_one_that_fails_is_dropped_and_harms_nobody(caplog: pytest.LogCaptureFixture):
    class Bad(Thing):
        def refresh(self) -> bool:
            super().refresh()
            raise RuntimeError("cannot draw")

    flusher, bad, good = Flusher(), Bad(), Thing()
    with caplog.at_level(logging.ERROR, "nbagents.widgets"):
        flusher.add(bad)
        flusher.add(good)
        assert bad.first.wait(1)
        assert good.first.wait(1)
        _mark_for(flusher, [bad, good], 0.4)
    flusher.remove(good)
    assert len(bad.times) == 1
    assert len(good.times) >= 2
    assert "could not be refreshed" in caplog.text
