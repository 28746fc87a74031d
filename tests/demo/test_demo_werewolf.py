"""The demo model plays Werewolf: by role, by what was said, and by the request's seed."""

from __future__ import annotations

from typing import Any

import pytest

from nbagents.demo.rules import Scene, speak

NAMES = ("Ada", "Ben", "Cleo", "Dev", "Eli", "Fay")
LIVING = f"Living: {', '.join(NAMES)}."


def play(role: str, *said: tuple[str, str], me: str = "Ada", seed: int = 0, more: str = "") -> str:
    """Return what a player says to the last of what was said."""
    prompt = f"You are {me}. You play a game of Werewolf with {', '.join(NAMES)}. Your role: {role}. {more}"
    messages: list[dict[str, Any]] = [{"role": "system", "content": prompt}]
    for name, text in said:
        role_ = "assistant" if name == me else "user"
        messages.append({"role": role_, "name": name, "content": text})
    return speak(Scene.of(messages, seed=seed))


def named(text: str) -> set[str]:
    return {name for name in NAMES if name in text}


def test_each_role_does_what_the_moderator_asks_of_it() -> None:
    partner = "The other werewolf is Ben."
    hunt = ("Moderator", f"Werewolves, discuss whom you attack tonight. {LIVING}")
    assert named(play("werewolf", hunt, more=partner)) - {"Ada", "Ben"}
    agreed = play("werewolf", hunt, ("Ben", "Let us take Fay: why not?"), more=partner)
    assert agreed == "Agreed, Fay it is."
    vote = ("Moderator", f"Werewolves, vote: whom do you attack? {LIVING}")
    said = [hunt, ("Ben", "Let us take Fay: why not?"), ("Ada", agreed), vote]
    assert play("werewolf", *said, more=partner) == "I vote for Fay."
    assert play("seer", ("Moderator", f"Seer, whom do you look at? {LIVING}")).startswith("I look at ")
    assert play("witch", ("Moderator", "Witch, Fay was attacked. Do you heal Fay, yes or no?"))[:3] in (
        "Yes",
        "No,",
    )
    assert play("witch", ("Moderator", f"Witch, do you poison somebody? {LIVING}"))[:2] in ("No", "Ye")


def test_a_seer_tells_what_it_saw_and_others_believe_it() -> None:
    saw = [("Moderator", "Fay is a werewolf."), ("Moderator", f"Discuss who may be a werewolf. {LIVING}")]
    said = {play("seer", *saw, seed=seed) for seed in range(20)}
    claim = "I am the seer, and I have seen that Fay is a werewolf! Vote with me."
    assert claim in said
    assert all("Fay" in text for text in said)
    day = [saw[1], ("Ada", claim), ("Moderator", f"Vote: who has to go? {LIVING}")]
    votes = [play("villager", *day, me="Cleo", seed=seed) for seed in range(20)]
    assert votes.count("I vote for Fay.") > 10
    assert play("werewolf", *day, me="Fay") == "I vote for Ada."


def test_a_player_votes_for_whom_it_suspected() -> None:
    talk = [("Moderator", f"Discuss who may be a werewolf. {LIVING}"), ("Ada", "I suspect Dev: so quiet.")]
    assert play("villager", *talk, ("Moderator", f"Vote: who has to go? {LIVING}")) == "I vote for Dev."


@pytest.mark.parametrize("role", ["villager", "werewolf", "seer", "witch"])
def test_the_seed_decides_and_nothing_else_does(role: str) -> None:
    ask = ("Moderator", f"Discuss who may be a werewolf. {LIVING}")
    said = [play(role, ask, seed=seed) for seed in range(10)]
    assert said == [play(role, ask, seed=seed) for seed in range(10)]
    assert len(set(said)) > 3
    assert all("Ada" not in text for text in said), "nobody suspects itself"


def test_who_is_in_no_game_is_left_alone() -> None:
    story = [{"role": "user", "content": "Write a poem about a werewolf."}]
    poet = [{"role": "system", "content": "You are a poet. You write four short lines."}, *story]
    assert "I suspect" not in speak(Scene.of(poet))
    assert "demo model" in play("villager", ("user", "Who are you?"))
