"""Two debaters and a judge, each in a process of its own, hear each other."""

import agentscope
from agentscope import msghub
from agentscope.agents import DialogAgent
from agentscope.message import Msg

ROUNDS = 2
OPENING = "Should the library open on Sundays? Yes or no, and why."


def debater(name: str, prompt: str) -> DialogAgent:
    return DialogAgent(name=name, sys_prompt=prompt, model_config_name="chat").to_dist()


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    pro = debater("Pro", "You are an optimist who argues for the proposal.")
    con = debater("Con", "You are a pessimist who argues against the proposal.")
    judge = debater("Judge", "You are a judge. You decide by what was said.")
    participants = [pro, con, judge]

    opening = Msg(name="Host", content=OPENING, role="system")
    with msghub(participants=participants, announcement=opening):
        for _ in range(ROUNDS):
            pro_says = pro()
            con_says = con()
            judge()
        verdict = judge(Msg("Host", "Please give your final verdict.", role="system"))

    print(f"{pro_says.name}: {pro_says.content}")
    print(f"{con_says.name}: {con_says.content}")
    print("verdict by", verdict.name, "of", len(verdict.content.split()) > 3 and "several words")
    print("Con has heard", con.memory.size(), "messages")
    for agent in participants:
        agent.stop()


if __name__ == "__main__":
    main()
