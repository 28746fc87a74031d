"""A2A, the protocol by which agents of different makers call each other. The extra is ``a2a``.

Its package is loaded by the first request that needs it.
"""

from ._doors import A2ADoors

__all__ = ["A2ADoors"]
