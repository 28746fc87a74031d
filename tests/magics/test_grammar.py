from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagents.exceptions import UsageError
from nbagents.magics._grammar import (
    parse_agent_cell,
    parse_agents_cell,
    parse_agents_line,
    parse_hub_cell,
    parse_pipeline_cell,
)
from nbagents.magics._nodes import Agent, FanOut, Sequence
from nbagents.magics._specs import AgentSpec, AgentsSpec, CommonOptions, HubSpec, LineSpec, PipelineSpec, Turn

APPROVED = "'APPROVED' in msg.content"
READERS = {
    "%%agent": parse_agent_cell,
    "%%agents": parse_agents_cell,
    "%%pipeline": parse_pipeline_cell,
    "%%msghub": parse_hub_cell,
}


def test_an_agent_with_everything():
    line = "poet -m demo --kind chat --temperature 0.5 --seed -3 --fresh -q --raw"
    assert parse_agent_cell(line, "\nYou write.\nNo title.\n\n") == AgentSpec(
        "poet",
        "You write.\nNo title.",
        model="demo",
        kind="chat",
        temperature=0.5,
        seed=-3,
        fresh=True,
        quiet=True,
        raw=True,
    )


def test_an_agent_with_nothing_is_shown():
    assert parse_agent_cell("poet") == AgentSpec("poet")


@pytest.mark.parametrize("kind", ["user", "Mine", "module.Mine", "module.mine"])
def test_a_person_or_a_class(kind):
    assert parse_agent_cell(f"me --kind {kind}").kind == kind


@pytest.mark.parametrize(
    "line", ["poet critic", "poet, critic", "poet,critic", "@poet @critic", "poet critic poet"]
)
def test_several_are_told_the_same(line):
    assert parse_agents_cell(line, "Well?\n") == AgentsSpec(("poet", "critic"), (), "Well?")


def test_all_stands_for_everyone():
    assert parse_agents_cell("poet all", "Well?").names == ("all",)


def test_the_options_of_a_run():
    line = "poet -o draft -b -q --view none --timeout 2.5 --default yes --dry-run --json"
    assert parse_agents_cell(line, "x").options == CommonOptions(
        output="draft",
        background=True,
        quiet=True,
        view="none",
        timeout=2.5,
        default="yes",
        dry_run=True,
        json=True,
    )


def test_options_stand_anywhere_and_may_be_one_word():
    assert parse_agents_cell("--output=a poet --timeout=3 critic", "x") == parse_agents_cell(
        "poet critic -o a --timeout 3", "x"
    )


def test_they_hear_each_other():
    spec = parse_agents_cell("poet critic --hub --rounds 3", "x")
    assert (spec.hub, spec.rounds) == (True, 3)
    assert parse_agents_cell("poet critic --hub", "x").rounds == 1


def test_a_script():
    body = (
        "\n@alice Propose: {topic}\n  @indented\n\\@escaped\n\n@bob: @carol, Vote.\n@all\n@2pm and @ noon\n"
    )
    spec = parse_agents_cell("-q", body)
    assert spec.turns == (
        Turn(("alice",), "Propose: {topic}\n  @indented\n@escaped", 3),
        Turn(("bob", "carol"), "Vote.", 7),
        Turn(("all",), "@2pm and @ noon", 8),
    )
    assert spec.everyone == ("alice", "bob", "carol", "all")
    assert spec.options.quiet


def test_the_indentation_of_a_prompt_stays():
    body = "\n    def f():\n        pass\n\n"
    assert parse_agents_cell("poet", body).body == "    def f():\n        pass"
    assert parse_agents_cell("", f"@poet{body}").turns[0].text == "    def f():\n        pass"


def test_names_on_the_first_line_make_the_body_plain_text():
    assert parse_agents_cell("poet", "@critic said no").body == "@critic said no"


