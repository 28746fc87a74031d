"""Code blocks, and parts of an answer between tags."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from nbagents.exceptions import (
    JsonParsingError,
    RequiredFieldNotFoundError,
    ResponseParsingError,
    TagNotFoundError,
    UsageError,
)
from nbagents.parsers import (
    MarkdownCodeBlockParser,
    MarkdownJsonDictParser,
    MarkdownJsonObjectParser,
    MultiTaggedContentParser,
    RegexTaggedContentParser,
    TaggedContent,
    parser_from_dict,
)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n```",
        "Try:\n```Python\nprint(1)\n```\nThen:\n```bash\nls\n```",
        "```bash\nls\n```\nand\n```python\nprint(1)\n```",
        "```python\nprint(1)",
        "```python\nprint(1)```",
        "````python\nprint(1)\n````",
        "```py\nprint(1)\n```",
        "print(1)",
    ],
)
def test_code_is_read(text: str):
    assert MarkdownCodeBlockParser("python").read(text) == "print(1)"


def test_code_keeps_its_indentation_and_inner_fences():
    text = "````python\n    '''\n```\nx\n```\n    '''\n````"
    assert MarkdownCodeBlockParser("python").read(text) == "    '''\n```\nx\n```\n    '''"


def test_an_empty_block_is_an_error():
    with pytest.raises(TagNotFoundError, match="holds no sql code") as caught:
        MarkdownCodeBlockParser("sql").read("```sql\n\n```")
    assert not caught.value.missing_begin_tag
    assert "```sql\nSELECT ...\n```" in MarkdownCodeBlockParser("sql", "SELECT ...").format_instruction


THOUGHT = TaggedContent("thought", "[THOUGHT]", "what you think", "[/THOUGHT]")
MOVES = TaggedContent("moves", "[MOVES]", '["e4"]', "[/MOVES]", parse_json=True)


@pytest.fixture
def parser() -> MultiTaggedContentParser:
    return MultiTaggedContentParser(THOUGHT, MOVES, keys_to_content="thought", keys_to_metadata=["moves"])


@pytest.mark.parametrize(
    "text",
    [
        '[THOUGHT]Open.[/THOUGHT][MOVES]["e4", "d4"][/MOVES]',
        'So: [THOUGHT] Open. [/THOUGHT]\n[MOVES]\n```json\n["e4", "d4"]\n```\n[/MOVES] Bye',
        "[MOVES]['e4', 'd4',][/MOVES] [THOUGHT]Open.",
        '[THOUGHT]Open.\n[MOVES]["e4", "d4"]',
    ],
)
def test_tagged_parts_are_read(parser, text: str):
    found = parser.read(text)
    assert found == {"thought": "Open.", "moves": ["e4", "d4"]}
    assert parser.to_content(found) == "Open."
    assert parser.to_metadata(found) == {"moves": ["e4", "d4"]}


def test_tags_that_are_missing_are_named(parser):
    with pytest.raises(
        TagNotFoundError, match=r"lacks the tag \[MOVES\]. Answer again with all of: \[THO"
    ) as one:
        parser.read("[THOUGHT]Open.[/THOUGHT]")
    assert (one.value.missing_begin_tag, one.value.missing_end_tag) == (True, True)
    with pytest.raises(TagNotFoundError) as two:
        parser.read("[THOUGHT]Open.[/THOUGHT] e4[/MOVES]")
    assert (two.value.missing_begin_tag, two.value.missing_end_tag) == (True, False)
    with pytest.raises(TagNotFoundError, match=r"nothing follows the tag \[MOVES\]") as three:
        parser.read("[THOUGHT]Open.[/THOUGHT] [MOVES]  ")
    assert (three.value.missing_begin_tag, three.value.missing_end_tag) == (False, True)
    with pytest.raises(JsonParsingError, match=r"between \[MOVES\] and \[/MOVES\] cannot be read"):
        parser.read("[THOUGHT]Open.[/THOUGHT] [MOVES]e4 or so[/MOVES]")


def test_the_instructions_of_tags(parser):
    assert "[THOUGHT]what you think[/THOUGHT]" in parser.format_instruction
    assert "tags of moves stands valid JSON" in parser.format_instruction
    with pytest.raises(UsageError):
        MultiTaggedContentParser()
    with pytest.raises(UsageError, match="tag_begin and a tag_end"):
        TaggedContent("x", "", "", "</x>")


def test_parts_are_named_by_their_tags():
    text = (
        "Hm, a < b. <thought>x > y</thought><n>3</n><who>Ann, Bob</who> <list>['a', 2,]</list><note>it's</>"
    )
    assert RegexTaggedContentParser().read(text) == {
        "thought": "x > y",
        "n": 3,
        "who": "Ann, Bob",
        "list": ["a", 2],
        "note": "it's",
    }
    assert RegexTaggedContentParser(try_parse_json=False).read("<n>3</n>") == {"n": "3"}
    assert RegexTaggedContentParser().read("<n>[1] is my vote</n>") == {"n": "[1] is my vote"}


def test_required_parts_may_lack_their_end():
    parser = RegexTaggedContentParser(required_keys=["thought", "vote"])
    assert parser.read("<thought>Well <b>.</thought><vote>Bob") == {"thought": "Well <b>.", "vote": "Bob"}
    assert "<vote>your vote</vote>" in parser.format_instruction
    with pytest.raises(RequiredFieldNotFoundError, match="lacks 'vote'"):
        parser.read("<thought>Well</thought>")
    with pytest.raises(TagNotFoundError, match=r"no tags\. Answer again with <thought>"):
        parser.read("a < b")


def test_a_pattern_of_ones_own():
    parser = RegexTaggedContentParser(r"\[(?P<name>\w+)\](?P<content>[^\[]*)", "Use [name] text.")
    assert parser.read("[a] 1 [b] two") == {"a": 1, "b": "two"}
    assert parser.format_instruction == "Use [name] text."
    with pytest.raises(UsageError, match="needs the groups"):
        RegexTaggedContentParser(r"<(?P<name>.*)>")
    with pytest.raises(UsageError, match="no regular expression"):
        RegexTaggedContentParser("(")
    with pytest.raises(UsageError, match="format_instruction"):
        _ = RegexTaggedContentParser().format_instruction


@pytest.mark.parametrize(
    "piece", ["<a>", "</a>", "<", "<a", "<a></b>", "[THOUGHT]", "[/MOVES]", "```python", "``` "]
)
def test_hostile_answers_take_linear_time(piece: str, parser):
    def took(times: int) -> float:
        begin = time.process_time()
        for each in (
            parser,
            RegexTaggedContentParser(required_keys=["a"]),
            MarkdownCodeBlockParser("python"),
        ):
            with contextlib.suppress(ResponseParsingError):
                each.read(piece * times)
        return time.process_time() - begin

    small = min(took(2000) for _ in range(3))
    assert took(20_000) < 40 * small + 0.1


def test_each_parser_can_be_made_again_from_plain_data(parser):
    for each in (
        parser,
        MarkdownCodeBlockParser("python", "print()"),
        MarkdownJsonObjectParser([1]),
        MarkdownJsonDictParser({"a": 1}, ["a"], keys_to_memory="a"),
        RegexTaggedContentParser(required_keys=["a"], keys_to_content="a"),
        RegexTaggedContentParser(r"(?P<name>a)(?P<content>b)", "Say ab.", try_parse_json=False),
    ):
        tree = json.loads(json.dumps(each.to_dict()))
        again = parser_from_dict(tree)
        assert type(again) is type(each)
        assert again.to_dict() == tree
        assert again.format_instruction == each.format_instruction
    for wrong in ({}, {"parser": "Popen"}, {"parser": "MarkdownCodeBlockParser"}, {**tree, "more": 1}):
        with pytest.raises(UsageError, match="no parser"):
            parser_from_dict(wrong)
