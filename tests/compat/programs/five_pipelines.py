"""The five ways to put agents and functions together, as classes and as functions."""

import agentscope
from agentscope.agents import AgentBase
from agentscope.message import Msg
from agentscope.pipelines import (
    ForLoopPipeline,
    IfElsePipeline,
    SequentialPipeline,
    SwitchPipeline,
    WhileLoopPipeline,
)
from agentscope.pipelines.functional import (
    forlooppipeline,
    ifelsepipeline,
    placeholder,
    sequentialpipeline,
    switchpipeline,
    whilelooppipeline,
)


class Adder(AgentBase):
    """Adds a number to the one it hears."""

    def __init__(self, name: str, step: int) -> None:
        super().__init__(name=name)
        self.step = step

    def reply(self, x: Msg | None = None) -> Msg:
        return Msg(self.name, x.content + self.step, role="assistant")


def is_big(x: Msg) -> bool:
    return x.content > 10


def kind(x: Msg) -> str:
    return "even" if x.content % 2 == 0 else "odd"


def main() -> None:
    agentscope.init()
    one, ten = Adder("one", 1), Adder("ten", 10)
    start = Msg("user", 5, role="user")

    pairs = [
        (SequentialPipeline([one, ten])(start), sequentialpipeline([one, ten], start)),
        (IfElsePipeline(is_big, one, ten)(start), ifelsepipeline(is_big, one, ten, start)),
        (
            SwitchPipeline(kind, {"even": one}, [ten, ten])(start),
            switchpipeline(kind, {"even": one}, [ten, ten], start),
        ),
        (
            ForLoopPipeline(one, max_loop=20, break_func=is_big)(start),
            forlooppipeline(one, max_loop=20, break_func=is_big, x=start),
        ),
        (
            WhileLoopPipeline([one, one], condition_func=lambda i, x: i < 3)(start),
            whilelooppipeline([one, one], condition_func=lambda i, x: i < 3, x=start),
        ),
        (IfElsePipeline(is_big, one)(start), placeholder(start)),
    ]
    for by_class, by_function in pairs:
        print(by_class.content, by_function.content)

    outer = SequentialPipeline([IfElsePipeline(is_big, one, ForLoopPipeline([ten], 2)), one])
    print("nested", outer(start).content)
    try:
        SequentialPipeline([])
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main()