def test_a_pipeline():
    line = f'poet -> (a, b) --loop 3 --until "{APPROVED}" -o draft'
    assert parse_pipeline_cell(line, "Write about {topic}.\n") == PipelineSpec(
        Sequence((Agent("poet"), FanOut((Agent("a"), Agent("b"))))),
        "Write about {topic}.",
        3,
        APPROVED,
        CommonOptions(output="draft"),
    )


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ("a", 1),
        ("a --loop 4", 4),
        ("a -n 4", 4),
        ("loop a b -n 2", 2),
        ("a --until x", 10),
        ("a --until x -n 3", 3),
    ],
)
def test_how_often_a_pipeline_runs(line, passes):
    assert parse_pipeline_cell(line).passes == passes


def test_options_may_come_before_the_expression():
    assert parse_pipeline_cell("--loop 2 a->b") == parse_pipeline_cell("a -> b --loop 2")


def test_a_hub():
    body = "for _ in range(2):\n    alice()\n"
    assert parse_hub_cell('alice, bob --announce "Plan a picnic." -o plan', body) == HubSpec(
        ("alice", "bob"), body, "Plan a picnic.", None, CommonOptions(output="plan")
    )


@pytest.mark.parametrize("body", ["", " \n\n", "# nothing yet\n  # really\n"])
def test_a_hub_without_python(body):
    spec = parse_hub_cell("alice bob --rounds 2", body)
    assert (spec.body, spec.rounds) == ("", 2)
    assert parse_hub_cell("alice bob --announce x", body).rounds is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", LineSpec("status")),
        ("status", LineSpec("status")),
        ("list", LineSpec("list")),
        ("show poet @critic", LineSpec("show", ("poet", "critic"))),
        ("ask poet hi", LineSpec("ask", ("poet",), "hi")),
        ('ask @poet what\'s up, "doc"?', LineSpec("ask", ("poet",), 'what\'s up, "doc"?')),
        (
            'ask poet "one  more" -q',
            LineSpec("ask", ("poet",), "one  more", options=CommonOptions(quiet=True)),
        ),
        ("ask poet '-1'", LineSpec("ask", ("poet",), "-1")),
        ('ask poet "hi" he said -q', LineSpec("ask", ("poet",), '"hi" he said -q')),
        ("ask -q poet -- hi", LineSpec("ask", ("poet",), "-- hi", options=CommonOptions(quiet=True))),
        ("ask poet --timeout 3 hi", LineSpec("ask", ("poet",), "hi", options=CommonOptions(timeout=3))),
        ("ask --timeout=3 poet hi", LineSpec("ask", ("poet",), "hi", options=CommonOptions(timeout=3))),
        ("stop", LineSpec("stop")),
        ("stop 12 poet", LineSpec("stop", ("12", "poet"))),
        ("stop --all", LineSpec("stop", everyone=True)),
        ("server", LineSpec("server", action="ls")),
        ("server start", LineSpec("server", action="start")),
        ("server stop local-7f3a", LineSpec("server", action="stop", text="local-7f3a")),
        ("doctor", LineSpec("doctor")),
        ("code", LineSpec("code")),
        ("code 12", LineSpec("code", ("12",))),
    ],
)
def test_commands(line, expected):
    assert parse_agents_line(line) == expected


def test_values_of_options_are_filled_after_splitting():
    filled = {"{plan}": "--fresh 'x", "{n}": "3", "{who}": "poet"}.get
    spec = parse_hub_cell("alice --announce {plan} --rounds {n}", fill=lambda text: filled(text, text))
    assert (spec.announce, spec.rounds) == ("--fresh 'x", 3)
    assert parse_agents_cell("{who}", "x", fill=lambda text: filled(text, text)).names == ("poet",)


def test_raw_and_conditions_are_not_filled():
    spec = parse_pipeline_cell("a --until {x} --default {x}", fill=str.upper)
    assert (spec.until, spec.options.default) == ("{x}", "{X}")
    assert parse_pipeline_cell("a --default {x} --raw", fill=str.upper).options.default == "{x}"


LINES = st.text(alphabet="ab @-,'\"=o1{}()>*\\\n").map(lambda text: text.replace("\n", " "))


@given(LINES, st.text(alphabet="ab @\n#:"))
def test_any_cell_is_a_spec_or_a_fault_in_words(line, body):
    for magic, read in [*READERS.items(), ("%agents", lambda line, _: parse_agents_line(line))]:
        try:
            spec = read(line, body)
        except UsageError as error:
            spec = str(error).startswith(magic)
        assert spec
