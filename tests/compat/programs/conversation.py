"""A person talks with an assistant until the person types exit."""

import agentscope
from agentscope.agents import DialogAgent, UserAgent
from agentscope.pipelines.functional import sequentialpipeline


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    assistant = DialogAgent(
        name="Assistant",
        sys_prompt="You are an assistant who answers in one sentence.",
        model_config_name="chat",
    )
    person = UserAgent()

    x = None
    while x is None or x.content != "exit":
        x = sequentialpipeline([assistant, person], x)

    print("they exchanged", assistant.memory.size(), "messages")


if __name__ == "__main__":
    main()
