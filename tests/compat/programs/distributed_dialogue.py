"""An assistant in another process; a person here."""

import sys

import agentscope
from agentscope.agents import DialogAgent, UserAgent
from agentscope.server import RpcAgentServerLauncher


def serve() -> RpcAgentServerLauncher:
    launcher = RpcAgentServerLauncher(host="localhost", port=int(sys.argv[1]), local_mode=True)
    launcher.launch()
    return launcher


def talk(port: int) -> None:
    assistant = DialogAgent(
        name="Assistant",
        sys_prompt="You are an assistant.",
        model_config_name="chat",
    ).to_dist(host="localhost", port=port)
    person = UserAgent(name="User")

    msg = None
    while msg is None or not msg.content.endswith("exit"):
        msg = assistant(msg)
        print("lives elsewhere" if type(msg).__name__ == "PlaceholderMessage" else "here")
        print(f"{msg.name}: {msg.content}")
        msg = person(msg)


def main() -> None:
    agentscope.init(model_configs="model_configs.json")
    launcher = serve()
    try:
        talk(launcher.port)
    finally:
        launcher.shutdown()


if __name__ == "__main__":
    main()
