"""A reply whose call carries a key is kept with what it changed, so that the call need not run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journal_agents import Editor, Keeps, Still

from nbagents._loop import background
from nbagents.agents import AgentBase, Call, scheduler
from nbagents.message import Msg
from nbagents.rpc._hosted import Hosted
from nbagents.rpc._keeper import NO_REPLY, Keeper
from nbagents.store import Journal


class Keeping:
    """A journal and agents in this process."""

    def __init__(self, path: Path) -> None:
        self.path, self.keeper = path, Keeper(Journal(path), max_replies=3, max_age=60)

    def make(self, cls: type[AgentBase]) -> AgentBase:
        agent = cls("a")
        self.do(lambda: self.keeper.kept(Hosted(agent, "a", {"class_name": "A", "args": [], "kwargs": {}})))
        return agent

    def do(self, work: Any) -> Any:
        async def on_the_loop() -> Any:
            found = work()
            await self.keeper.saved()
            return found

        return background().run(on_the_loop(), timeout=20)

    def call(self, agent: AgentBase, key: str, *args: Any) -> Any:
        async def on_the_loop() -> Any:
            call = Call(
                scheduler(), agent, agent.reply, args, {}, kind="call", parent=None, path=(1,), client="t"
            )
            call.key = key
            scheduler().admit(call, run="", workspace="", timeout=None)
            return await call.arrive()

        return background().run(on_the_loop(), timeout=20)


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    made = Keeping(tmp_path / "j")
    yield made
    made.do(lambda: made.keeper.close(remove=True))
    assert list(tmp_path.iterdir()) == []


def test_a_reply_is_kept_and_found_by_its_key_again(keeping: Keeping):
    agent = keeping.make(Keeps)
    said = keeping.call(agent, "k1", Msg("user", "hi"))
    assert keeping.keeper.kept_reply("k1").to_dict() == said.to_dict()
    assert keeping.keeper.kept_reply("k2") is NO_REPLY
    still = keeping.make(Still)
    assert keeping.call(still, "k3").id == keeping.keeper.kept_reply("k3").id  # though it changed nothing
    keeping.do(lambda: keeping.keeper.close(remove=False))
    keeping.keeper = Keeper(Journal(keeping.path))
    assert keeping.keeper.kept_reply("k1").to_dict() == said.to_dict()


def test_a_failed_call_may_run_again_and_old_replies_go_first(keeping: Keeping):
    agent = keeping.make(Editor)
    with pytest.raises(ValueError, match="as asked"):
        keeping.call(agent, "failed", "fail")
    assert keeping.keeper.kept_reply("failed") is NO_REPLY
    for number in range(5):
        keeping.call(agent, f"k{number}", f"line {number}")
    kept = [keeping.keeper.kept_reply(f"k{number}") is not NO_REPLY for number in range(5)]
    assert kept == [False, False, True, True, True]
    assert len(keeping.keeper.journal.reply_keys()) == 3
    keeping.keeper.max_age = -1
    assert keeping.keeper.kept_reply("k4") is NO_REPLY


def test_all_changes_of_a_turn_are_one_transaction_and_none_are_none(keeping: Keeping):
    agents = [keeping.make(Still) for _ in range(50)]
    before = keeping.keeper.commits
    message = Msg("host", "welcome")
    scheduler().broadcast(message, agents).result(20)
    assert keeping.keeper.commits == before + 1
    assert [agent.memory.get_memory() for agent in agents] == [[message]] * 50
    for agent in agents:
        agent().result(20)
    assert keeping.keeper.commits == before + 1
    assert len(list(keeping.keeper.journal.messages())) == 1  # kept once for all of them
    assert len(list(keeping.keeper.journal.memories())) == 50
