"""What a newcomer sees first: the conversations of the tutorial, played with the rules alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nbagents.demo import reply

POET = "You write four short lines about what you are asked. No title."
CRITIC = "You are a strict editor. If there are at most {limit} words reply APPROVED, else say what to cut."
QUESTION = "Should we refactor the tokenizer before the release?"


class Agent:
    """An agent as the product makes one: a prompt, a memory, and the roles as this agent sees them."""

    def __init__(self, name: str, prompt: str) -> None:
        self.name = name
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": prompt}]

    def hear(self, name: str, text: str) -> None:
        role = "assistant" if name == self.name else "user"
        self.messages.append({"role": role, "name": name, "content": text})

    def __call__(self, name: str = "", text: str = "") -> str:
        if text:
            self.hear(name, text)
        said = reply(self.messages)
        self.hear(self.name, said)
        return said


def count(text: str) -> int:
    return len(text.split())


def loop(task: str, limit: int, passes: int = 3) -> tuple[list[str], list[str], Agent]:
    """Play ``poet -> critic`` until the critic approves."""
    poet, critic = Agent("poet", POET), Agent("critic", CRITIC.format(limit=limit))
    drafts, remarks = [poet("user", task)], []
    while len(remarks) < passes:
        remarks.append(critic("poet", drafts[-1]))
        if "APPROVED" in remarks[-1] or len(remarks) == passes:
            break
        drafts.append(poet("critic", remarks[-1]))
    return drafts, remarks, poet


def test_the_loop_of_poet_and_critic_ends_on_its_second_pass():
    drafts, remarks, _ = loop("Write about rain", 20)
    assert count(drafts[0]) == 27
    assert len(drafts[0].splitlines()) == 4
    assert drafts[0].lower().count("rain") == 2
    assert remarks[0].startswith("poet, that is 27 words; the limit is 20. Cut “")
    assert remarks[1:] == ["APPROVED"]
    assert count(drafts[1]) <= 20
    assert len(drafts[1].splitlines()) == 4


def test_the_poet_cuts_the_very_words_that_the_critic_quotes():
    drafts, remarks, _ = loop("Write about rain", 20)
    quoted = re.findall("“(.+?)”", remarks[0])
    assert quoted
    assert all(phrase in drafts[0] and phrase not in drafts[1] for phrase in quoted)


@pytest.mark.parametrize("limit", [5, 8, 12, 16, 20, 26])
@pytest.mark.parametrize(
    "task",
    [
        "Write about rain",
        "Write about machine learning.",
        "the old harbour",
        "Write a poem on my cat Tom, please",
    ],
)
def test_every_limit_is_met_on_the_second_pass(task: str, limit: int):
    drafts, remarks, _ = loop(task, limit)
    assert count(drafts[0]) > limit
    assert count(drafts[1]) <= limit
    assert remarks[1] == "APPROVED"


def test_a_text_within_the_limit_is_approved_at_once():
    drafts, remarks, _ = loop("Write about rain", 27)
    assert (len(drafts), remarks) == (1, ["APPROVED"])


def test_steering_keeps_what_was_agreed_before():
    _, _, poet = loop("Write about rain", 20)
    draft = poet("user", "mention the sea")
    assert "the sea, " in draft, "what was asked for is shortened last"
    assert "rain" in draft.lower()
    assert count(draft) <= 20
    assert len(draft.splitlines()) == 4


def test_one_more_line_is_one_line_on_the_same_topic():
    _, _, poet = loop("Write about rain", 20)
    line = poet("user", "one more line")
    assert len(line.splitlines()) == 1
    assert "rain" in line


def test_poets_in_a_hub_and_a_poet_called_twice_do_not_repeat_themselves():
    poets = [Agent(name, "You are a poet.") for name in ("ann", "ben", "cat")]
    for poet in poets:
        poet.hear("host", "Write about rain")
    verses = []
    for poet in poets:
        verses.append(poet())
        for other in poets:
            if other is not poet:
                other.hear(poet.name, verses[-1])
    assert len(set(verses)) == 3
    alone = Agent("poet", POET)
    assert alone("user", "Write about rain") != alone()


def test_two_agents_asked_the_same_answer_by_their_own_instructions():
    task = "In one sentence: what makes a good poem?"
    answers = [Agent("poet", POET)("user", task), Agent("critic", CRITIC.format(limit=20))("user", task)]
    assert answers[0] != answers[1]
    for answer in answers:
        assert "offline demo model" in answer
        assert "what makes a good poem" in answer
        assert len(re.findall(r"[.!?](?=\s|$)", answer)) == 1


def debate() -> list[tuple[str, str]]:
    names = ("optimist", "pessimist", "realist")
    return [(name, Agent(name, f"You are the {name}. One sentence.")("user", QUESTION)) for name in names]


def test_the_judge_quotes_the_three_by_name_and_counts_their_votes():
    opinions = debate()
    assert [text.split(",")[0] for _, text in opinions] == ["Yes", "No", "Yes"]
    judge = Agent("judge", "You are a judge. Weigh the opinions and decide.")
    for name, text in opinions:
        judge.hear(name, text)
    verdict = judge()
    for name, text in opinions:
        assert name in verdict
        assert text.rsplit(": ", 1)[1].rstrip(".") in verdict
    assert verdict.endswith("By 2 of 3 votes: yes, refactor the tokenizer before the release.")


def test_the_judge_works_with_those_who_were_not_stopped():
    judge = Agent("judge", "You are a judge.")
    for name, text in debate()[:2]:
        judge.hear(name, text)
    verdict = judge()
    assert "realist" not in verdict
    assert "A tie of 1 to 1" in verdict


def test_in_a_hub_each_builds_on_the_one_before_by_name_and_the_last_sums_up():
    agents = [Agent(name, f"You are {name.title()}.") for name in ("alice", "bob", "carol")]
    for agent in agents:
        agent.hear("host", "Plan a picnic, one sentence each.")
    told: list[tuple[str, str]] = []
    for _ in range(2):
        for agent in agents:
            said = agent()
            for other in agents:
                if other is not agent:
                    other.hear(agent.name, said)
            if told:
                assert said.startswith(f"Building on {told[-1][0]} (“")
            assert said.count(".") == 1
            told.append((agent.name, said))
    assert len({text.rsplit(": ", 1)[1] for _, text in told}) == 6, "nobody repeats a point"
    summary = agents[2]("user", "Summarise.")
    for name, text in told:
        assert name in summary
        assert text.rsplit(": ", 1)[1].rstrip(".") in summary


@pytest.mark.parametrize("name", ["critic", "strict_critic"])
def test_a_name_that_is_repeated_in_the_text_is_no_part_of_it(name: str):
    poet = Agent("poet", POET)
    poet("user", "Write about rain")
    shown = name.replace("_", " ")
    assert poet(name, f"{shown}: I like it.").startswith(f"{name} says “I like it”;")


def test_a_name_that_no_field_can_hold_is_read_from_the_text():
    messages = [
        {"role": "system", "content": "You are Bob."},
        {"role": "user", "content": "小明: The moon is far."},
    ]
    assert reply(messages).startswith("小明 says “The moon is far”")


def test_a_proposal_is_named_and_voted_on():
    proposal = Agent("alice", "You are Alice.")("user", "Propose a name for the project. Topic: rain")
    assert "Rain" in proposal
    vote = f"Vote for or against: {proposal}"
    assert Agent("bob", "You are Bob.")("user", vote).startswith("For: “Proposal: Rain")
    assert Agent("carol", "You are a pessimist.")("user", vote).startswith("Against")


def test_hello_shows_what_is_remembered():
    _, _, poet = loop("Write about rain", 20)
    assert poet("user", "hello").startswith("Hello. I remember 4 messages")


def test_nobody_is_mistaken_for_oneself_where_every_agent_is_an_assistant():
    said = [{"role": "assistant", "name": name, "content": text} for name, text in debate()]
    verdict = reply([{"role": "system", "content": "You are a judge."}, *said])
    assert all(name in verdict for name, _ in debate())


@pytest.mark.parametrize("form", ["named", "folded", "lines"])
def test_a_history_is_read_in_each_of_its_forms(form: str):
    prompt, (draft, *_), _ = CRITIC.format(limit=20), *loop("Write about rain", 20)[:2]
    messages = {
        "named": [{"role": "system", "content": prompt}, {"role": "user", "name": "poet", "content": draft}],
        "folded": [
            {
                "role": "user",
                "content": f"{prompt}\n\n## Conversation History\nuser: Write about rain\npoet: {draft}",
            }
        ],
        "lines": [
            {"role": "system", "content": prompt},
            {"role": "user", "content": f"user: Write about rain\npoet: {' / '.join(draft.splitlines())}"},
        ],
    }[form]
    assert reply(messages).startswith("poet, that is 27 words; the limit is 20. Cut “")
