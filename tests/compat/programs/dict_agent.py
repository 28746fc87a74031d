"""An agent that answers in fields: what it says goes to the others, what it thinks stays with it."""

import agentscope
from agentscope.agents import DictDialogAgent
from agentscope.message import Msg
from agentscope.parsers import MarkdownJsonDictParser

PARSER = MarkdownJsonDictParser(
    content_hint={
        "thought": "what you think",
        "speak": "what you say aloud",
        "finish_discussion": "true or false, whether you have come to an agreement",
    },
    required_keys=["thought", "speak", "finish_discussion"],
    keys_to_memory="speak",
    keys_to_content="speak",
    keys_to_metadata=["finish_discussion"],
)


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    player = DictDialogAgent(
        name="Player1", sys_prompt="You are Player1 in a game of guessing.", model_config_name="chat"
    )
    player.set_parser(PARSER)
    answer = player(Msg("Moderator", "Shall we end the game? Discuss.", role="system"))
    print("content is a", type(answer.content).__name__)
    print("finished is a", type(answer.metadata["finish_discussion"]).__name__)
    remembered = player.memory.get_memory()[-1].content
    print("remembers what it said aloud:", remembered == answer.content)


if __name__ == "__main__":
    main()
