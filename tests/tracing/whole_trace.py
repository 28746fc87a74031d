"""An app over an agent in a server, traced: asks it once over HTTP, as a client that is traced itself."""

from __future__ import annotations

import json
import os
import sys
import urllib.request

import nbagents
from nbagents import AgentApp, DialogAgent, Msg, ReActAgent, Toolkit


def look(at: str) -> str:
    """Look at something."""
    return f"{at}: grey"


def main() -> None:
    collector, traceparent, *more = sys.argv[1:]
    if more:
        os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
    key = os.environ.pop("COLLECTOR_KEY")
    tracing = nbagents.trace(collector, headers={"x-key": key})
    model = {
        "config_name": "m",
        "model_type": "openai_chat",
        "model_name": "m",
        "base_url": f"{collector}/v1",
        "api_key": "k",
        "stream": False,
    }
    nbagents.init(model_configs=[model])
    toolkit = Toolkit()
    toolkit.register_tool_function(look)
    near = DialogAgent("near", "You talk.", "m")
    far = ReActAgent("far", "You look.", "m", toolkit=toolkit).to_dist()
    app = AgentApp(app_name="Weather")

    @app.query()
    async def answer(self, msgs):  # type: ignore[no-untyped-def]
        await near(msgs[-1])
        return await far(Msg("user", "How is the sky?", "user"))

    with app.serve(port=0) as serving:
        asked = urllib.request.Request(
            f"{serving.url}/process",
            json.dumps({"input": [{"content": "How is the sky?"}], "stream": False}).encode(),
            {
                "Authorization": f"Bearer {serving.token}",
                "Content-Type": "application/json",
                "traceparent": traceparent,
            },
        )
        with urllib.request.urlopen(asked) as answered:
            print(json.load(answered)["status"])
    tracing.flush()
    far.stop()


if __name__ == "__main__":
    main()
