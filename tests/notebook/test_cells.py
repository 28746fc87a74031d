"""The cells in a real kernel, with real agents in a real server: what they show and what they leave."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.notebook


def test_an_agent_is_one_line_and_a_name(kernel: Any):
    cell = kernel.run("%%agent echo -m demo-fast\nYou are an echo.")
    assert cell.card == "echo ready · model demo-fast · memory 0 · demo · not an AI"
    assert len(cell.outputs) == 1
    assert kernel.run("type(echo).__mro__[1].__name__").card == "'AgentBase'"


def test_defining_it_again_keeps_its_memory(kernel: Any):
    kernel.run("%%agent again -m demo-fast\nYou are an echo.")
    kernel.run("%%agents again -q\nOne.")
    assert kernel.run("%%agent again -m demo-fast\nYou are an echo.").card.startswith(
        "again unchanged · 2 messages kept · "
    )
    assert kernel.run("%%agent again -m demo-fast\nYou are a poet.").card.startswith(
        "again prompt updated · 2 messages kept (`--fresh` to empty) · "
    )
    cell = kernel.run("%%agent again -m demo-fast --fresh\nYou are a poet.")
    assert "2 messages kept" not in cell.card


def test_an_empty_body_shows_the_agent(kernel: Any):
    cell = kernel.run("%%agent critic")
    assert cell.card.startswith("critic model demo-fast · memory ")
    assert "“You are a strict editor." in cell.card
    assert "what is nobody to do?" in kernel.run("%%agent nobody\n").stderr


def test_a_variable_of_the_author_is_not_overwritten(kernel: Any):
    kernel.run("taken = 3")
    cell = kernel.run("%%agent taken\nYou are a poet.")
    assert cell.stderr.startswith("UsageError: %%agent: taken is a variable of yours (int).")
    assert kernel.run("taken").card == "3"


def test_agents_are_asked_at_the_same_time_and_the_value_is_a_list(kernel: Any):
    cell = kernel.run("%%agents poet critic -o both\nHello.")
    assert [output.kind for output in cell.outputs] == ["display_data"]
    assert "poet, critic · ✓ done" in cell.card
    assert "you: Hello." in cell.card
    assert kernel.run("[m.name for m in both], both is _").card == "(['poet', 'critic'], True)"


def test_the_value_of_one_agent_is_its_message(kernel: Any):
    kernel.run("%%agents poet\nHello.")
    assert kernel.run("type(_).__name__, _.name").card == "('Msg', 'poet')"


def test_a_pipeline_runs_until_its_condition_is_true(kernel: Any):
    kernel.run("topic = 'rain'")
    kernel.run("%%agent verse -m demo-fast\nYou are a poet. You write four short lines. No title.")
    cell = kernel.run(
        "%%pipeline verse -> critic --loop 3 --until \"'APPROVED' in msg.content\" -o verdict\n"
        "Write about {topic}."
    )
    assert "you: Write about ‹topic: rain›." in cell.card
    assert "— pass 2 of 3 —" in cell.card
    assert cell.card.endswith("✓ stopped by --until after pass 2")
    assert kernel.run("verdict.name, verdict.content").card == "('critic', 'APPROVED')"


def test_a_condition_that_never_comes_true_is_an_error_and_the_draft_is_kept(kernel: Any):
    cell = kernel.run("%%pipeline poet --loop 2 --until False -o draft\nHello.")
    assert cell.error.startswith("NbAgentsError: --until never became true in 2 passes. Last value: '")
    assert cell.error.endswith("The draft is in `draft`.")
    assert "✗ --until never became true" in cell.card
    assert kernel.run("draft.name").card == "'poet'"


def test_an_error_in_the_condition_is_the_cells_error(kernel: Any):
    cell = kernel.run("%%pipeline poet --loop 2 --until 1/0\nHello.")
    assert cell.error == "ZeroDivisionError: division by zero"
    assert cell.traceback == ["ZeroDivisionError: division by zero", "The whole traceback: %agents why"]
    assert "1/0" in kernel.run("%agents why").stdout


def test_a_fan_out_gathers_into_a_list(kernel: Any):
    kernel.run("%%pipeline (poet, critic) -o opinions\nHello.")
    assert kernel.run("[m.name for m in opinions]").card == "['poet', 'critic']"
    cell = kernel.run("%%pipeline (poet, critic) -> poet -o one\nHello.")
    assert "(poet, critic) → poet" in cell.card
    assert kernel.run("one.name").card == "'poet'"


def test_passes_without_a_condition_are_marked_too(kernel: Any):
    cell = kernel.run("%%pipeline poet -n 2\nHello.")
    assert cell.card.index("— pass 1 of 2 —") < cell.card.index("— pass 2 of 2 —")


def test_in_a_hub_they_hear_each_other_and_the_body_is_python(kernel: Any):
    kernel.run("%%agent anna -m demo-fast\nYou are an echo.")
    kernel.run("%%agent bert -m demo-fast\nYou are an echo.")
    cell = kernel.run(
        '%%msghub anna bert --announce "Plan a picnic."\n'
        "for turn in range(2):\n    anna()\n    last = bert()\n"
        "count = len(hub.participants)"
    )
    assert "msghub anna, bert · ✓ done" in cell.card
    assert "you: Plan a picnic." in cell.card
    assert "heard by bert" in cell.card
    assert kernel.run("count, last.name, _.name").card == "(2, 'bert', 'bert')"
    heard = kernel.run("[m.name for m in anna.memory.get_memory()]").card
    assert heard == "['user', 'anna', 'bert', 'anna', 'bert']"


def test_the_hub_is_closed_when_the_cell_is_over(kernel: Any):
    kernel.run("%%agent carl -m demo-fast\nYou are an echo.")
    kernel.run("%%agent dora -m demo-fast\nYou are an echo.")
    failed = kernel.run("%%msghub carl dora\ncarl().content\n1/0\ndora()")
    assert failed.error == "ZeroDivisionError: division by zero"
    assert "----> " in "".join(failed.traceback)
    assert "failed" in failed.outputs[0].data["text/plain"]
    kernel.run("dora('Hello.').content")
    assert kernel.run("[m.name for m in carl.memory.get_memory()]").card == "['carl']"


def test_a_failure_that_the_body_of_a_hub_does_not_read_ends_the_cell(kernel: Any):
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    cell = kernel.run("%%msghub broken critic\nbroken(); critic()")
    assert cell.error.startswith("ModelUnavailableError: broken:")
    caught = kernel.run(
        "%%msghub broken critic\ntry:\n    broken().content\nexcept Exception:\n    print('caught')\ncritic()"
    )
    assert caught.error == ""
    assert caught.stdout == "caught\n"


def test_members_of_a_hub_without_code_speak_in_turn(kernel: Any):
    cell = kernel.run('%%msghub poet critic --announce "Hello." --rounds 2')
    assert "— round 2 of 2 —" in cell.card
    assert kernel.run("[m.name for m in _]").card == "['poet', 'critic']"


def test_a_script_fills_in_what_was_said_before(kernel: Any):
    cell = kernel.run("%%agents\n@poet Hello.\n@critic @poet Compare: {poet}")
    assert "you → poet\n  Hello." in cell.card
    assert "you → critic, poet\n  Compare: Hello." in cell.card
    assert kernel.run("[m.name for m in _]").card == "['critic', 'poet']"


def test_what_is_not_a_variable_is_left_and_noted(kernel: Any):
    kernel.run("topic = 'rain'")
    cell = kernel.run("%%agents poet\nWrite about {topik}.")
    assert "⚠ `{topik}` left as is — no variable of that name; did you mean `{topic}`?" in cell.card
    assert "did you mean" not in kernel.run("%%agents poet --raw\nWrite about {topik}.").card


def test_a_message_that_has_not_arrived_is_waited_for_where_it_is_filled_in(kernel: Any):
    kernel.run("pending = poet('Hello.')")
    assert "you: Repeat: ‹pending: Hello." in kernel.run("%%agents critic\nRepeat: {pending}").card


def test_one_agents_failure_keeps_the_others_messages(kernel: Any):
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    cell = kernel.run("%%agents broken poet -o replies\nHello.")
    assert cell.error.startswith("ModelUnavailableError: broken:")
    assert len(cell.traceback) == 2
    card = cell.card
    assert "✗ broken got no answer from its model" in card
    assert "Try: %%agent broken -m demo" in card
    assert kernel.run("replies[1].name").card == "'poet'"
    assert cell.stderr == ""


def test_who_comes_after_a_failure_is_not_asked(kernel: Any):
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    cell = kernel.run("%%pipeline broken -> poet\nHello.")
    assert "not asked: broken failed" in cell.card
    assert cell.stderr == ""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("%%agents peot\nHi", "no agent called 'peot'. Did you mean 'poet'?"),
        ("%%agent poet critic\nHi", "%%agent defines one agent; you named two (poet critic)."),
        ("%%pipeline poet -> -> critic\nHi", "missing agent after the first ->"),
        ("%%agents poet --tiemout 3\nHi", "Did you mean --timeout?"),
        ("%%pipeline poet --until (\nHi", "%%pipeline: --until"),
        ("%agents stopp", "no command 'stopp'. Did you mean stop?"),
        ("%%agent new -m nonsense\nHi", "%%agent: "),
    ],
)
def test_what_is_wrong_with_a_cell_is_said_in_one_line_and_stops_it(kernel: Any, code: str, text: str):
    cell = kernel.run(code)
    assert cell.stderr.startswith("UsageError: ")
    assert text in cell.stderr
    assert [output.kind for output in cell.outputs] == ["stderr"]


def test_a_deadline_ends_the_run(kernel: Any):
    kernel.run("%%agent slow -m demo-slow\nYou are a poet. You write four short lines. No title.")
    cell = kernel.run("%%agents slow --timeout 0.2\nWrite about rain.")
    assert cell.error.startswith("CallTimeoutError: ")
    assert "✗ slow timed out" in cell.card
    assert cell.seconds < 5


def test_a_dry_run_sends_nothing(kernel: Any):
    before = kernel.run("poet.memory.size()").card
    cell = kernel.run("%%agents poet --dry-run\nWrite about {1}.")
    assert cell.card.startswith("dry run · poet")
    assert cell.card.endswith("nothing was sent")
    hub = kernel.run('%%msghub poet critic --announce "Hello." --dry-run\npoet()')
    assert "dry run · msghub poet, critic" in hub.card
    assert kernel.run("poet.memory.size()").card == before


def test_in_the_background_the_cell_ends_at_once_and_the_card_goes_on(kernel: Any):
    kernel.run("%%agent slow -m demo-slow\nYou are a poet. You write four short lines. No title.")
    cell = kernel.run("%%agents slow -b -o later\nWrite about rain.")
    assert cell.seconds < 1
    card = cell.outputs[0]
    assert "▶ running" in card.data["text/plain"]
    kernel.run("text = later.content")
    kernel.run("import time\nwhile later._promise is None: pass\ntime.sleep(0.3)")
    assert "✓ done" in card.data["text/plain"]
    assert 'role="log"' not in card.data["text/html"]


def test_quietly_only_failures_are_shown(kernel: Any):
    assert kernel.run("%%agents poet -q\nHello.").outputs == []
    assert kernel.run("_.name").card == "'poet'"
    kernel.run("%%agent broken -m demo-error\nYou are broken.")
    assert (
        "✗ broken got no answer from its model"
        in kernel.run("%%agents broken -q\nHello.").outputs[0].data["text/plain"]
    )


def test_other_magics_can_wrap_ours(kernel: Any):
    cell = kernel.run("%%time\n%%agents poet\nHello.")
    assert "Wall time" in cell.stdout
    assert "poet · ✓ done" in cell.outputs[0].data["text/plain"]
    cell = kernel.run("r = get_ipython().run_cell_magic('agents', 'poet critic', 'Hello.')")
    assert kernel.run("[m.name for m in r]").card == "['poet', 'critic']"
    kernel.run("get_ipython().run_cell_magic('msghub', 'poet critic', 'inner = poet()')")
    assert kernel.run("inner.name").card == "'poet'"


def test_a_person_in_a_pipeline_is_asked(kernel: Any):
    assert kernel.run("%%agent me --kind user").card == "me ready · a person · memory 0"
    cell = kernel.run("%%pipeline poet -> me -o said\nHello.", answers=("fine",))
    assert cell.prompts == ["me: "]
    assert kernel.run("said.name, said.content").card == "('me', 'fine')"


def test_model_text_stays_text(kernel: Any):
    kernel.run("evil = '<script>alert(1)</script><img src=x onerror=alert(2)>'")
    cell = kernel.run("%%agents critic\nSay exactly: {evil}")
    for shown in cell.outputs[0].history:
        assert "<script" not in shown["text/html"]
        assert "<img" not in shown["text/html"]
        assert "text/markdown" not in shown


def test_all_are_asked(new_kernel: Any):
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    assert "there are no agents yet" in kernel.run("%%agents all\nHello.").stderr
    for name in ("anna", "bert"):
        kernel.run(f"%%agent {name} -m demo-fast\nYou are an echo.")
    kernel.run("%%agents all -o said\nHello.")
    assert kernel.run("[m.name for m in said]").card == "['anna', 'bert']"
    assert "you → anna, bert" in kernel.run("%%agents -o said\n@all Hello.").card
    assert kernel.run("[m.name for m in said]").card == "['anna', 'bert']"


def test_agents_of_the_notebooks_own_code_take_part(kernel: Any):
    kernel.run(
        "from nbagents import AgentBase, Msg\n"
        "class Parrot(AgentBase):\n"
        "    def reply(self, x=None):\n"
        "        print('squawk')\n"
        "        return Msg(self.name, x.content.upper() if x else 'SILENCE')\n"
        "bird = Parrot('polly')"
    )
    cell = kernel.run("%%pipeline bird -> poet\nHello.")
    assert "polly · " in cell.card
    assert "HELLO." in cell.card
    assert "nba-row nba-c7" in cell.html
    assert "you: Repeat ‹bird: HELLO.›" in kernel.run("%%agents poet\nRepeat {bird}").card
    hub = kernel.run("%%msghub bird poet\nbird(); poet()")
    assert "heard by poet" in hub.card
    assert "heard by polly" in hub.card
    assert kernel.complete("%%agents bi") == ["bird"]
