"""The module paths of AutoGen's core: ``import nbagents.compat.autogen_core``.

Every name stands in the one table, `_table`. Loaded at first use, name by name.

>>> from nbagents.compat.autogen_core import RoutedAgent
>>> RoutedAgent.__module__.partition(".")[0]
'nbagents'
"""

from __future__ import annotations

from .._mirror import mirror
from ._table import ALSO, GONE, MISSING, MODULES

mirror(__name__, MODULES, also=ALSO, missing=MISSING, gone=GONE)
