"""What a model is told of a function, and what it may give."""

from __future__ import annotations

import functools
import json
from typing import Any, Literal

import pydantic
import pytest

from nbagents.exceptions import UsageError
from nbagents.tools import Tool, Toolkit


class Place(pydantic.BaseModel):
    """Somewhere."""

    city: str
    title: str = ""


def forecast(
    place: Place,
    days: int,
    unit: Literal["C", "F"] = "C",
    tags: list[str] | None = None,
    weights: dict[str, float] | None = None,
) -> str:
    """Tell the weather.

    It knows nothing of the day after tomorrow.

    Args:
        place (Place): Where,
            by its name.
        days: How many days.
        unit (`Literal["C", "F"]`, optional): Of the temperature.
        tags: What else.
        weights: Of the tags.

    Returns:
        str: The weather.
    """
    return f"{type(place).__name__} {place.city} {days} {unit} {tags}"


def schema_of(function, **options):
    return Tool(function, **options).json_schema["function"]


def test_the_schema_is_made_of_signature_and_docstring():
    schema = schema_of(forecast)
    assert schema["name"] == "forecast"
    assert schema["description"] == "Tell the weather.\n\nIt knows nothing of the day after tomorrow."
    parameters = schema["parameters"]
    assert parameters["required"] == ["place", "days"]
    properties = parameters["properties"]
    assert properties["days"] == {"description": "How many days.", "type": "integer"}
    assert properties["unit"]["enum"] == ["C", "F"]
    assert properties["unit"]["default"] == "C"
    assert properties["unit"]["description"] == "Of the temperature."
    assert {"type": "array", "items": {"type": "string"}} in properties["tags"]["anyOf"]
    assert properties["place"]["description"] == "Where, by its name."
    assert "title" in parameters["$defs"]["Place"]["properties"]  # a field of that name, no label
    json.dumps(schema)


def test_what_is_preset_is_hidden_from_the_model():
    schema = schema_of(forecast, preset_kwargs={"days": 3, "weights": {}})
    assert set(schema["parameters"]["properties"]) == {"place", "unit", "tags"}
    with pytest.raises(UsageError, match="forecast has no parameter dais"):
        Tool(forecast, {"dais": 3})


def test_names_and_descriptions_can_be_given():
    schema = schema_of(forecast, name="weather", description="Weather.")
    assert (schema["name"], schema["description"]) == ("weather", "Weather.")
    with pytest.raises(UsageError, match="cannot be named '<lambda>'"):
        Tool(lambda: 1)


def test_a_schema_can_be_given():
    given = {
        "type": "function",
        "function": {"name": "f", "description": "D", "parameters": {"type": "object", "properties": {}}},
    }
    assert Tool(lambda **kw: kw, json_schema=given).json_schema == given


def test_methods_partials_and_callable_objects_are_tools():
    class Shop:
        def price(self, item: str) -> int:
            """Tell a price."""
            return len(item)

        def __call__(self, item: str) -> int:
            """Sell it."""
            return 0

    assert schema_of(Shop().price)["parameters"]["required"] == ["item"]
    assert schema_of(Shop(), name="shop")["description"] == "Sell it."
    partial = schema_of(functools.partial(forecast, Place(city="Ulm")))
    assert partial["name"] == "forecast"
    assert partial["parameters"]["required"] == ["days"]


def test_a_type_that_json_cannot_hold_is_refused_by_name():
    def odd(lock: type(pytest)) -> None: ...

    odd.__annotations__["lock"] = type(pytest)
    with pytest.raises(UsageError, match="signature of the tool odd") as caught:
        Tool(odd)
    assert "json_schema" in caught.value.hint

    def unknown(x: Nowhere) -> None: ...  # noqa: F821

    with pytest.raises(UsageError, match=r"types of the tool unknown cannot be read.*Nowhere"):
        Tool(unknown)


def test_field_names_that_pydantic_keeps_for_itself_are_fine():
    def tool(schema: str, copy: int, model_config: str, _hidden: int = 1) -> Any:
        """Do."""

    checked = Tool(tool).arguments({"schema": "s", "copy": "2", "model_config": "m", "_hidden": 3})
    assert checked == {"schema": "s", "copy": 2, "model_config": "m", "_hidden": 3}


def test_a_class_can_ask_for_more():
    class Thought(pydantic.BaseModel):
        why: str

    toolkit = Toolkit()
    toolkit.register_tool_function(forecast, extended_model=Thought)
    (schema,) = toolkit.get_json_schemas()
    assert schema["function"]["parameters"]["required"] == ["place", "days", "why"]
    assert "why" not in toolkit.tools["forecast"].arguments({"why": "x", "place": {"city": "Ulm"}, "days": 1})
    toolkit.set_extended_model("forecast", None)
    assert "why" not in toolkit.get_json_schemas()[0]["function"]["parameters"]["properties"]
