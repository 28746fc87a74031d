"""Three friends in a group chat; one leaves, another comes."""

import agentscope
from agentscope import msghub
from agentscope.agents import DialogAgent
from agentscope.message import Msg


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    alice, bob, carol, dave = [
        DialogAgent(
            name=name,
            sys_prompt=f"You are {name}. You talk with friends in short sentences.",
            model_config_name="chat",
        )
        for name in ("Alice", "Bob", "Carol", "Dave")
    ]

    welcome = Msg(name="Host", content="Welcome! Say hello to everybody.", role="system")
    with msghub(participants=[alice, bob, carol], announcement=welcome) as hub:
        alice()
        bob()
        hub.delete(bob)
        hub.add(dave)
        carol()
        hub.broadcast(Msg("Host", "Dave has joined, and Bob has left.", "system"))
        dave()

    for agent in (alice, bob, carol, dave):
        print(agent.name, "knows", [message.name for message in agent.memory.get_memory()])


if __name__ == "__main__":
    main()
