"""`AgentsExtension`: what Jupyter starts, asks whether anything goes on, and stops."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from jupyter_server.extension.application import ExtensionApp

from ..exceptions import NbAgentsError

__all__ = ["AgentsExtension"]

WIRES_OWN = ("GRPC_ENABLE_FORK_SUPPORT", "GRPC_EXPERIMENTS", "GRPC_VERBOSITY")
"""What the wire sets for its own process. Kernels inherit Jupyter's environment, and may not use nbagents."""


class AgentsExtension(ExtensionApp):
    """Keeps agent servers for the kernels of this Jupyter, and serves ``nbagents/api``."""

    name = "nbagents"
    description = "Keeps the agent servers of notebooks"

    def initialize_settings(self) -> None:
        """Let kernels find this Jupyter; without a private place for that, it is left out and said."""
        with _environment_as_it_was():
            from ..rpc import CUSTODIAN, Reception
            from ._fleet import Fleet
        self.fleet = Fleet(self._has_calls)
        self._reception = Reception(self.fleet.give)
        os.environ.pop(CUSTODIAN, None)  # that of a Jupyter in whose terminal this one was started
        try:
            os.environ[CUSTODIAN] = str(self._reception.open())
            atexit.register(self._leave)
        except (NbAgentsError, OSError) as error:
            self.log.warning("nbagents keeps no agent servers for kernels, they start their own: %s", error)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        from ._routes import routes

        self.handlers.extend(routes(self.fleet))

    def current_activity(self) -> Any:
        """Return the servers in which calls run, with how many: Jupyter does not end meanwhile."""
        return [{"server": known, "calls": count} for known, count in self.fleet.calls().items() if count]

    async def stop_extension(self) -> None:
        """End the servers that it keeps, and remove its files."""
        from ._threads import in_thread

        os.environ.pop("NBAGENTS_EXTENSION", None)  # to import its name would load the wire in any Jupyter
        await in_thread(self.fleet.close)  # kernels that ask meanwhile are told that Jupyter ends
        await in_thread(self._reception.close)

    def _leave(self) -> None:
        """Let all end soon: where no terminal is, an interrupt ends Jupyter without a word to extensions."""
        self._reception.close()
        self.fleet.release()

    def _has_calls(self) -> None:
        """Hear that calls run now. Any thread."""
        if self.serverapp is not None:
            # Hubs ask when anything was done last.
            self.serverapp.web_app.settings["last_activity_times"]["nbagents"] = datetime.now(UTC)


@contextlib.contextmanager
def _environment_as_it_was() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in WIRES_OWN}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
