"""Lists that are searched, and texts that are split, without an index."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.models import load_model
from nbagents.tools import cos_sim, retrieve_from_list
from nbagents.tools.retrieval._split import pieces


@hypothesis.settings(deadline=None)
@hypothesis.given(st.text(st.characters(codec="utf-8"), max_size=900), st.integers(5, 80))
def test_passages_hold_all_of_a_text_and_are_small(text: str, size: int) -> None:
    lines = text.splitlines()
    made = list(pieces(lines, 1, size))
    assert all(0 < len(one) <= size + 1 for one, _, _ in made)
    assert "".join("".join(one for one, _, _ in made).split()) == "".join("".join(lines).split())
    places = [(first, last) for _, first, last in made]
    assert all(1 <= first <= last <= len(lines) for first, last in places)
    assert places == sorted(places)


@pytest.fixture(scope="module")
def embedder() -> Any:
    config = {"config_name": "e", "model_type": "openai_embedding", "model_name": "demo", "endpoint": "demo"}
    return load_model(config)


def test_lists_are_searched_by_a_score(embedder: Any) -> None:
    texts = ["how to bake bread", "heavy rain at night", "tax forms"]
    answer = retrieve_from_list("rain tonight, heavy", texts, cos_sim, 2, embedder, False)
    assert answer.content[0][1:] == (1, "heavy rain at night")
    kept = retrieve_from_list("rain tonight", texts, lambda a, b: len(set(a) & set(b)), 2)
    assert [index for _, index, _ in kept.content] == sorted(index for _, index, _ in kept.content)
    assert retrieve_from_list("x", [], max, 2, embedder).content == []
    with pytest.raises(UsageError, match="takes texts"):
        retrieve_from_list(1, [2], max, 2, embedder)
    assert cos_sim([1, 1], [1, 1]).content == pytest.approx(1)
    assert not cos_sim([1], [1, 2]).succeeded
    assert not cos_sim(None, [1]).succeeded  # type: ignore[arg-type]
