"""The game of the Werewolf tutorial, played to its end with ten seeds, as a plain program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import pytest

TUTORIAL = Path(__file__).parents[2] / "notebooks" / "08-werewolf.md"
SEEDS = [*range(10, 20), 10]
PLAY = f"""
for seed in {SEEDS}:
    game, deaths = deal(seed, model="demo-fast"), []
    while not game.winner:
        game.night()
        deaths.append(game.dead)
        if not game.winner:
            game.day()
            deaths.append(game.dead)
    memories = {{name: player.memory.get_memory() for name, player in game.players.items()}}
    heard = {{name: [(m.name, m.content) for m in memory] for name, memory in memories.items()}}
    told = dict(winner=game.winner, roles=game.roles, alive=game.alive, deaths=deaths, heard=heard)
    print("GAME", json.dumps(told))
"""


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The games, and at the end the first one once more."""
    cells = [cell.source for cell in jupytext.read(TUTORIAL).cells if cell.cell_type == "code"]
    table, rules, players = [cell for cell in cells if not cell.startswith("%")][:3]
    program = tmp_path_factory.mktemp("werewolf") / "game.py"
    program.write_text("\n\n".join(["import json", table, rules, players, PLAY]))
    command = [sys.executable, "-W", "error", program.name]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("GAME ")]


@pytest.mark.long
@pytest.mark.timeout(120)
def test_every_game_has_a_winner_who_has_won(games: list[dict[str, Any]]) -> None:
    assert len(games) == len(SEEDS)
    for game in games:
        wolves = sum(game["roles"][name] == "werewolf" for name in game["alive"])
        expected = "the village" if wolves == 0 else "the werewolves"
        assert game["winner"] == expected
        assert wolves == 0 or 2 * wolves >= len(game["alive"])
        gone = [name for dead in game["deaths"] for name in dead]
        assert sorted([*gone, *game["alive"]]) == sorted(game["roles"]), "each dies once or lives"
    assert {game["winner"] for game in games} == {"the village", "the werewolves"}


@pytest.mark.long
@pytest.mark.timeout(120)
def test_each_seed_has_its_own_course_and_always_the_same(games: list[dict[str, Any]]) -> None:
    *ten, again = games
    assert again == ten[0]
    assert len({json.dumps(game["heard"]) for game in ten}) == 10
    assert len({json.dumps([game["roles"], game["deaths"]]) for game in ten}) == 10


@pytest.mark.long
@pytest.mark.timeout(120)
def test_nobody_hears_what_is_not_for_them(games: list[dict[str, Any]]) -> None:
    for game in games:
        for name, role in game["roles"].items():
            said = [content for who, content in game["heard"][name] if who == "Moderator"]
            assert any("Werewolves, discuss" in text for text in said) == (role == "werewolf")
            assert any("Seer, whom" in text for text in said) == (role == "seer")
            assert any("A new day." in text for text in said) or name in game["deaths"][0]
