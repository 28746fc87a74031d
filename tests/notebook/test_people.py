"""A person at a front-end without widgets: asked by an input box, which an answer from elsewhere closes."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]

OWN = """\
import threading, time
from nbagents import asking
from nbagents.agents import AgentBase, UserAgent

def answer_later(seconds):
    def answer():
        opened = asking.open_questions()[-1]
        asking.answer(opened.question.id, "from elsewhere", {"points": "4"})
    threading.Timer(seconds, answer).start()
"""
SCHEMA = "{'properties': {'points': {'type': 'integer'}}, 'required': ['points']}"


@pytest.fixture(scope="module")
def person(kernel: Any) -> Any:
    kernel.run("%load_ext nbagents")
    kernel.run(OWN)
    kernel.run("%%agent me --kind user\nKeep it?")
    return kernel


def test_without_a_form_each_field_is_asked_for_in_the_box_until_it_fits(person: Any) -> None:
    cell = person.run(
        f"m = me('Well?', schema={SCHEMA})\nprint(m.content, m.metadata)", answers=("fine", "four", "4")
    )
    assert cell.prompts == [
        "Keep it?",
        "points: ",
        "points a whole number is wanted, not 'four': ",
    ]
    assert "fine {'points': 4}" in cell.stdout


def test_an_answer_before_the_box_opens_none(person: Any) -> None:
    cell = person.run("answer_later(1)\nprint(me('?').content)", answers=("too late",))
    assert cell.prompts == []
    assert "from elsewhere" in cell.stdout


def test_asking_with_choices_from_an_agents_own_code(person: Any) -> None:
    person.run(
        """
class Printer(AgentBase):
    async def reply(self, x=None):
        question = asking.Question("printer", "Print it?", choices=("yes", "no"), default="no", timeout=4)
        answer = await asking.fill(question)
        return f"{answer.text} {answer.how}"
"""
    )
    assert person.run("Printer('printer')().content", answers=("yes",)).card == "'yes answered'"
    assert person.run("Printer('printer')().content").card == "'no default'"


@pytest.mark.parametrize("code", ["me('?').content", "UserAgent('own')('?').content"])
def test_an_answer_from_elsewhere_closes_the_box_and_the_next_cell_works(person: Any, code: str) -> None:
    cell = person.run(f"answer_later(5)\nprint({code})")
    assert "from elsewhere" in cell.stdout
    assert person.run("print('free')").stdout == "free\n"


def test_an_interrupt_at_the_box_ends_the_cell(person: Any) -> None:
    cell = person.run("me('?').content", interrupt_after=5)
    assert cell.seconds < 3
    assert person.run("print('free')").stdout == "free\n"
    assert person.run("len(asking.open_questions())").card == "0"


@pytest.mark.parametrize("now", [False, True], ids=["restarted", "killed"])
def test_what_was_asked_before_a_restart_is_shown_and_answered_after_it(new_kernel: Any, now: bool) -> None:
    kernel = new_kernel()
    kernel.run("%load_ext nbagents")
    kernel.run("%%agent poet -m demo-fast\nYou are a poet.")
    kernel.run("%%agent me --kind user\nKeep it?")
    kernel.run("%%pipeline poet -> me -> poet -b\nWrite about rain.")
    waits = (
        "import time\nfrom nbagents import asking\n"
        "while not asking.open_questions(): time.sleep(0.05)\n"
        "question = asking.open_questions()[0].question\nquestion.agent, question.said[:5]"
    )
    assert kernel.run(waits).card == "('me', 'poet:')"
    kernel.manager.restart_kernel(now=now)
    kernel.client.wait_for_ready(timeout=30)
    kernel.run("%load_ext nbagents")
    assert kernel.run(waits).card == "('me', 'poet:')"
    kernel.run("asking.answer(question.id, 'Keep it.')")
    done = (
        "from nbagents.setup import session\nclient = session().server.client()\n"
        "while client.runs()[-1]['state'] == 'running': time.sleep(0.05)\n"
        "client.runs()[-1]['state'], [m.content for m in me.memory.get_memory()][-1]"
    )
    assert kernel.run(done).card == "('done', 'Keep it.')"
