"""Run the demo models: ``python -m nbagents.demo``."""

import sys

from ._server import main

sys.exit(main())
