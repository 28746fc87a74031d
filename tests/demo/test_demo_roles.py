"""The demo model in its roles: critic, poet, editor, judge; and what it remembers of what it was told."""

from __future__ import annotations

import re

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


# ---------------------------------------------------------------------------------------- critic


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "You are a critic. Reply APPROVED if it has at most 20 words, otherwise ask to shorten it.",
            "limit is 20",
        ),
        (
            "You review. If the text has more than 20 words, say what to cut; otherwise reply APPROVED.",
            "limit is 20",
        ),
        (
            "You review poems. Texts must have fewer than 20 words. Reply APPROVED when satisfied.",
            "limit is 19",
        ),
        ("You are an editor. Say 'LGTM' if it is under 30 words.", "LGTM"),
        ("You are a critic. Reject anything over 10 words, else reply OK.", "limit is 10"),
        ("You are a critic. Approve poems of at least 40 words. Reply APPROVED.", "at least 40 are asked"),
        ("You are a critic. The poem must mention the sea. If so reply APPROVED.", "the sea is missing"),
        ("You check that texts have exactly two lines. Reply APPROVED then.", "make it 2 lines"),
        ("You are a critic.", "that is 27 words in 4 lines"),
    ],
)
def test_a_critic_measures_what_its_prompt_says(prompt: str, expected: str):
    said = hear(prompt, ("poet", POEM))
    assert expected in said
    assert said == "LGTM" or said.startswith("poet, ")


@pytest.mark.parametrize("limit", range(1, 27))
def test_without_the_quoted_phrases_the_text_is_within_the_limit(limit: int):
    remark = hear(f"You are a critic. If there are at most {limit} words reply APPROVED.", ("poet", POEM))
    flat, quoted = " ".join(POEM.split()), re.findall("“(.+?)”", remark)
    assert quoted
    for phrase in quoted:
        assert " ".join(phrase.split()) in flat
        flat = flat.replace(" ".join(phrase.split()), "", 1)
    assert len([word for word in flat.split() if re.search(r"\w", word)]) <= limit


def test_a_critic_follows_its_own_measure_and_reviews_no_question():
    prompt = "You are a critic. Reply in one sentence. If there are at most 20 words reply APPROVED."
    said = hear(prompt, ("poet", POEM))
    assert len(re.findall(r"[.!?](?=\s|$)", said)) == 1
    assert "cannot answer" in hear(prompt, ("you", "What do you think of tea?"))


@pytest.mark.parametrize(
    ("remark", "words", "lines"),
    [
        ("Too long! Please shorten it to 12 words.", 12, 4),
        ("Make it at most 10 words.", 10, None),
        ("Cut the last line.", 21, 3),
        ("critic says: the limit is 5 words", 5, None),
        ("shorter", 26, 4),
    ],
)
def test_a_poet_shortens_on_request(remark: str, words: int, lines: int | None):
    prompt = "You write four short lines about what you are asked."
    text = hear(prompt, ("you", "Write about rain"), ("poet", POEM), ("critic", remark), me="poet")
    assert 0 < len(text.split()) <= words
    assert lines is None or len(text.splitlines()) == lines
    assert "rain" in text.lower()


def test_a_poet_changes_words_keeps_an_approved_text_and_starts_anew():
    told = [("you", "Write about rain"), ("poet", POEM)]
    assert hear("You are a poet.", *told, ("you", "replace lamp with candle"), me="poet") == POEM.replace(
        "lamp", "candle"
    )
    assert hear("You are a poet.", *told, ("critic", "APPROVED"), me="poet") == POEM
    another = hear("You are a poet.", *told, ("you", "another one"), me="poet")
    assert another != POEM
    assert "rain" in another.lower()
    assert "snow" in hear("You are a poet.", *told, ("you", "Write about snow"), me="poet").lower()


def test_an_editor_told_to_apply_the_cuts_hands_back_the_text():
    prompt = "You are an editor. Apply the suggestions and give the final version."
    remark = "poet, that is 27 words; the limit is 20. Cut “a little too late” and “softer than before”."
    text = hear(prompt, ("poet", POEM), ("critic", remark))
    assert text.splitlines()[0] == POEM.splitlines()[0]
    assert text.endswith("one lamp answers;\nthen rain again.")
    assert "did not reach me" in hear(prompt, ("critic", remark))


# ---------------------------------------------------------------------------------- votes, memory


def test_votes_are_counted_by_name():
    ballots = [
        ("alice", "My vote: red."),
        ("bob", "I vote for Blue because of the sky."),
        ("carol", "Vote: red"),
    ]
    told = hear("You count.", *ballots, ("you", "Who has the most votes?"))
    assert told == "Red has the most votes. Red: 2 votes (alice and carol); Blue: 1 vote (bob)."
    assert "By 2 of 3 votes: red." in hear("You are a judge.", *ballots)
    assert ask("alice votes red, bob votes blue, carol votes red. Who has the most votes?").startswith(
        "Red has"
    )
    assert "A tie" in hear("You count.", *ballots[:2], ("you", "Who has the most votes?"))


def test_a_judge_without_votes_says_so():
    said = hear("You are a judge.", ("alice", "Tea is warm."), ("bob", "Coffee is strong."))
    assert "alice: “Tea is warm”" in said
    assert "found none" in said


def test_a_vote_is_cast_for_one_of_the_options_and_owns_up_to_its_rule():
    said = hear("You are Player1.", ("Moderator", "Vote for one of: Player2, Player3, Player4"))
    assert re.match(r"My vote: Player[234]\. A fixed rule picked it", said)


def test_what_was_told_is_remembered():
    told = [
        ("you", "My name is Ada and my favourite colour is green."),
        ("bot", "Noted."),
        ("alice", "I like tea."),
    ]
    assert "green" in hear("x", *told, ("you", "What is my favourite colour?"), me="bot")
    assert "I like tea" in hear("x", *told, ("you", "What did alice say?"), me="bot")
    assert "My name is Ada" in hear("x", *told, ("you", "What did I say?"), me="bot")
