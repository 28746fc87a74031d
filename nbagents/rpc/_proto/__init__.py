"""The generated wire messages, and `agent.proto`, which they are generated from."""
