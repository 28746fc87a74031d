"""`TemporaryMemory.retrieve_by_embedding`."""

from __future__ import annotations

import pytest

from nbagents.exceptions import UsageError
from nbagents.memory import TemporaryMemory
from nbagents.message import Msg
from nbagents.models import ModelResponse

WORDS = ("rain", "sun", "snow")


class Counter:
    """Embeds a text as how often each word is in it; ``asked`` are the texts of each request."""

    def __init__(self, as_response: bool = False) -> None:
        self.asked, self.as_response = [], as_response

    def __call__(self, texts):
        self.asked.append(texts)
        rows = [[text.count(word) for word in WORDS] for text in texts]
        return ModelResponse(embedding=rows) if self.as_response else rows


@pytest.fixture(params=[False, True], ids=["lists", "a response"])
def counter(request):
    return Counter(request.param)


@pytest.fixture
def memory(counter):
    memory = TemporaryMemory(embedding_model=counter)
    memory.add([Msg("a", "sun and sun"), Msg("b", "rain, rain"), Msg("c", "snow"), Msg("d", "rain or sun")])
    return memory


def test_the_messages_most_like_a_text_are_found(memory):
    (best,) = memory.retrieve_by_embedding("rain")
    assert best["memory"].content == "rain, rain"
    assert best["index"] == 1
    assert best["score"] == pytest.approx(1)
    found = memory.retrieve_by_embedding("rain", top_k=3)
    assert [one["index"] for one in found] == [0, 1, 3], "in the order in which they came"
    found = memory.retrieve_by_embedding("rain", top_k=2, preserve_order=False)
    assert [one["index"] for one in found] == [1, 3], "the most alike first"
    assert len(memory.retrieve_by_embedding("rain", top_k=99)) == 4
    assert memory.retrieve_by_embedding("rain", top_k=0) == []


def test_a_message_or_a_vector_is_looked_for_with_a_measure_of_ones_own(memory, counter):
    assert memory.retrieve_by_embedding(Msg("u", "snow"))[0]["index"] == 2
    asked = len(counter.asked)
    assert memory.retrieve_by_embedding([0, 0, 1])[0]["index"] == 2
    assert len(counter.asked) == asked

    def least_apart(a, b):
        return -sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    assert memory.retrieve_by_embedding([1, 1, 0], metric=least_apart)[0]["index"] == 3


def test_each_message_is_embedded_once_until_it_is_edited(memory, counter):
    memory.retrieve_by_embedding("rain")
    memory.retrieve_by_embedding("sun")
    assert [len(texts) for texts in counter.asked] == [4, 1, 1]
    memory.add(Msg("e", "sun"), embed=True)
    assert counter.asked[-1] == ["sun"]
    memory.delete(1)
    asked = len(counter.asked)
    assert memory.retrieve_by_embedding([1, 0, 0])[0]["memory"].content == "rain or sun"
    assert len(counter.asked) == asked
    (edited,) = (m.id for m in memory if m.content == "snow")
    memory.edit(edited, "rain")
    assert memory.retrieve_by_embedding([1, 0, 0])[0]["memory"].content == "rain"
    assert counter.asked[-1] == ["rain"]
    memory.undo()
    assert memory.retrieve_by_embedding([0, 0, 1])[0]["memory"].content == "snow"


def test_without_a_model_it_says_so(memory):
    plain = TemporaryMemory()
    plain.add(Msg("a", "rain"))
    with pytest.raises(UsageError, match="an embedding model is needed, and none was given"):
        plain.retrieve_by_embedding("rain")
    with pytest.raises(UsageError, match="embedding model is needed"):
        plain.add(Msg("b", "sun"), embed=True)
    assert plain.size() == 1
    assert plain.retrieve_by_embedding("rain", embedding_model=Counter())[0]["index"] == 0
    with pytest.raises(UsageError, match="'my_config' is none"):
        TemporaryMemory(embedding_model="my_config").add(Msg("b", "sun"), embed=True)


@pytest.mark.parametrize(
    "wrong", [[], [[1]], [[1], [1, 2], [1], [1]], "no", [["x"]] * 4, [[float("nan")]] * 4, None]
)
def test_what_are_no_vectors_is_an_error_that_can_be_mended(memory, wrong):
    with pytest.raises(UsageError, match="an embedding model gave"):
        memory.retrieve_by_embedding([1, 0, 0], embedding_model=lambda texts: wrong)
    assert memory.retrieve_by_embedding("rain")[0]["index"] == 1


def test_one_text_may_come_back_as_one_vector():
    memory = TemporaryMemory(embedding_model=lambda texts: [1.0, 2.0])
    memory.add(Msg("a", {"any": "content"}))
    assert memory.retrieve_by_embedding("x")[0]["score"] == pytest.approx(1)
