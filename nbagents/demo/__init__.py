"""The offline demo model: a scripted stand-in for a language model, on the real wire.

A process of its own serves it on 127.0.0.1, closed by a key. It speaks OpenAI's chat protocol, so
that whoever asks it cannot tell it from a real endpoint by anything but what it says: it follows a
few rules, says so, and gives the same reply to the same messages.

============== ===========================================================================
``demo``       about 40 tokens a second, simulated
``demo-fast``  the same replies without delay
``demo-slow``  one second until the first word, then the rest at once
``demo-long``  a few hundred words, whatever is asked: something to stop
``demo-flaky`` refuses each conversation once with status 429, then answers
``demo-error`` fails with status 500
============== ===========================================================================

It knows nothing of agents, servers or notebooks.
"""

from ._app import create_app
from .rules import reply

__all__ = ["create_app", "reply"]
