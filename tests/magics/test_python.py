from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagents
from nbagents.exceptions import UsageError
from nbagents.magics._grammar import (
    parse_agent_cell,
    parse_agents_cell,
    parse_agents_line,
    parse_hub_cell,
    parse_pipeline_cell,
)
from nbagents.magics._interpolation import interpolate
from nbagents.magics._literals import f_string, indented, literal
from nbagents.magics._python import to_python

APPROVED = "'APPROVED' in msg.content"


def _python(spec, known=("topic", "n")):
    code = to_python(spec, known)
    ast.parse(code)
    return code


def test_an_agent():
    spec = parse_agent_cell("critic -m demo --kind user --temperature 0.5 --seed 3 --fresh", 'Say "no".')
    assert _python(spec) == (
        'import nbagents\n\ncritic = nbagents.agent("critic", "Say \\"no\\".", model="demo", kind="user", '
        "temperature=0.5, seed=3, fresh=True)\n"
    )


def test_an_agent_of_a_class_with_a_long_prompt():
    spec = parse_agent_cell("critic --kind mine.Critic", "You are strict.\nAt most {n} words.")
    assert _python(spec) == (
        'import nbagents\n\ncritic = nbagents.agent("critic", f"""You are strict.\nAt most {n} words.""", '
        "kind=mine.Critic)\n"
    )


def test_agents_at_the_same_time():
    assert _python(parse_agents_cell("poet critic -o both", "About {topic} or {this}?")) == (
        "from nbagents import Msg\n\n"
        'task = Msg("user", f"About {topic} or {{this}}?")\n'
        "both = [poet(task), critic(task)]\n"
    )
    assert _python(parse_agents_cell("poet -o x", "Hi.")) == (
        'from nbagents import Msg\n\nx = poet(Msg("user", "Hi."))\n'
    )


def test_agents_that_hear_each_other():
    assert _python(parse_agents_cell("a b --hub --rounds 2", "Plan.")) == (
        "from nbagents import Msg, msghub\n\n"
        'with msghub([a, b], announcement=Msg("user", "Plan.")) as hub:\n'
        "    for _ in range(2):\n        a()\n        b()\n"
    )


def test_a_script():
    spec = parse_agents_cell("-o votes", "@alice Name it: {topic}\n@bob @carol Vote on {alice}, {bob}\n@bob")
    assert _python(spec) == (
        "from nbagents import Msg\n\n"
        'alice_said = alice(Msg("user", f"Name it: {topic}"))\n'
        'task = Msg("user", f"Vote on {alice_said.content}, {{bob}}")\n'
        "bob_said = bob(task)\ncarol_said = carol(task)\nbob_said = bob()\nvotes = bob_said\n"
    )


@pytest.mark.parametrize(
    ("line", "pipeline"),
    [
        ("a", "a"),
        ("a -> b", "SequentialPipeline([a, b])"),
        ("a -> (b, c)*2 -> d", "SequentialPipeline([a, ForLoopPipeline(FanOutPipeline([b, c]), 2), d])"),
        ("loop a b -n 3", "ForLoopPipeline([a, b], 3)"),
        (f'a -> if "{APPROVED}" b', f"SequentialPipeline([a, IfElsePipeline(lambda msg: ({APPROVED}), b)])"),
        ("if n > 3 (a -> b) else c", "IfElsePipeline(lambda msg: (n > 3), [a, b], c)"),
        (
            "switch msg.name case 'k k' a case 2 b -> c else c",
            'SwitchPipeline(lambda msg: (msg.name), {"k k": a, 2: [b, c]}, c)',
        ),
        (f'a -> b --until "{APPROVED}"', f"ForLoopPipeline([a, b], 10, lambda msg: ({APPROVED}))"),
    ],
)
def test_a_pipeline(line, pipeline):
    code = _python(parse_pipeline_cell(f"{line} -o draft", "Write."))
    assert code.endswith(f'\n\npipeline = {pipeline}\ndraft = pipeline(Msg("user", "Write."))\n')
    imported = [name.strip() for name in code.split("\n")[0].removeprefix("from nbagents import").split(",")]
    assert imported == sorted(imported)
    assert [name for name in imported if name not in nbagents.__all__] == []
    assert all(code.count(name) > 1 for name in imported)


def test_what_has_no_form_in_python_is_said():
    code = _python(parse_agents_cell("poet --schema Review --budget 0.5 --max-calls 3", "Hi."))
    assert [line.partition(":")[0] for line in code.split("\n")[:3]] == [
        "# --schema Review",
        "# --budget 0.5",
        "# --max-calls 3",
    ]


def test_a_hub_keeps_its_code():
    body = 'for _ in range(2):\n    alice("""two\nlines""")\n\nbob()\n'
    assert _python(parse_hub_cell("alice bob --announce Hello", body)) == (
        "from nbagents import Msg, msghub\n\n"
        'with msghub([alice, bob], announcement=Msg("user", "Hello")) as hub:\n'
        '    for _ in range(2):\n        alice("""two\nlines""")\n\n    bob()\n'
    )
    assert _python(parse_hub_cell("a b --rounds 2")).endswith(
        "with msghub([a, b]) as hub:\n    for _ in range(2):\n        a()\n        b()\n"
    )


def test_a_question_and_raw_text():
    assert _python(parse_agents_line("ask poet About {topic}?")).endswith(
        'poet(Msg("user", f"About {topic}?"))\n'
    )
    raw = parse_agents_line("ask poet --raw About {topic} {{n}}?")
    assert _python(raw).endswith('poet(Msg("user", "About {topic} {{n}}?"))\n')


@pytest.mark.parametrize("spec", [parse_agents_line("status"), parse_agents_cell("all", "Hi.")])
def test_what_only_a_notebook_has_is_refused(spec):
    with pytest.raises(UsageError, match="notebooks"):
        to_python(spec)


@given(st.text())
def test_a_literal_is_its_text(text):
    assert ast.literal_eval(literal(text)) == text


VALUES = {"a": "A", "b": ["B"], "d": {"k": "K"}}
PIECES = ["{a}", "{b[0]}", '{d["k"]}', "{{a}}", "{x}", "{", "}", "\n", '"', "'", "\\", "é", "\t", " "]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_an_f_string_is_the_filled_text(text):
    node = ast.parse(f_string(text, VALUES), mode="eval").body
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    shown = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            shown += part.value
        else:
            shown += {"a": "A", "b[0]": "B", "d['k']": "K"}[ast.unparse(part.value)]
    assert shown == interpolate(text, VALUES).text


def test_code_that_is_no_python_is_still_moved():
    assert indented("!ls\nx = '''a\n") == ["    !ls", "    x = '''a"]
