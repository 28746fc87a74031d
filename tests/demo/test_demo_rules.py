"""The rules one by one: what is asked, and what must be in the reply."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbagents.demo import reply

POEM = (
    "Rain at dawn, grey and barely heard;\nthe window listens, pane by patient pane;\n"
    "one lamp answers, a little too late;\nthen rain again, softer than before."
)


def ask(text: str, *, prompt: str = "You are a helpful assistant.") -> str:
    return reply([{"role": "system", "content": prompt}, {"role": "user", "content": text}])


def hear(prompt: str, *said: tuple[str, str], me: str = "") -> str:
    roles = [
        {"role": "assistant" if name == me else "user", "name": name, "content": text} for name, text in said
    ]
    return reply([{"role": "system", "content": prompt}, *roles])


# ----------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 17 * 23?", "17 * 23 = 391"),
        ("17*23", "17 * 23 = 391"),
        ("what is (1+2)*3?", "(1 + 2) * 3 = 9"),
        ("Calculate 2 to the power of 10", "2 ^ 10 = 1024"),
        ("How much is 15% of 80?", "15 / 100 * 80 = 12"),
        ("What is 0.1 + 0.2?", "0.1 + 0.2 = 0.3"),
        ("What is 12 plus 30 minus 2?", "12 + 30 - 2 = 40"),
        ("What is 1,000 times 3?", "1000 * 3 = 3000"),
        ("What is 1/3?", "1 / 3 is about 0.333333"),
        ("What is 1 / 0?", "1 / 0 has no value: it divides by zero."),
        ("what is 2**100000", "2 ^ 100000 is out of my reach: I stop at 200 digits."),
        ("What is 17 * 23? Reply only with the number.", "391"),
        ("What is the average of 3, 4 and 8?", "The average of 3, 4, 8 is 5."),
        ("What is the largest of 3, 11 and 8?", "The largest of 3, 11, 8 is 11."),
    ],
)
def test_sums(question: str, answer: str):
    assert ask(question) == answer


@pytest.mark.parametrize("text", ["The year 2024-2025 was good", "Version 1.2/3 is out", "Call 555-1234 now"])
def test_a_number_in_a_sentence_is_no_sum(text: str):
    assert " = " not in ask(text)


@pytest.mark.parametrize(
    "text", ["(" * 199 + "1" + ")" * 199, "9" * 1500 + "*9", "what is 9**9**9**9?", "1+" * 900 + "1"]
)
def test_a_hostile_sum_ends_soon(text: str):
    begin = time.perf_counter()
    ask(text)
    assert time.perf_counter() - begin < 2


# ------------------------------------------------------------------------ counting and ordering


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Count the words in: to be or not to be", "6 words"),
        ("How many words are in “to be or not”?", "4 words"),
        ("How many letters are in strawberry?", "10 letters"),
        ("how many r's in strawberry?", "3 letters “r”"),
        ("How many times does the letter p appear in apple?", "2 letters “p”"),
        ("How often does the word rain appear in: rain, rain and sun", "2 times"),
    ],
)
def test_counting(question: str, answer: str):
    assert answer in ask(question)


def test_counting_what_somebody_said():
    said = hear("x", ("poet", POEM), ("you", "How many words did poet write?"))
    assert said.startswith("27 words in poet's message")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Sort: pear, apple and fig", "apple, fig, pear"),
        ("sort these numbers: 3, 10, 2", "2, 3, 10"),
        ("Sort these numbers descending: 3, 10, 2", "10, 3, 2"),
        ("Sort by length: three, a, of", "a, of, three"),
        ("Reverse: one, two, three", "three, two, one"),
        ("Sort:\n- pear\n- apple", "apple\npear"),
    ],
)
def test_ordering(question: str, answer: str):
    assert ask(question) == answer


def test_a_summary_is_a_sentence_of_the_text():
    text = "Hello there. Rain fills the river. The river floods when rain stays. Bye."
    assert ask(f"Summarise in one sentence: {text}") == "The river floods when rain stays."


# -------------------------------------------------------------------------------------- measures


PROMPTS = {
    "open": ("You are helpful.", [("you", "{}: what is love?")]),
    "poet": ("You are a poet.", [("you", "Write about the old harbour {}")]),
    "writer": ("You are a writer.", [("you", "Write about tea {}")]),
    "debate": ("You are an optimist. Answer {}.", [("you", "Should we go before noon?")]),
    "judge": (
        "You are a judge. Reply {}.",
        [("optimist", "Yes, go: it is warm."), ("pessimist", "No, wait.")],
    ),
    "hub": ("You are bob. Answer {}.", [("host", "Plan a picnic."), ("alice", "Fix the day.")]),
    "summary": ("x", [("alice", "Tea is warm."), ("bob", "Coffee is strong."), ("you", "Summarise {}.")]),
}


@pytest.mark.parametrize("who", PROMPTS)
@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 12, 13, 20, 27, 40, 60])
def test_a_number_of_words_is_kept(who: str, number: int):
    prompt, said = PROMPTS[who]
    for measure, low, high in (
        (f"in at most {number} words", 1, number),
        (f"in exactly {number} words", number, number),
        (f"in {number} words", number, number),
        (f"in fewer than {number + 1} words", 1, number),
        (f"in at least {number} words", number, 10_000),
    ):
        text = hear(prompt.format(measure), *((name, line.format(measure)) for name, line in said))
        assert low <= len(text.split()) <= high, (measure, text)


@pytest.mark.parametrize("who", PROMPTS)
@pytest.mark.parametrize(("word", "number"), [("one", 1), ("two", 2), ("3", 3)])
def test_a_number_of_sentences_and_of_lines_is_kept(who: str, word: str, number: int):
    prompt, said = PROMPTS[who]
    plural = "" if number == 1 else "s"
    measure = f"in {word} sentence{plural}"
    text = hear(prompt.format(measure), *((name, line.format(measure)) for name, line in said))
    assert len(re.findall(r"[.!?](?=\s|$)", text)) == number, text
    measure = f"in {word} line{plural}"
    text = hear(prompt.format(measure), *((name, line.format(measure)) for name, line in said))
    assert len(text.splitlines()) == number, text


def test_other_measures():
    assert len(ask("In at most 40 characters: what is love?")) <= 40
    assert len(ask("Give me three bullet points about love").splitlines()) == 3
    assert ask("In upper case: what is love?").isupper()
    assert ask("Reply only with the word BANANA") == "BANANA"
    assert ask('Say "ping"') == "ping"
    assert ask("anything", prompt="Always reply with 'pong'.") == "pong"
    assert (
        ask("line one\n  line two", prompt="You are an echo. Repeat what you hear.") == "line one\n  line two"
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "You count. If there are at most 3 words reply OK.",
        "Texts come with 4 lines.",
        "The poem has 5 words.",
    ],
)
def test_a_condition_or_a_fact_is_no_measure(prompt: str):
    text = ask("What is the meaning of all this?", prompt=prompt)
    assert len(text.split()) > 10
    assert len(text.splitlines()) == 1


# ---------------------------------------------------------------------------------------- honesty


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "Are cats better than dogs?",
        "Explain gravity.",
        "list 5 cities",
        "Why?",
    ],
)
def test_what_no_rule_answers_is_said_to_be_so(question: str):
    said = ask(question)
    assert said.startswith("I am the offline demo model; I follow a few rules and cannot answer")
    assert "A real model would receive these 2 messages." in said
    assert "Paris" not in said


def test_it_says_what_it_is():
    assert "not an AI" in ask("Are you an AI?")
    assert "not an AI" in ask("hello")
    assert "No message has reached me yet" in reply([{"role": "system", "content": "x"}])


def test_another_agents_words_are_quoted_by_name():
    assert hear("You are Bob.", ("alice", "The moon is far away.")).startswith(
        "alice says “The moon is far away”"
    )


# ------------------------------------------------------------------------------ the same each time

PIECES = [
    "Write about rain",
    "at most 20 words",
    "in 12 words",
    "one sentence",
    "four lines",
    "what is 17 * 23?",
    "Sort: c, b, a",
    "Summarise.",
    "Vote for one of: a, b",
    "for or against: x",
    "Should we go before noon?",
    "Plan a picnic",
    "mention the sea",
    "APPROVED",
    "Cut “a little too late”",
    "the limit is 5",
    "as JSON",
    "reply only with X",
    "hello",
    "## Conversation History\nalice: hi",
    "bob: yes",
    "You are a poet",
    "You are a critic",
    "You are a judge",
    "You are Alice",
    "You are an optimist",
    "editor, apply it",
    "planner",
    "translate to German",
    "echo",
    ":",
    "“",
    '"',
    "(",
    "((1/0",
    "2**999",
    "日本語",
    "   ",
    "?",
    "\n",
]


def conversation(seed: int) -> list[dict[str, object]]:
    dice = random.Random(seed)

    def text(most: int) -> str:
        return dice.choice((" ", ". ", "\n", "")).join(
            dice.choice(PIECES) for _ in range(dice.randint(0, most))
        )

    messages: list[dict[str, object]] = [{"role": "system", "content": text(4)}]
    for _ in range(dice.randint(0, 6)):
        role = dice.choice(("user", "user", "assistant", "system", "tool"))
        messages.append({"role": role, "content": text(6)})
        if dice.random() < 0.6:
            messages[-1]["name"] = dice.choice(("alice", "bob", "poet", "critic", "you"))
    return messages


def test_nonsense_gets_a_reply_and_the_same_one_each_time():
    for seed in range(400):
        messages = conversation(seed)
        first = reply(messages)
        assert isinstance(first, str)
        assert first == reply(messages)


def test_another_process_with_another_hash_seed_says_the_same(root: Path):
    code = (
        "import json, sys; from nbagents.demo import reply; "
        "print(json.dumps([reply(one) for one in json.load(sys.stdin)]))"
    )
    asked = [conversation(seed) for seed in range(60)]
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "PYTHONUTF8": "1"},
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert json.loads(told[0]) == [reply(one) for one in asked]
