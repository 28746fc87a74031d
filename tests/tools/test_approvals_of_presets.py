"""What a person is shown of a call whose arguments are partly preset, and what a yes is bound to."""

from __future__ import annotations

import functools

from nbagents import asking
from nbagents.asking import Approval
from nbagents.config import Secret
from nbagents.tools import Tool, Toolkit
from nbagents.tools import _approve as approve
from nbagents.tools._fixed import fixed_of

from .approvers import somebody, yes

KEY = "k3y-of-somebody"


def send_it(text: str, *, folder: str, api_key: str, address: str, options: dict, model: object) -> str:
    """Send it."""
    return f"sent from {folder}"


def sender(folder="/w/notes", **more):
    presets = {
        "folder": folder,
        "api_key": KEY,
        "address": "https://me:pass@example.org/a?key=1",
        "options": {"headers": {"X-Of": KEY}, "network": True, "readable": ["/data"]},
        "model": object(),
    }
    toolkit = Toolkit()
    toolkit.register_tool_function(send_it, preset_kwargs=presets, effects=["network"], **more)
    return toolkit


def test_a_person_sees_what_is_preset_but_no_secrets():
    toolkit, lines = sender(), []

    def typed(question):
        lines.append(question.prompt)
        assert Approval.from_dict(question.approval.to_dict()) == question.approval
        return "yes"

    block = {"type": "tool_use", "id": "c1", "name": "send_it", "input": {"text": "hello"}}
    with asking.answering(typed, approves=True):
        assert toolkit.call_tool_function(block).result(20).text == "sent from /w/notes"
    (prompt,) = lines
    assert '\n    text = "hello"\n  fixed: folder = "/w/notes", address = "https://***@example.org/' in prompt
    assert '"network": true, "readable": ["/data"]' in prompt
    assert "<object>" in prompt
    for secret in (KEY, "pass", "api_key"):
        assert secret not in prompt


def test_a_person_sees_which_database_it_is():
    tool = Tool(
        lambda query, address_secret: "",
        {"address_secret": "mysql+pymysql://me:pa@db:33/shop?key=7"},
        name="ask",
    )
    assert fixed_of(tool) == (("database", '"mysql+pymysql://db:33/shop"'),)
    tool = Tool(functools.partial(lambda query, table, most: "", table="t", most=3), name="ask")
    assert fixed_of(tool) == (("table", '"t"'), ("most", "3"))


def test_all_is_bound_to_what_is_preset_and_to_what_it_does():
    tool = sender().tools["send_it"]
    approve.grant_all("run-7", "poet", tool)
    passage = approve.Passage("send_it", "c1", run="run-7", agent="poet")
    assert approve._granted(passage, tool)
    tool.origin = "https://else"
    assert not approve._granted(passage, tool)
    tool.origin, tool.effects = "", frozenset({"write"})
    assert not approve._granted(passage, tool)
    tool.effects = frozenset({"network"})
    assert approve._granted(passage, tool)
    for name, value in (("folder", "/"), ("api_key", Secret("other")), ("options", {}), ("model", object())):
        kept, tool.preset_kwargs[name] = tool.preset_kwargs[name], value
        assert not approve._granted(passage, tool)
        tool.preset_kwargs[name] = kept
    assert approve._granted(passage, tool)


def test_what_is_preset_does_not_change_while_a_person_is_asked():
    toolkit = sender()

    def meanwhile(opened):
        toolkit.tools["send_it"].preset_kwargs["folder"] = "/"
        yes(opened)

    block = {"type": "tool_use", "id": "c1", "name": "send_it", "input": {"text": "hello"}}
    with somebody(meanwhile):
        assert "has changed meanwhile" in toolkit.call_tool_function(block).result(20).text
