"""`MarkdownJsonObjectParser` and `MarkdownJsonDictParser`: what is read, mended, filtered and refused."""

from __future__ import annotations

import contextlib
import enum
import functools
import json
import time
from types import SimpleNamespace

import hypothesis
import hypothesis.strategies as st
import pydantic
import pytest

from nbagents.exceptions import (
    JsonDictValidationError,
    JsonParsingError,
    JsonTypeError,
    RequiredFieldNotFoundError,
    ResponseParsingError,
    UsageError,
)
from nbagents.models import ModelResponse, load_model
from nbagents.parsers import (
    MarkdownCodeBlockParser,
    MarkdownJsonDictParser,
    MarkdownJsonObjectParser,
    parser_from_dict,
)

SPOKEN = {"speak": "hi", "vote": None, "sure": True, "n": [1, 2.5]}


class Color(enum.Enum):
    RED = "red"


class Vote(pydantic.BaseModel):
    name: str = pydantic.Field(description="whom you vote for")
    weight: int = 1
    color: Color = Color.RED


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n```',
        'Sure, here:\n\n```json\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n```\nBye!',
        'Inline ```json {"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}``` so.',
        '{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}',
        '{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n```',
        '```json\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}',
        '```JSON\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n```',
        '```\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n```',
        '~~~json\n{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}\n~~~',
        "{'speak': 'hi', 'vote': None, 'sure': True, 'n': [1, 2.5]}",
        '{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5,],}',
        '{\n  "speak": "hi", // a greeting\n  "vote": null, # no\n  "sure": true, /* yes */ "n": [1, 2.5]}',
        '{speak: "hi", vote: null, sure: true, n: [1, 2.5]}',
        '{"speak": "hi"\n "vote": null\n, "sure": true, "n": [1, 2.5]}',
        '{"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5',
        "{“speak”: “hi”, “vote”: null, “sure”: true, “n”: [1, 2.5]}",
        'I {really} mean it: {"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]} {ok?}',
        '```python\nprint(1)\n```\nand {"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}',
        '\ufeff {"speak": "hi", "vote": null, "sure": true, "n": [1, 2.5]}',
    ],
)
def test_what_models_write_is_read(text: str):
    assert MarkdownJsonDictParser().read(text) == SPOKEN


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("{'speak': 'It's late, isn't it?'}", "It's late, isn't it?"),
        ('{"speak": "He said "no" twice"}', 'He said "no" twice'),
        ('{"speak": "two\nlines"}', "two\nlines"),
        ('{"speak": """two\n"lines" """}', 'two\n"lines" '),
        ('{"speak": "a\\tb \\u00e9 \\ud83d\\ude00 \\d", }', "a\tb é 😀 \\d"),
        ('```json\n{"speak": "```python\\nprint(1)\\n```"}\n```', "```python\nprint(1)\n```"),
        ('```json\n{"speak": "use ``` here"}\n```', "use ``` here"),
    ],
)
def test_texts_keep_what_is_in_them(text: str, spoken: str):
    assert MarkdownJsonDictParser(keys_to_content="speak").read(text) == {"speak": spoken}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would rather not.",
        '```json\n{"speak": "and then it broke o',
        '{"speak"}',
        '{"speak": }',
        '{"speak": NaN}',
        '{"speak": 1e999, "x": bare words}',
        '{"speak": "a", "move": {"x": oops}}',
        '{"speak": oops, "move": {"x": 1}}',
        '["a", {"x": 1}, oops, {"y": 1}]',
        "{" * 2000,
        '{"a":' * 5000 + "1",
    ],
)
def test_what_is_no_json_says_what_to_change(text: str):
    with pytest.raises(JsonParsingError, match=r"cannot be read as JSON: .*Answer with valid JSON") as caught:
        MarkdownJsonDictParser().read(text)
    assert caught.value.raw_response == text


def test_an_error_says_where():
    with pytest.raises(JsonParsingError, match=r"line 3, column 10: a value is missing before ', \"b\": 2"):
        MarkdownJsonObjectParser().read('Hm.\n```json\n{\n  "x": 1,\n    "a": , "b": 2}\n```')


def test_any_json_is_an_object_and_only_an_object_is_a_dictionary():
    for text, value in (
        ("[1, 2,]", [1, 2]),
        ("3", 3),
        ('"x"', "x"),
        ("True", True),
        ('{"a": {}}', {"a": {}}),
    ):
        assert MarkdownJsonObjectParser().read(text) == value
    with pytest.raises(JsonTypeError, match="a list and no object"):
        MarkdownJsonDictParser().read("```json\n[1, 2]\n```")


def test_required_keys_are_named():
    parser = MarkdownJsonDictParser(required_keys=["speak", "vote"])
    with pytest.raises(RequiredFieldNotFoundError, match="lacks 'vote'; it holds 'speak'") as caught:
        parser.read('{"speak": 1}')
    assert isinstance(caught.value, ResponseParsingError)
    assert caught.value.raw_response == '{"speak": 1}'


