"""Searchers look at the same time, each in its own process; an editor waits for all of them."""

import time

import agentscope
from agentscope.agents import AgentBase
from agentscope.message import Msg, PlaceholderMessage

SECONDS = 1


class Searcher(AgentBase):
    """Takes its time."""

    def __init__(self, name: str, shelf: str) -> None:
        super().__init__(name=name)
        self.shelf = shelf

    def reply(self, x: Msg | None = None) -> Msg:
        time.sleep(SECONDS)
        return Msg(self.name, f"{x.content} stands on the {self.shelf} shelf", role="assistant")


class Editor(AgentBase):
    """Puts together what it is given."""

    def reply(self, x: list | None = None) -> Msg:
        return Msg(self.name, "; ".join(message.content for message in x), role="assistant")


def main() -> None:
    agentscope.init()
    searchers = [
        Searcher(f"searcher {number}", shelf, to_dist=True)
        for number, shelf in enumerate(("upper", "middle", "lower"))
    ]
    editor = Editor("editor", to_dist={"lazy_launch": False})
    question = Msg("user", "Poetry", role="user")
    for searcher in searchers:
        _ = searcher(question).content  # the first call of each starts its server

    begin = time.monotonic()
    found = [searcher(question) for searcher in searchers]
    summary = editor(found)
    asked = time.monotonic() - begin
    print("not waiting" if isinstance(summary, PlaceholderMessage) and asked < SECONDS else "waiting")
    print(summary.content)
    took = time.monotonic() - begin
    print("together" if took < 2.5 * SECONDS else f"one after the other: {took:.1f} s")


if __name__ == "__main__":
    main()
