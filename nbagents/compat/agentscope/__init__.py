"""AgentScope's module paths, of 0.0.1 to 1.x: ``import nbagents.compat.agentscope``.

Every name stands in the one table, `_table`; what differs from upstream is told in docs/agentscope.md.
Loaded at first use, name by name.

>>> from nbagents.compat.agentscope.pipelines.functional import sequentialpipeline
>>> sequentialpipeline([str.upper, str.title], "grey beads")
'Grey Beads'
"""

from __future__ import annotations

from .._mirror import mirror
from ._table import ALSO, GONE, MISSING, MODULES

mirror(__name__, MODULES, also=ALSO, missing=MISSING, gone=GONE)