def test_a_pydantic_class_is_fitted():
    parser = MarkdownJsonDictParser(Vote)
    assert parser.read('{"name": "Bob", "weight": "2"}') == {"name": "Bob", "weight": 2, "color": "red"}
    with pytest.raises(JsonDictValidationError, match=r"(?s)fit Vote.*name: Field required.*weight: Input"):
        parser.read('{"weight": "much"}')
    assert "whom you vote for" in parser.format_instruction
    assert '"required": ["name"]' in parser.format_instruction


def test_the_instruction_shows_what_is_asked_for():
    assert '```json\n{"speak": "words"}\n```' in MarkdownJsonDictParser({"speak": "words"}).format_instruction
    assert "```json\n{any text}\n```" in MarkdownJsonObjectParser("{any text}").format_instruction


def test_filters():
    found = {"thought": "?", "speak": "hi", "vote": "Bob"}
    parser = MarkdownJsonDictParser(keys_to_memory="speak", keys_to_content=["speak", "vote"])
    assert parser.to_memory(found) == "hi"
    assert parser.to_content(found) == {"speak": "hi", "vote": "Bob"}
    assert parser.to_metadata(found) is None
    assert MarkdownJsonDictParser().to_memory(found) is found
    with pytest.raises(RequiredFieldNotFoundError, match="lacks 'speak'"):
        parser.to_memory({"vote": 1})
    assert parser.to_content({"vote": 1}, allow_missing=True) == {"vote": 1}
    with pytest.raises(UsageError, match="keys_to_memory is True, False, a key or a list of keys"):
        MarkdownJsonDictParser(keys_to_memory=5)


def test_a_response_carries_what_was_read():
    response = ModelResponse(text='{"speak": "hi"}')
    assert MarkdownJsonDictParser().parse(response) is response
    assert response.parsed == {"speak": "hi"}
    waiting = load_model("demo-fast")([{"role": "user", "content": "Tell me about rain."}])
    with pytest.raises(JsonParsingError):
        MarkdownJsonDictParser().parse(waiting)
    assert MarkdownCodeBlockParser("text").parse(waiting).parsed == waiting.text.strip()
    assert MarkdownJsonDictParser().parse(SimpleNamespace(text='{"a": 1}')).parsed == {"a": 1}


@pytest.mark.parametrize(
    "piece",
    ["[", "{", '{"a":', "{'", '"', "'", "```", "`", "~", "/*", "//", "{a:1,", ",", "\\", "{}", "\n", "   "],
)
def test_hostile_answers_take_linear_time(piece: str):
    def took(times: int) -> float:
        text = '{"a": "' + piece * times
        begin = time.process_time()
        with contextlib.suppress(ResponseParsingError):
            MarkdownJsonDictParser().read(text + '"\n```')
        return time.process_time() - begin

    small = min(took(2000) for _ in range(3))
    assert took(20_000) < 40 * small + 0.1


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(
    st.dictionaries(TEXT, PLAIN, max_size=5),
    st.sampled_from([json.dumps, repr, functools.partial(json.dumps, indent=2, ensure_ascii=False)]),
    st.sampled_from(["{}", "Sure:\n{}\nBye.", "```json\n{}\n```", "Here:\n```\n{}\n```\n", "```json\n{}"]),
)
def test_whatever_json_and_python_can_write_is_read_as_it_is(value, write, frame):
    assert MarkdownJsonDictParser().read(frame.format(write(value))) == value


def test_a_pydantic_class_goes_elsewhere_as_its_schema():
    class Vote(pydantic.BaseModel):
        vote: str = pydantic.Field(description="a name")
        sure: bool = True

    here = MarkdownJsonDictParser(Vote, keys_to_content="vote")
    there = parser_from_dict(json.loads(json.dumps(here.to_dict())))
    assert there.format_instruction == here.format_instruction
    found = there.read('{"vote": "Bob"}')
    assert found == here.read('{"vote": "Bob"}') == {"vote": "Bob", "sure": True}
    assert there.to_content(found) == "Bob"
    for parser in (here, there):
        with pytest.raises(JsonDictValidationError, match=r"does not fit Vote; put right:\nvote: "):
            parser.read('{"vote": 3}')
    again = parser_from_dict(there.to_dict())
    assert again.schema == Vote.model_json_schema()


def test_a_schema_does_in_place_of_a_class():
    parser = MarkdownJsonDictParser({"n": "a number"}, schema={"properties": {"n": {"maximum": 3}}})
    assert '"maximum": 3' in parser.format_instruction
    assert parser.read('{"n": 2}') == {"n": 2}
    with pytest.raises(JsonDictValidationError, match="does not fit its schema; put right:\nn: 4 is greater"):
        parser.read('{"n": 4}')
