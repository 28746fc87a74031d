"""Module paths of AutoGen's extensions: ``import nbagents.compat.autogen_ext``.

Every name stands in the one table, `_table`. Loaded at first use, name by name.

>>> from nbagents.compat.autogen_ext.runtimes.grpc import GrpcWorkerAgentRuntime
>>> GrpcWorkerAgentRuntime.__module__.partition(".")[0]
'nbagents'
"""

from __future__ import annotations

from .._mirror import mirror
from ._table import ALSO, GONE, MISSING, MODULES

mirror(__name__, MODULES, also=ALSO, missing=MISSING, gone=GONE)
