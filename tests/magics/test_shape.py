from __future__ import annotations

import dataclasses
import json

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._shape import MisfitError, shape_of


class Weather(pydantic.BaseModel):
    place: str
    degrees: float


@dataclasses.dataclass
class Vote:
    approve: bool
    why: str = ""


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 3},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["n"],
}
VARIABLES = {"Weather": Weather, "Vote": Vote, "schema": SCHEMA, "text": "x", "int_": int}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("Weather", '{"place": "Kyiv", "degrees": 3.5}', Weather(place="Kyiv", degrees=3.5)),
        ("Vote", '```json\n{"approve": true}\n```', Vote(True)),
        ("schema", '{"n": 3}', {"n": 3}),
    ],
)
def test_an_answer_that_fits(name, text, value):
    data, made = shape_of(name, VARIABLES, "%%agents").read(text)
    assert made == value
    assert json.dumps(data)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("Weather", "It is warm.", "it is no JSON (Expecting value in line 1): 'It is warm.'"),
        ("Weather", '{"place": "Kyiv", "degrees": "warm"}', "degrees: Input should be a valid number"),
        ("Weather", '{"place": "Kyiv", "degrees": "warm"}', "'warm'"),
        ("Weather", "[]", "'[]'"),
        ("Vote", "{}", "approve: Field required"),
        (
            "schema",
            '{"n": 2, "tags": ["a", 7]}',
            "n: 2 is less than the minimum of 3; tags.1: 7 is not of type",
        ),
        ("schema", json.dumps({"n": 3, "tags": [0] * 9}), "; and 4 more"),
    ],
)
def test_what_does_not_fit_is_quoted(name, text, problem):
    with pytest.raises(MisfitError) as caught:
        shape_of(name, VARIABLES, "%%agents").read(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Weath", "%%agents: --schema Weath: no variable of that name. Did you mean Weather?"),
        ("zzz", "%%agents: --schema zzz: no variable of that name."),
        ("text", "text is of type str"),
        ("int_", "int_ is the class int"),
        ("Weather._x", "is of type NoneType"),
        ("broken", "%%agents: --schema broken is no JSON schema: type: "),
        ("odd", "%%agents: --schema odd is no JSON schema: "),
    ],
)
def test_what_is_no_shape_is_refused(name, expected):
    variables = {**VARIABLES, "broken": {"type": "nothing"}, "odd": {"const": {1, 2}}}
    with pytest.raises(UsageError) as caught:
        shape_of(name, variables, "%%agents")
    assert expected in str(caught.value)


def test_a_schema_never_fetches_anything():
    shape = shape_of("far", {"far": {"$ref": "http://127.0.0.1:9/schema.json"}}, "%%agents")
    with pytest.raises(UsageError, match="refers to"):
        shape.read("{}")


def test_a_model_is_told_the_schema():
    told = shape_of("Weather", VARIABLES, "%%agents").instruction
    assert json.loads(told.partition("\n")[2]) == Weather.model_json_schema()


@given(st.text())
def test_any_text_is_read_or_does_not_fit(text):
    try:
        data, _ = shape_of("schema", VARIABLES, "%%agents").read(text)
    except MisfitError:
        return
    assert data["n"] >= 3
