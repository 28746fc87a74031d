"""A model that is reached by plain POST requests, at an address of one's own."""

import os

import agentscope
from agentscope.agents import DialogAgent
from agentscope.message import Msg

CONFIG = {
    "config_name": "my_post_api",
    "model_type": "post_api_chat",
    "api_url": os.environ["DEMO_URL"] + "/chat/completions",
    "headers": {"Authorization": f"Bearer {os.environ['DEMO_KEY']}"},
    "json_args": {"model": "demo-fast"},
    "messages_key": "messages",
    "timeout": 20,
}


def main() -> None:
    agentscope.init(model_configs=[CONFIG], project="post", name="api")
    agent = DialogAgent("Assistant", "You are an assistant.", model_config_name="my_post_api")
    print(agent(Msg("user", "What is 12 * 12?", role="user")).content)


if __name__ == "__main__":
    main()
