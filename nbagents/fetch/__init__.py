"""`fetch`: the one HTTP client for addresses that come from a model, or from what a model has read.

It reaches the public internet alone: never this machine or its network, whatever a name, an odd spelling
or a redirect leads to, but for hosts that the programmer allows. It uses no proxy, no cookies and no log.
"""

from ._fetch import MOST, SECONDS, fetch
from ._fetched import Fetched

__all__ = ["MOST", "SECONDS", "Fetched", "fetch"]
