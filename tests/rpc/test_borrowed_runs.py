"""Only the session that has lent a run its limits may lend it more, or take back what it has lent."""

from __future__ import annotations

import json
import uuid

from nbagents import _loop


def ask(client, method, **about):
    async def there():
        return (await client.attachment.ask(method, value=json.dumps(about))).message

    return json.loads(_loop.background().run(there()))


def test_a_session_cannot_take_back_what_another_one_has_lent(client, another):
    mine, theirs = uuid.uuid4().hex, uuid.uuid4().hex
    lent = {"calls": 5}
    limits = {"max_calls": 9}
    assert ask(client, "limit_run", run=mine, limits=limits, lent=lent) is True
    assert ask(another, "limit_run", run=theirs, limits=limits, lent=lent) is True
    assert not ask(another, "recall_run", run=mine)["calls"]
    assert ask(client, "recall_run", run=mine)["calls"] == 5
