"""Typed messages over the wire: what a host knows and passes on, and the workers that routed agents live in.

The host's half (`_host`, `_desk`, `_routes`, `_living`) is in every agent server and knows no message's class; the
worker's half (`_worker`, `_line`, `_sending`, `_taking`, `_declared`) is one session of a process.
"""
