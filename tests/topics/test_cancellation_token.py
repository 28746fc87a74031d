"""A token cancels what is linked to it, from any thread."""

import asyncio
import threading

import pytest

from nbagents.topics import CancellationToken


def test_a_future_is_cancelled_from_another_thread():
    async def main():
        token = CancellationToken()
        future = token.link_future(asyncio.get_running_loop().create_future())
        threading.Thread(target=token.cancel).start()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(future, 5)
        assert token.is_cancelled()

    asyncio.run(main())


def test_what_is_linked_afterwards_is_cancelled_too():
    async def main():
        token = CancellationToken()
        token.cancel()
        token.cancel()
        assert token.link_future(asyncio.get_running_loop().create_future()).cancelled()

    asyncio.run(main())


def test_a_future_that_is_done_is_let_go_of():
    async def main():
        token = CancellationToken()
        future = token.link_future(asyncio.get_running_loop().create_future())
        future.set_result(1)
        await future
        await asyncio.sleep(0)
        assert token._callbacks == {}

    asyncio.run(main())


def test_a_callback_that_fails_harms_no_other(caplog):
    token, heard = CancellationToken(), []
    token.add_callback(lambda: 1 / 0)
    token.add_callback(lambda: heard.append(1))
    token.add_callback(lambda: heard.append(2))()
    token.cancel()
    assert heard == [1]
    assert "callback" in caplog.text
