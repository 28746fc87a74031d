"""``--schema`` in a real kernel: answers in a shape, and what happens where they have another."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.notebook

PREPARED = """
import pydantic
class Review(pydantic.BaseModel):
    approve: bool
    comment: str
strict = {"type": "object", "properties": {"word": {"enum": ["never said"]}}, "required": ["word"]}
from nbagents import AgentBase, Msg
class Stubborn(AgentBase):
    def __init__(self, name, answers):
        super().__init__(name)
        self.answers, self.heard = list(answers), []
    async def reply(self, x=None):
        self.heard.append(x)
        return Msg(self.name, self.answers.pop(0))
"""


@pytest.fixture(scope="module")
def shaped(kernel: Any) -> Any:
    assert kernel.run(PREPARED).error == ""
    return kernel


def test_the_demo_model_answers_in_the_shape(shaped: Any):
    cell = shaped.run("%%agents poet --schema Review -o review\nHello.")
    assert cell.error == "", cell.error
    assert shaped.run("type(review.parsed).__name__, review.name").card == "('Review', 'poet')"
    assert shaped.run("review.metadata['parsed'] == review.parsed.model_dump()").card == "True"
    assert shaped.run("review.metadata['model']").card == "'demo-fast'"


def test_the_last_agents_of_a_pipeline_and_a_script(shaped: Any):
    cell = shaped.run("%%pipeline poet -> (critic, poet) --schema Review -o both\nWrite about rain.")
    assert cell.error == "", cell.error
    assert shaped.run("[type(m.parsed).__name__ for m in both]").card == "['Review', 'Review']"
    shaped.run("%%agents --schema Review -o last\n@poet Hello.\n@critic Well?")
    assert shaped.run("last.name, type(last.parsed).__name__").card == "('critic', 'Review')"


def test_who_answers_in_another_shape_is_asked_once_more(shaped: Any):
    shaped.run("odd = Stubborn('odd', ['Fine!', '{\"approve\": true, \"comment\": \"Fine!\"}'])")
    cell = shaped.run("%%agents odd --schema Review -o review\nWell?")
    assert "— odd's answer does not fit Review; asked again —" in cell.card
    assert shaped.run("review.parsed").card == "Review(approve=True, comment='Fine!')"
    assert shaped.run("odd.heard[1].content.split('\\n')[0]").card == (
        "\"This does not fit: it is no JSON (Expecting value in line 1): 'Fine!'\""
    )


def test_who_does_so_again_ends_the_run_with_an_error_that_quotes_it(shaped: Any):
    shaped.run('odd = Stubborn(\'odd\', [\'Fine!\', \'{"approve": "perhaps", "comment": ""}\'])')
    cell = shaped.run("%%agents odd --schema Review\nWell?")
    assert cell.error.startswith(
        "SchemaMismatchError: odd's answer does not fit Review, asked twice: approve: "
    )
    assert "'perhaps'" in cell.error
    assert "✗ failed" in cell.card


def test_a_placeholder_has_its_value_later(shaped: Any):
    shaped.run("%%agents poet -b --schema Review -o later\nHello.")
    assert shaped.run("type(later.parsed).__name__").card == "'Review'"


def test_a_dictionary_is_a_schema_and_a_typo_is_guessed(shaped: Any):
    shaped.run("%%agents poet --schema strict -o word\nHello.")
    assert shaped.run("word.parsed").card == "{'word': 'never said'}"
    assert (
        "no variable of that name. Did you mean Review?"
        in shaped.run("%%agents poet --schema Revie\nHi").stderr
    )
