"""What every kind of service promises, whichever place it keeps things in."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nbagents._loop import background
from nbagents.agents import AgentBase
from nbagents.exceptions import StateCorruptError, UsageError
from nbagents.message import Msg
from nbagents.services import Session

NO_IDS = [
    "../../x",
    "/etc/x",
    "a/b",
    ".",
    "",
    "a\0b",
    "a\r\nb",
    "a\u202eb",
    "a\u200bb",
    "x" * 10_000,
    "a%",
    "a:b",
    "*",
]
SQL = ["' OR 1=1--", "x') UNION SELECT 1--", "$ne", "a; DROP TABLE nbagents_states"]


def contents(session: Session) -> list:
    return [message.content if isinstance(message, Msg) else message for message in session.messages]


# ------------------------------------------------------------------------------------------ states


def test_states_have_rounds_and_the_latest_is_given(place, user):
    async def main():
        async with place.state() as service:
            assert await service.export_state(user) is None
            assert [await service.save_state(user, {"n": n}) for n in range(3)] == [1, 2, 3]
            assert await service.export_state(user) == {"n": 2}
            assert await service.export_state(user, "default") == {"n": 2}
            assert await service.export_state(user, round_id=1) == {"n": 0}
            assert await service.export_state(user, round_id=9) is None
            assert await service.export_state(user, "other") is None
            assert await service.save_state(user, {"n": "again"}, round_id=2) == 2
            assert await service.export_state(user, round_id=2) == {"n": "again"}
            assert await service.export_state(user) == {"n": 2}
            assert await service.save_state(user, {"n": "far"}, round_id=40) == 40
            assert await service.save_state(user, {"n": "next"}) == 41
            assert await service.save_state(user, {"n": "zero"}, "zero", 0) == 0
            assert await service.export_state(user, "zero") == {"n": "zero"}

    asyncio.run(main())


def test_states_are_copied_both_ways(place, user):
    async def main():
        async with place.state() as service:
            state = {"deep": [{"text": "naïve \x00 \ud83d", "n": 1.5, "none": None}], "big": 2**70}
            await service.save_state(user, state)
            state["deep"][0]["n"] = 2
            first = await service.export_state(user)
            assert first["deep"][0] == {"text": "naïve \x00 \ud83d", "n": 1.5, "none": None}
            first["deep"].clear()
            assert (await service.export_state(user))["deep"][0]["n"] == 1.5
            assert (await service.export_state(user))["big"] == 2**70

    asyncio.run(main())


@pytest.mark.parametrize(
    "state", [{1: 2}, {"x": Ellipsis}, {"x": float("nan")}, {"x": b"bytes"}, ["no object"], "text"], ids=repr
)
def test_what_json_cannot_hold_is_refused(place, user, state):
    async def main():
        async with place.state() as service:
            with pytest.raises(UsageError):
                await service.save_state(user, state)
            assert await service.export_state(user) is None

    asyncio.run(main())


def test_saves_at_the_same_time_get_rounds_of_their_own(place, user):
    """From two services, as two processes have them, on loops of their own; one of memory is shared."""
    found: list[int] = []

    async def save(service, who):
        return await asyncio.gather(*(service.save_state(user, {"who": [who, n]}) for n in range(20)))

    async def own(who):
        async with place.state() as service:
            found.extend(await save(service, who))

    async def shared():
        async with place.state() as service:
            found.extend(await save(service, 0))
            work = asyncio.wrap_future(background().spawn(save(service, 1)))
            found.extend(await work)

    if place.kind == "memory":
        asyncio.run(shared())
    else:
        threads = [threading.Thread(target=lambda who=who: asyncio.run(own(who))) for who in range(2)]
        [thread.start() for thread in threads]
        [thread.join(50) for thread in threads]
    assert sorted(found) == list(range(1, 41))


@pytest.mark.parametrize("bad", [*NO_IDS, *SQL, 5, None], ids=lambda bad: ascii(bad)[:20])
def test_what_is_no_id_is_refused(place, user, bad):
    async def main():
        async with place.state() as states, place.history() as history:
            for use in (
                lambda: states.save_state(bad, {}),
                lambda: states.export_state(bad),
                lambda: history.list_sessions(bad),
                lambda: history.get_session(bad, "s"),
                lambda: history.append_message(Session("s", bad), {"text": "x"}),
            ):
                with pytest.raises(UsageError, match="user_id"):
                    await use()
            if bad is not None:
                for use in (
                    lambda: states.save_state(user, {}, bad),
                    lambda: states.export_state(user, bad),
                    lambda: history.get_session(user, bad),
                    lambda: history.delete_session(user, bad),
                    lambda: history.append_message(Session(bad, user), {"text": "x"}),
                ):
                    with pytest.raises(UsageError, match="session_id"):
                        await use()
            for round_id in ("1", -1, 1.5, True, 1 << 60):
                with pytest.raises(UsageError, match="round_id"):
                    await states.export_state(user, round_id=round_id)
            assert await history.list_sessions(user) == []

    asyncio.run(main())


def test_tenants_never_mix(place, user):
    users = [f"{user}al", f"{user}alice", f"{user}a_", f"{user}ab", f"{user}a.b", f"{user}A_", user]

    async def main():
        async with place.state() as states, place.history() as history:
            for one in users:
                await states.save_state(one, {"whose": one}, "s")
                await history.append_message(await history.create_session(one, "s"), Msg(one, one, "user"))
            for one in users:
                assert await states.export_state(one, "s") == {"whose": one}
                assert contents(await history.get_session(one, "s")) == [one]
            await history.delete_session(users[0], "s")
            assert await history.list_sessions(users[0]) == []
            for one in users[1:]:
                assert [(found.id, found.user_id) for found in await history.list_sessions(one)] == [
                    ("s", one)
                ]
                assert contents(await history.get_session(one, "s")) == [one]

    asyncio.run(main())


# ---------------------------------------------------------------------------------------- sessions


def test_sessions_are_made_listed_and_deleted(place, user):
    async def main():
        async with place.history() as history:
            assert await history.list_sessions(user) == []
            first = await history.create_session(user, "  tea ")
            assert (first.id, first.user_id, first.messages) == ("tea", user, [])
            made = [await history.create_session(user), await history.create_session(user, " ")]
            assert all(len(session.id) == 32 for session in made)
            assert (await history.get_session(user, "new")).messages == []
            known = [session.id for session in await history.list_sessions(user)]
            assert known == ["tea", made[0].id, made[1].id, "new"]
            await history.append_message(first, Msg("user", "hi"))
            assert contents(await history.create_session(user, "tea")) == ["hi"]
            assert [session.messages for session in await history.list_sessions(user)] == [[]] * 4
            await history.delete_session(user, "tea")
            await history.delete_session(user, "tea")
            assert (await history.get_session(user, "tea")).messages == []
            assert (await history.list_sessions(user))[-1].id == "tea"

    asyncio.run(main())


class LateTea(AgentBase):
    async def reply(self, x=None):
        return Msg(self.name, "late", "assistant")


def test_messages_come_back_as_they_were(place, user):
    async def main():
        async with place.history() as history:
            session = await history.create_session(user, "s")
            blocks = [{"type": "text", "text": "Tea?"}]
            message = Msg("user", blocks, "user", metadata={"n": 1})
            entry = {"role": "assistant", "content": [1, 2]}
            await history.append_message(session, [message, entry])
            await history.append_message(session, LateTea("late")())
            await history.append_message(session, [])
            blocks[0]["text"], entry["role"] = "changed", "changed"
            found = await history.get_session(user, "s")
            assert found.messages[0].to_dict() == message.to_dict() | {
                "content": [{"type": "text", "text": "Tea?"}]
            }
            assert found.messages[1] == {"role": "assistant", "content": [1, 2]}
            assert found.messages[2].content == "late"
            assert contents(session) == contents(found)
            found.messages[1]["role"] = "changed"
            assert (await history.get_session(user, "s")).messages[1]["role"] == "assistant"

    asyncio.run(main())


def test_of_several_messages_all_are_appended_or_none(place, user):
    async def main():
        async with place.history() as history:
            session = await history.create_session(user, "s")
            for bad in (
                object(),
                "text",
                None,
                Msg("user", float("inf"), "user"),
                {1: 2},
                {"__module__": "os"},
            ):
                with pytest.raises(UsageError):
                    await history.append_message(session, [Msg("user", "good"), bad])
                with pytest.raises(UsageError):
                    await history.append_message(session, bad)
            assert session.messages == []
            assert (await history.get_session(user, "s")).messages == []

    asyncio.run(main())


def test_messages_of_two_writers_stand_together(place, user):
    async def write(history, who):
        for turn in range(10):
            said = [{"who": who, "turn": turn, "part": part} for part in range(3)]
            await history.append_message(Session("s", user), said)

    async def main():
        async with place.history() as one, place.history() as two:
            other = one if place.kind == "memory" else two
            work = background().spawn(write(other, "b"))
            await write(one, "a")
            await asyncio.wrap_future(work)
            return (await one.get_session(user, "s")).messages

    found = asyncio.run(main())
    assert len(found) == 60
    for start in range(0, 60, 3):
        assert [(part["who"], part["turn"]) for part in found[start : start + 3]] == (
            [(found[start]["who"], found[start]["turn"])] * 3
        )
        assert [part["part"] for part in found[start : start + 3]] == [0, 1, 2]
    for who in "ab":
        assert [part["turn"] for part in found if part["who"] == who][::3] == list(range(10))


# ---------------------------------------------------------------------------------------- planted


GADGET = b"cos\nsystem\n(S'touch canary'\ntR."
PLANTED = [GADGET.decode(), "[1, 2]", "{", '{"x": NaN}', '{"__module__": "os", "__name__": "system"}', "7"]


def plant(place, user, states, history, planted):
    """Write past the services what stands in the place of a state and of a second message."""
    if place.kind == "memory":
        states._states[user, "s"][1] = planted
        history._sessions[user]["s"][1] = planted
    elif place.kind == "redis":
        place.plant("HSET", f"{place.url}:{{{user}}}:state:s", "r1", planted)
        place.plant("LSET", f"{place.url}:{{{user}}}:session:s", 2, planted)
    else:
        place.plant("UPDATE nbagents_states SET state = :x WHERE user_id = :u", x=planted, u=user)
        place.plant("UPDATE nbagents_messages SET body = :x WHERE user_id = :u AND n = 2", x=planted, u=user)


def test_planted_rows_are_refused_by_name(place, user, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def main():
        async with place.state() as states, place.history() as history:
            await states.save_state(user, {"n": 1}, "s")
            await history.append_message(await history.create_session(user, "s"), [{"n": 1}, {"n": 2}])
            for planted in PLANTED if place.kind == "postgresql" else [*PLANTED, GADGET, b"\xff\xfe"]:
                plant(place, user, states, history, planted)
                if "__module__" not in str(planted):  # of a state it is plain data
                    with pytest.raises(StateCorruptError, match=f"user {user}, session s, latest round, in"):
                        await states.export_state(user, "s")
                with pytest.raises(StateCorruptError, match=f"message 2 of the user {user}, session s, in"):
                    await history.get_session(user, "s")

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []
