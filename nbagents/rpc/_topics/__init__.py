"""Typed messages over the wire: the host that passes them on, and the workers that routed agents live in.

The host's half (`_host`, `_desk`, `_routes`, `_living`, `_rings`) is in every agent server, and knows no
class of a message. The worker's half is one session of a process: `_worker` is its face, `_host_link` its way
to a host (`_line`), `_messages` and `_sending` what leaves it, `_taking` what comes,
`_values` how messages are written and read, `_ahead` how far a stream may be ahead of its
reader, `_declared` what it serves, `_rerun` whether the cell that made it left it behind.
"""
