"""An agent of one's own: it keeps a list of what it heard, and asks its model for a summary."""

import agentscope
from agentscope.agents import AgentBase
from agentscope.message import Msg
from agentscope.models import load_model_by_config_name


class Secretary(AgentBase):
    """Takes minutes: observing costs nothing, replying sums up."""

    def __init__(self, name: str, model_config_name: str) -> None:
        super().__init__(
            name=name,
            sys_prompt="You sum up meetings in one sentence.",
            model_config_name=model_config_name,
        )
        self.minutes = []

    def observe(self, x) -> None:
        messages = x if isinstance(x, list) else [x]
        self.minutes.extend(f"{message.name}: {message.content}" for message in messages)
        self.memory.add(x)

    def reply(self, x=None) -> Msg:
        if x is not None:
            self.memory.add(x)
        prompt = self.model.format(
            Msg("system", self.sys_prompt, role="system"),
            self.memory.get_memory(),
            Msg("user", f"Count the words in: {' '.join(self.minutes)}", role="user"),
        )
        response = self.model(prompt, temperature=0)
        msg = Msg(self.name, response.text, role="assistant", metadata={"entries": len(self.minutes)})
        self.speak(msg)
        self.memory.add(msg)
        return msg


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    secretary = Secretary("Secretary", model_config_name="chat")
    secretary.observe(Msg("Ann", "We open on Monday.", role="user"))
    secretary.observe([Msg("Ben", "I bring cake.", role="user"), Msg("Cem", "Fine.", role="user")])
    result = secretary(Msg("Ann", "Anything else?", role="user"))
    print(result.metadata["entries"], "entries,", len(secretary.memory.get_memory()), "messages")

    model = load_model_by_config_name("chat")
    print(model([{"role": "user", "content": "What is 6 * 7?"}]).text)
    last = [(done, text) for done, text in model([{"role": "user", "content": "Count to 3."}]).stream][-1]
    print(last)


if __name__ == "__main__":
    main()
